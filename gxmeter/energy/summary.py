"""An energy result as the one-shot command prints it: sums by boundary, gaps, times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from gxmeter.core.calendar import JST, from_ms, instant
from gxmeter.core.numbers import Rounding, divided, fixed
from gxmeter.core.numbers import plain as plain_text
from gxmeter.energy.boundary import BOUNDARIES
from gxmeter.energy.double_meters import counted
from gxmeter.energy.model import EnergyResult, Gap
from gxmeter.energy.spread import HALF_UJ_PER_KWH

KWH_DECIMALS = 12
"""Places a kWh is rounded to, half-even, once [decimals]."""

GAPS_LISTED = 10
"""Gaps that people are shown one by one [gaps]; JSON documents hold every one."""

_BOUNDARIES_JA = {"device": "機器", "node": "ノード", "it": "IT設備", "facility": "施設"}


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
                "seconds": _seconds(gap.end_ms - gap.start_ms),
            }
            for gap in result.gaps
        ],
        "findings": [item.to_json() for item in result.findings],
    }


def lines(result: EnergyResult, *, ja: bool = False) -> list[str]:
    """The same for people, one line each; of many gaps the longest ones stand for all."""
    count, devices = f"{result.samples:,}", f"{len(result.devices):,}"
    head = f"{count} 件の記録、機器 {devices} 台" if ja else f"{count} records, {devices} devices"
    shown = [f"{head}{_by_site(result, ja=ja)}{'、' if ja else ', '}{_times(result, ja=ja)}"]
    for boundary, half_uj in half_uj_by_boundary(result).items():
        name = f"{_BOUNDARIES_JA[boundary]}({boundary})" if ja and boundary in _BOUNDARIES_JA else boundary
        shown.append(f"{name}: {fixed(kwh_of(half_uj), KWH_DECIMALS)} kWh")
    return shown + _gap_lines(result.gaps, ja=ja)


def _times(result: EnergyResult, *, ja: bool) -> str:
    """First and last instant, in UTC and as clocks in Japan show them."""
    if result.start_ms is None or result.end_ms is None:
        return "-"
    here = " – ".join(f"{from_ms(ms).astimezone(JST):%Y-%m-%d %H:%M:%S}" for ms in (result.start_ms, result.end_ms))
    zone = "日本時間" if ja else "in Japan"
    return f"{instant(result.start_ms)} – {instant(result.end_ms)} ({zone} {here})"


def _gap_lines(gaps: Sequence[Gap], *, ja: bool) -> list[str]:
    """Each of a few gaps; of more of them how many, how long in all, and the longest."""
    longest = sorted(gaps, key=lambda gap: gap.start_ms - gap.end_ms)[:GAPS_LISTED]
    word = "欠測" if ja else "gap"
    listed = [f"{word}: {_gap(gap)}" for gap in longest]
    if len(gaps) <= GAPS_LISTED:
        return listed
    total = _seconds(sum(gap.end_ms - gap.start_ms for gap in gaps))
    if ja:
        return [f"欠測 {len(gaps):,} 件、合計 {total} s。長い順に {GAPS_LISTED} 件(全件は --json):", *listed]
    return [f"{len(gaps):,} gaps, {total} s in all; the {GAPS_LISTED} longest (all of them with --json):", *listed]


def _gap(gap: Gap) -> str:
    seconds = _seconds(gap.end_ms - gap.start_ms)
    return f"{gap.device} {instant(gap.start_ms)} – {instant(gap.end_ms)} ({seconds} s)"


def _seconds(ms: int) -> str:
    return plain_text(Decimal(ms) / 1000)


def _by_site(result: EnergyResult, *, ja: bool) -> str:
    """Devices by site where there are several: one device recorded at two sites stands under both."""
    sites = Counter(site for site, _ in result.devices)
    nameless = "拠点の指定なし" if ja else "no site"
    named = ", ".join(f"{site or nameless}: {count}" for site, count in sorted(sites.items()))
    return f" ({named})" if len(sites) > 1 else ""
