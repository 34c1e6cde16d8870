"""Boundary steps: what a reading covers, and the explicit ratios that lead outwards.

``device`` (the metered components) -> ``node`` (fans, power supplies, host) -> ``it`` (network, storage) ->
``facility`` (cooling and power losses: the PUE, ISO/IEC 30134-2). A ratio multiplies; each is applied once, and
only outside what the reading already covers. A step without a ratio on the way counts as 1 and is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import plain, product

BOUNDARIES = ("device", "node", "it", "facility")
"""From the inside out."""

RATIO_NAMES = MappingProxyType({"node": "overhead-node", "it": "overhead-it", "facility": "pue"})
"""The ratio that leads up to a boundary."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """Energy at each boundary from the one it was read at to the outermost reached.

    Attributes:
        energy_kwh: [kWh] by boundary; a boundary that is not there is not known.
        outermost: the last boundary reached.
        missing: boundaries on the way whose ratio was not given and counts as 1.
        findings: ``pue-applied-twice`` or ``overhead-applied-twice`` for ratios that lead to what the reading
            already covers; they are not applied.
    """

    energy_kwh: Mapping[str, Decimal]
    outermost: str
    missing: tuple[str, ...]
    findings: tuple[Finding, ...]


def step_up(energy_kwh: Decimal, boundary: str, ratios: Mapping[str, Decimal]) -> Stepped:
    """Lead an energy outwards, exactly.

    Args:
        energy_kwh: energy at ``boundary`` [kWh].
        boundary: device, node, it or facility.
        ratios: by the boundary they lead up to (``node``, ``it``, ``facility``) [ratio, >= 1]; left out = not stepped.

    Raises:
        InputError: ``boundary-unknown``, ``ratio-below-one``.
        decimal.Inexact: a product needs more than 50 digits.

    >>> up = step_up(Decimal(100), "it", {"facility": Decimal("1.2")})
    >>> up.outermost, str(up.energy_kwh["facility"])
    ('facility', '120.0')
    """
    _check(boundary, ratios)
    start = BOUNDARIES.index(boundary)
    outer = [b for b in BOUNDARIES[start + 1 :] if b in ratios]
    end = BOUNDARIES.index(outer[-1]) if outer else start
    energies = {boundary: energy_kwh}
    for inner, step in zip(BOUNDARIES[start:end], BOUNDARIES[start + 1 : end + 1], strict=True):
        energies[step] = product(energies[inner], ratios.get(step, Decimal(1)))
    return Stepped(
        energy_kwh=energies,
        outermost=BOUNDARIES[end],
        missing=tuple(step for step in BOUNDARIES[start + 1 : end + 1] if step not in ratios),
        findings=tuple(_twice(step, ratios[step], boundary) for step in BOUNDARIES[1 : start + 1] if step in ratios),
    )


def _check(boundary: str, ratios: Mapping[str, Decimal]) -> None:
    if boundary not in BOUNDARIES:
        raise InputError("boundary-unknown", found=boundary)
    faults = [
        finding("ratio-below-one", name=RATIO_NAMES[step], found=plain(ratio))
        for step, ratio in ratios.items()
        if ratio < 1
    ]
    if faults:
        raise InputError.from_findings(faults)


def _twice(step: str, ratio: Decimal, boundary: str) -> Finding:
    if step == "facility":
        return finding("pue-applied-twice", found=plain(ratio))
    return finding("overhead-applied-twice", name=RATIO_NAMES[step], boundary=boundary, found=plain(ratio))
