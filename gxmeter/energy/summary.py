"""An energy result as the one-shot command prints it: sums by boundary, gaps, times."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from gxmeter.core.calendar import instant
from gxmeter.core.numbers import Rounding, divided, fixed
from gxmeter.core.numbers import plain as plain_text
from gxmeter.energy.boundary import BOUNDARIES
from gxmeter.energy.double_meters import counted
from gxmeter.energy.model import EnergyResult
from gxmeter.energy.spread import HALF_UJ_PER_KWH

KWH_DECIMALS = 12
"""Places a kWh is rounded to, half-even, once [decimals]."""


def kwh_of(half_uj: int) -> Decimal:
    """Half-microjoules as kWh: half-uJ x 5e-7 / 3.6e6, rounded half-even to 12 decimals.

    >>> kwh_of(7_200_000_000_000), kwh_of(1)
    (Decimal('1.000000000000'), Decimal('0E-12'))
    """
    return divided(Decimal(half_uj), Decimal(HALF_UJ_PER_KWH), KWH_DECIMALS, Rounding.HALF_EVEN)


def half_uj_by_boundary(result: EnergyResult) -> dict[str, int]:
    """Energy [half-uJ] by what the devices cover, from the inside out; boundaries without a device are left out.

    Sums of different boundaries are never added up: a node's reading holds its devices'. Of two meters of one machine
    one is in the sum. What a record calls by another name stands last: no energy is left out in silence.
    """
    sums: dict[str, int] = {}
    for device in result.devices.values():
        sums.setdefault(device.boundary, 0)
    beside = counted(result).beside
    for key, leaf in result.leaves.items():
        if key not in beside:
            sums[result.devices[key.site, key.device].boundary] += leaf.half_uj
    others = sorted(boundary for boundary in sums if boundary not in BOUNDARIES)
    return {boundary: sums[boundary] for boundary in (*BOUNDARIES, *others) if boundary in sums}


def document(result: EnergyResult, *, format: str) -> dict[str, Any]:  # noqa: A002 - the key in the document
    """The JSON document of ``gxmeter energy``: quantities as decimal strings, instants with Z."""
    sums = half_uj_by_boundary(result)
    return {
        "format": format,
        "samples": result.samples,
        "devices": len(result.devices),
        "start": None if result.start_ms is None else instant(result.start_ms),
        "end": None if result.end_ms is None else instant(result.end_ms),
        "energy_kwh": {boundary: plain_text(kwh_of(half_uj)) for boundary, half_uj in sums.items()},
        "energy_half_uj": {boundary: str(half_uj) for boundary, half_uj in sums.items()},
        "gaps": [
            {
                "device": gap.device,
                "site": gap.site,
                "start": instant(gap.start_ms),
                "end": instant(gap.end_ms),
                "seconds": plain_text(Decimal(gap.end_ms - gap.start_ms) / 1000),
            }
            for gap in result.gaps
        ],
        "findings": [item.to_json() for item in result.findings],
    }


def lines(result: EnergyResult) -> list[str]:
    """The same for people, one line each."""
    times = (
        "-"
        if result.start_ms is None or result.end_ms is None
        else f"{instant(result.start_ms)} – {instant(result.end_ms)}"
    )
    shown = [f"{result.samples} samples, {len(result.devices)} devices{_by_site(result)}, {times}"]
    sums = half_uj_by_boundary(result)
    shown += [f"{boundary}: {fixed(kwh_of(half_uj), KWH_DECIMALS)} kWh" for boundary, half_uj in sums.items()]
    shown += [f"gap: {g.device} {instant(g.start_ms)} – {instant(g.end_ms)}" for g in result.gaps]
    return shown


def _by_site(result: EnergyResult) -> str:
    """Devices by site where there are several: one device recorded at two sites stands under both."""
    sites = Counter(site for site, _ in result.devices)
    return f" ({', '.join(f'{site}: {count}' for site, count in sorted(sites.items()))})" if len(sites) > 1 else ""
