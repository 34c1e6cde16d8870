"""Which metrics hold energy or power, in what unit, and what they cover.

Sources: NVIDIA DCGM field identifiers (``dcgm_fields.h``: 155 ``POWER_USAGE`` [W], 156
``TOTAL_ENERGY_CONSUMPTION`` [mJ since the driver was loaded], 157 ``POWER_USAGE_INSTANT`` [W]); dcgm-exporter, and its
first version with names in small letters; prometheus-community/ipmi_exporter. Anything else is declared
(``ReadOptions.columns``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.counters import HALF_UJ_PER_J, HALF_UJ_PER_MJ, HALF_UJ_PER_WH
from gxmeter.telemetry.options import ReadOptions

BOUNDARIES = ("device", "node", "it", "facility")
ROLES = ("power", "power_unit", "energy", "energy_unit", "device", "host", "run", "site")
"""What can be declared: the names of a power and of an energy metric with their units, and of labels."""

POWER_UNITS: Mapping[str, Fraction] = {
    "mW": Fraction(1),
    "W": Fraction(1_000),
    "kW": Fraction(1_000_000),
    "MW": Fraction(1_000_000_000),
}
"""Milliwatts in a unit [mW]."""
ENERGY_UNITS: Mapping[str, Fraction] = {
    "uJ": Fraction(2),
    "mJ": Fraction(HALF_UJ_PER_MJ),
    "J": Fraction(HALF_UJ_PER_J),
    "kJ": Fraction(HALF_UJ_PER_J * 10**3),
    "MJ": Fraction(HALF_UJ_PER_J * 10**6),
    "Wh": Fraction(HALF_UJ_PER_WH),
    "kWh": Fraction(HALF_UJ_PER_WH * 10**3),
    "MWh": Fraction(HALF_UJ_PER_WH * 10**6),
}
"""Half-microjoules in a unit [half-uJ]."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that holds energy.

    Attributes:
        is_counter: whether it is an energy counter; otherwise power.
        scale: from its unit to half-uJ (counter) or mW (power).
        rank: where a device has several, the lowest one counts.
        kind: what its devices are, such as ``gpu``; ``node`` for whole machines.
        boundary: what it covers.
        method: how it is known.
        grade: how well (docs/explanation/grades.md).
    """

    is_counter: bool
    scale: Fraction
    rank: int
    kind: str
    boundary: str
    method: str
    grade: str


_GPU_COUNTER = Metric(True, Fraction(HALF_UJ_PER_MJ), 1, "gpu", "device", "dcgm-counter", "C1")  # noqa: FBT003 - a table
_KNOWN: Mapping[str, Metric] = {
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": _GPU_COUNTER,
    "dcgm_total_energy_consumption": _GPU_COUNTER,
    "DCGM_FI_DEV_POWER_USAGE": Metric(False, POWER_UNITS["W"], 2, "gpu", "device", "dcgm-power", "C2"),  # noqa: FBT003
    "dcgm_power_usage": Metric(False, POWER_UNITS["W"], 2, "gpu", "device", "dcgm-power", "C2"),  # noqa: FBT003
    "DCGM_FI_DEV_POWER_USAGE_INSTANT": Metric(
        False, POWER_UNITS["W"], 3, "gpu", "device", "dcgm-power-instant", "C2"  # noqa: FBT003
    ),
    "ipmi_dcmi_power_consumption_watts": Metric(False, POWER_UNITS["W"], 2, "node", "node", "ipmi-dcmi", "B"),  # noqa: FBT003
}  # fmt: skip


def metrics(options: ReadOptions, file: str) -> dict[str, Metric]:
    """The metrics that hold energy, by name; declared ones come before known ones.

    Args:
        options: may declare metrics with their units.
        file: what is read, for findings.

    Raises:
        InputError: ``prometheus-role-unknown``, ``prometheus-unit-unknown``, ``prometheus-boundary-missing``: all at
            once.
    """
    roles = dict(options.columns)
    faults = [
        finding("prometheus-role-unknown", file=file, found=role, expected=", ".join(ROLES))
        for role in roles
        if role not in ROLES
    ]
    units = {"power": roles.get("power_unit", "W"), "energy": roles.get("energy_unit", "J")}
    faults += [
        finding("prometheus-unit-unknown", file=file, role=f"{role}_unit", found=units[role], expected=", ".join(known))
        for role, known in (("power", POWER_UNITS), ("energy", ENERGY_UNITS))
        if units[role] not in known
    ]
    named = [roles[role] for role in ("power", "energy") if roles.get(role, "") not in {"", *_KNOWN}]
    if named and options.boundary not in BOUNDARIES:
        faults.append(_boundary(file, named, options.boundary))
    if faults:
        raise InputError.from_findings(faults)
    found = dict(_KNOWN)
    for role, table in (("energy", ENERGY_UNITS), ("power", POWER_UNITS)):
        if roles.get(role):
            found[roles[role]] = _declared(roles[role], role, table[units[role]], options)
    return found


def _boundary(file: str, named: list[str], found: str) -> Finding:
    return finding(
        "prometheus-boundary-missing",
        file=file,
        metric=", ".join(named),
        found=found or "-",
        expected=", ".join(BOUNDARIES),
    )


def _declared(name: str, role: str, scale: Fraction, options: ReadOptions) -> Metric:
    """A declared metric; its unit as declared, the rest as known, or from what it is said to cover."""
    is_counter = role == "energy"
    known = _KNOWN.get(name)
    kind = known.kind if known else "node" if options.boundary == "node" else ""
    grade = options.grade or (known.grade if known else _default_grade(options.boundary, is_counter=is_counter))
    method = known.method if known else f"prometheus-{'counter' if is_counter else 'power'}"
    return Metric(
        is_counter,
        scale,
        0 if is_counter else 1,
        kind,
        options.boundary or (known.boundary if known else ""),
        method,
        grade,
    )


def _default_grade(boundary: str, *, is_counter: bool) -> str:
    """Nobody said what the instrument is: as a device's own sensor, or as a management controller; never as a meter."""
    if boundary != "device":
        return "B"
    return "C1" if is_counter else "C2"
