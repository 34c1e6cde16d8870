"""One declared run, priced: hours x power (or a stated energy), steps outwards, factor, and claims held against it.

Everything is an exact decimal; the implied values of a claim are the only quotients and are rounded half-even
to 12 decimals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, Inexact
from typing import Any

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.core.numbers import Rounding, divided, plain, product
from gxmeter.core.units import Quantity, unit
from gxmeter.energy.boundary import BOUNDARIES, Stepped, step_up

IMPLIED_DECIMALS = 12
"""Places an implied factor or energy is rounded to [decimals]."""

CLAIM_TOLERANCE = Decimal("0.01")
"""A claim may differ by this share of the computed value [ratio], whatever its digits."""

_CLAIM = re.compile(r"([0-9]{1,30})(?:\.([0-9]{1,30}))?(?:[eE]([+-]?[0-9]{1,2}))?")


@dataclass(frozen=True, slots=True)
class Claim:
    """A published number and the value of one unit of its last printed digit."""

    value: Decimal
    last_digit: Decimal

    @classmethod
    def parse(cls, text: str, name: str) -> Claim:
        """Read a claim with the digits it was printed with: ``36e3`` has two, ``36000`` has five.

        Args:
            text: a plain or scientific decimal, not negative.
            name: what it claims, for the error.

        Raises:
            InputError: ``claim-malformed``.

        >>> (
        ...     Claim.parse("36e3", "x").last_digit,
        ...     Claim.parse("36000", "x").last_digit,
        ...     Claim.parse("1.50", "x").last_digit,
        ... )
        (Decimal('1E+3'), Decimal('1'), Decimal('0.01'))
        """
        match = _CLAIM.fullmatch(text)
        if not match:
            raise InputError("claim-malformed", name=name, found=text)
        exponent = int(match[3] or 0) - len(match[2] or "")
        return cls(Decimal(text), Decimal(1).scaleb(exponent))

    def contradicts(self, computed: Decimal) -> bool:
        """Whether it differs by more than half a unit of its last digit and by more than 1 % of ``computed``."""
        difference = abs(self.value - computed)
        return 2 * difference > self.last_digit and difference > CLAIM_TOLERANCE * abs(computed)


@dataclass(frozen=True, slots=True)
class Factor:
    """An emission factor [t-CO2/kWh] and what came with it."""

    t_per_kwh: Decimal
    factor_id: str = ""
    findings: tuple[Finding, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Factor:
        """Read ``"0.45 kg/kWh"`` (or g/kWh, t/kWh).

        Raises:
            InputError: ``number-not-plain``, ``unit-unknown``, ``dimension-mismatch``, ``estimate-negative``.
        """
        quantity = Quantity.parse(text).to(unit("t-CO2/kWh"))
        if quantity.value < 0:
            raise InputError("estimate-negative", name="factor", found=plain(quantity.value))
        return cls(quantity.value)


@dataclass(frozen=True, slots=True)
class Activity:
    """What was declared: an energy [kWh], or device-hours [h] (also as devices x hours) and power [W].

    ``boundary``: what the power or energy covers; ``ratios``: steps outwards by the boundary they lead to.
    """

    boundary: str = "device"
    device_hours: Decimal | None = None
    devices: Decimal | None = None
    hours: Decimal | None = None
    power_w: Decimal | None = None
    energy_kwh: Decimal | None = None
    ratios: Mapping[str, Decimal] = field(default_factory=dict)

    def declared_kwh(self) -> Decimal:
        """The energy at the declared boundary [kWh], exact.

        Raises:
            InputError: ``estimate-incomplete``, ``estimate-ambiguous``, ``estimate-negative``.
        """
        given = {name: getattr(self, name) for name in ("device_hours", "devices", "hours", "power_w", "energy_kwh")}
        negative = [
            finding("estimate-negative", name=name.replace("_", "-"), found=plain(value))
            for name, value in given.items()
            if value is not None and value < 0
        ]
        if negative:
            raise InputError.from_findings(negative)
        if self.energy_kwh is not None:
            if any(value is not None for name, value in given.items() if name != "energy_kwh"):
                raise InputError("estimate-ambiguous")
            return self.energy_kwh
        hours = self._device_hours()
        if self.power_w is None:
            raise InputError("estimate-incomplete")
        return product(hours, self.power_w, Decimal("0.001"))

    def _device_hours(self) -> Decimal:
        if self.device_hours is not None:
            if self.devices is not None or self.hours is not None:
                raise InputError("estimate-ambiguous")
            return self.device_hours
        if self.devices is None or self.hours is None:
            raise InputError("estimate-incomplete")
        return product(self.devices, self.hours)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The answer.

    ``emissions_tco2`` [t-CO2] uses the outermost boundary reached; None without a factor. ``implied_*``: what a
    claim would need: the factor [kg-CO2/kWh] for this energy, the energy [kWh] for this factor.
    """

    energy: Stepped
    emissions_tco2: Decimal | None
    factor: Factor | None
    implied_factor_kg_per_kwh: Decimal | None
    implied_energy_kwh: Decimal | None
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The document of ``gxmeter estimate``: decimal strings, null where not known."""
        return {
            "energy_kwh": {boundary: _text(self.energy.energy_kwh.get(boundary)) for boundary in BOUNDARIES},
            "boundary": self.energy.outermost,
            "emissions_tco2": _text(self.emissions_tco2),
            "factor_t_per_kwh": _text(self.factor.t_per_kwh if self.factor else None),
            "factor_id": (self.factor.factor_id or None) if self.factor else None,
            "implied": {
                "factor_kg_per_kwh": _text(self.implied_factor_kg_per_kwh),
                "energy_kwh": _text(self.implied_energy_kwh),
            },
            "findings": [item.to_json() for item in self.findings],
        }


def estimate(
    activity: Activity,
    factor: Factor | None,
    *,
    claimed_energy_kwh: Claim | None = None,
    claimed_tco2: Claim | None = None,
) -> Estimate:
    """Price one declared run and hold claims against the result.

    Args:
        activity: what was declared.
        factor: emission factor; None leaves the emissions out.
        claimed_energy_kwh: a published energy [kWh], compared at the outermost boundary reached.
        claimed_tco2: published emissions [t-CO2].

    Raises:
        InputError: too little or contradictory (``estimate-*``), ``ratio-below-one``, ``boundary-unknown``.
    """
    try:
        energy = step_up(activity.declared_kwh(), activity.boundary, activity.ratios)
        outermost_kwh = energy.energy_kwh[energy.outermost]
        emissions = product(outermost_kwh, factor.t_per_kwh) if factor else None
    except Inexact:
        raise InputError("estimate-too-many-digits") from None
    implied_factor, implied_kwh = _implied(outermost_kwh, factor, claimed_tco2)
    findings = [*energy.findings, *(factor.findings if factor else ())]
    findings += [finding("boundary-step-missing", site="estimate", step=step) for step in energy.missing]
    findings += _claims(outermost_kwh, emissions, (claimed_energy_kwh, claimed_tco2), (implied_factor, implied_kwh))
    return Estimate(energy, emissions, factor, implied_factor, implied_kwh, tuple(ordered(findings)))


def _implied(
    energy_kwh: Decimal, factor: Factor | None, claimed_tco2: Claim | None
) -> tuple[Decimal | None, Decimal | None]:
    """The factor [kg/kWh] and the energy [kWh] that the claimed tonnes would need, each with the other as computed."""
    if claimed_tco2 is None:
        return None, None
    kilograms = claimed_tco2.value * 1000
    needed_factor = needed_kwh = None
    if energy_kwh:
        needed_factor = divided(kilograms, energy_kwh, IMPLIED_DECIMALS, Rounding.HALF_EVEN)
    if factor and factor.t_per_kwh:
        needed_kwh = divided(claimed_tco2.value, factor.t_per_kwh, IMPLIED_DECIMALS, Rounding.HALF_EVEN)
    return needed_factor, needed_kwh


def _claims(
    energy_kwh: Decimal,
    emissions_tco2: Decimal | None,
    claims: tuple[Claim | None, Claim | None],
    implied: tuple[Decimal | None, Decimal | None],
) -> list[Finding]:
    """A finding for each claim that the computed value contradicts."""
    found = []
    computed = ((claims[0], energy_kwh, "kWh"), (claims[1], emissions_tco2, "t-CO2"))
    for claim, value, symbol in computed:
        if claim is not None and value is not None and claim.contradicts(value):
            found.append(
                finding(
                    "claim-mismatch",
                    expected=f"{plain(value)} {symbol}",
                    found=f"{plain(claim.value)} {symbol}",
                    factor=_text(implied[0]) or "-",
                    energy=_text(implied[1]) or "-",
                )
            )
    return found


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
