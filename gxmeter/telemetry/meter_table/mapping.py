"""How a meter's table is read: which column plays which role, declared or told by its headings; what a row stands for.

Where nothing at all is declared, plain headings are recognised and what was recognised is told; anything that may be
two things is an error that shows what to write.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.meter_table.headings import candidates, parts_of
from gxmeter.telemetry.meter_table.roles import (
    COLUMNS,
    TIMES,
    VALUES,
    column_faults,
    column_named,
    grade_of_class,
)
from gxmeter.telemetry.meter_table.spans import DAY, Length, length_of
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.text.numbers import number
from gxmeter.telemetry.text.units import ENERGY, POWER, UNITS, unit_named

ESTIMATED = "推定,推定値,補正,補正値,estimated,estimate,e,corrected,substituted"
MISSING = "欠測,欠測値,missing,invalid,bad,no data"

_DAYS = (("first_day", "last_day"), ("month",))
_INSTANTS = (("time",), ("date", "clock"), ("date",))
_OPTIONAL = ("device", "host", "site", "run", "quality")
_UNITS_OF = {POWER: ("W", "kW", "MW"), ENERGY: ("Wh", "kWh", "MWh", "J")}
_FOR_EXAMPLE = "time: 日時, power: 有効電力, unit: kW, boundary: node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """How to read a table.

    Attributes:
        columns: heading by role.
        value: power, energy or counter.
        times: the roles that tell a row's time.
        length: how long a row stands for; None: an instant, or its time says both ends.
        stamp: whether the time marks the ``start`` or the ``end`` of that length.
        unit: of the value.
        multiplier: what values are to be multiplied by, e.g. the ratio of current transformers.
        wraps_at: how far the counter goes, in its unit; None: not known.
        meter: the device id where no column tells it.
        boundary, grade, method: of every device.
        estimated, missing: quality flags (small letters) of values that were not measured, and of none at all.
        recognised: roles and columns as recognised, where nothing was declared.
    """

    columns: dict[str, str]
    value: str
    times: tuple[str, ...]
    length: Length | None
    stamp: str
    unit: str
    multiplier: Fraction
    wraps_at: Fraction | None
    meter: str
    boundary: str
    grade: str
    method: str
    estimated: frozenset[str]
    missing: frozenset[str]
    recognised: str = ""

    @property
    def is_bill(self) -> bool:
        """Whether rows are of whole days or a month, as bills are."""
        return self.times in _DAYS or (self.length is not None and bool(self.length.calendar))

    @property
    def is_span(self) -> bool:
        """Whether rows stand for times, not for instants."""
        return self.value != "counter" and (self.length is not None or self.times not in _INSTANTS)


def mapping_of(file: str, header: Sequence[str], options: ReadOptions) -> Mapping:
    """The mapping of a table.

    Raises:
        InputError: every fault: ``column-not-there``, ``meter-columns-unknown``, ``meter-columns-ambiguous``,
            ``meter-value-missing``, ``meter-time-missing``, ``meter-interval-missing``, ``meter-unit-missing``,
            ``meter-boundary-missing``.
    """
    faults = list(column_faults(file, header, options))
    if faults:
        raise InputError.from_findings(faults)
    columns = {role: column_named(name, header) for role, name in options.columns if role in COLUMNS}
    needed = {role for way in TIMES for role in way} | set(VALUES)
    recognised = {} if needed & columns.keys() else _recognised(file, header)
    columns |= recognised
    faults = list(_faults(file, columns, options))
    if faults:
        raise InputError.from_findings(faults)
    return _mapping(columns, options, ", ".join(f"{role}: {name}" for role, name in recognised.items()))


def _recognised(file: str, header: Sequence[str]) -> dict[str, str]:
    """Columns by role, as their headings say.

    Raises:
        InputError: ``meter-columns-unknown``, ``meter-columns-ambiguous``.
    """
    found = candidates(header)
    values = [(_value_role(role, name), name) for role in VALUES for name in found.get(role, ())]
    way = next((way for way in TIMES if all(role in found for role in way)), ())
    if not values or not way:
        raise InputError("meter-columns-unknown", file=file, found=", ".join(header), expected=_FOR_EXAMPLE)
    faults = [_ambiguous(file, role, found[role]) for role in (*way, *_OPTIONAL) if len(found.get(role, ())) > 1]
    if len(values) > 1:
        names = [name for _, name in values]
        faults.append(_ambiguous(file, "/".join(dict.fromkeys(role for role, _ in values)), names, values[0][0]))
    if faults:
        raise InputError.from_findings(faults)
    return {role: found[role][0] for role in (*way, *_OPTIONAL) if role in found} | dict(values)


def _ambiguous(file: str, role: str, names: Sequence[str], shown: str = "") -> Finding:
    expected = f"{shown or role}: {names[0]}"
    return finding("meter-columns-ambiguous", file=file, role=role, found=", ".join(names), expected=expected)


def _value_role(role: str, name: str) -> str:
    """Energy is often headed as power: 電力(kWh)."""
    unit = parts_of(name)[1]
    return "energy" if role == "power" and unit and UNITS[unit].kind == ENERGY else role


def _faults(file: str, columns: dict[str, str], options: ReadOptions) -> Iterator[Finding]:
    """What is missing or does not fit together."""
    shown = ", ".join(f"{role}: {name}" for role, name in columns.items())
    values = [role for role in VALUES if role in columns]
    if len(values) != 1:
        yield finding("meter-value-missing", file=file, found=shown)
        return
    value = values[0]
    ways = _ways(columns)
    if not ways or (value == "counter" and ways[0] not in _INSTANTS):
        yield finding("meter-time-missing", file=file, found=shown)
    elif value != "counter" and not _span_is_known(value, ways[0], options):
        yield finding("meter-interval-missing", file=file)
    kind = POWER if value == "power" else ENERGY
    unit = _unit(columns[value], options)
    units = ", ".join(_UNITS_OF[kind])
    if not unit:
        yield finding("meter-unit-missing", file=file, column=columns[value], expected=units)
    elif UNITS[unit].kind != kind:
        yield finding("column-value-unknown", file=file, role="unit", found=unit, expected=units)
    if not _boundary(ways[0] if ways else (), options):
        yield finding("meter-boundary-missing", file=file)


def _ways(columns: dict[str, str]) -> list[tuple[str, ...]]:
    return [way for way in TIMES if all(role in columns for role in way)]


def _span_is_known(value: str, way: tuple[str, ...], options: ReadOptions) -> bool:
    """Whether it is known what time a row stands for; power without a length is that of an instant."""
    length = length_of(options.column("interval"))
    if way not in _INSTANTS:
        return True
    if length is None:
        return way == ("date",) or (value == "power" and not options.column("stamp"))
    if length.calendar:
        return way == ("date",)
    return way != ("date",) and bool(options.column("stamp"))


def _unit(heading: str, options: ReadOptions) -> str:
    return unit_named(options.column("unit")) or parts_of(heading)[1]


def _boundary(way: tuple[str, ...], options: ReadOptions) -> str:
    """What the meter covers; a bill is of the whole site."""
    return options.boundary or options.column("boundary") or ("facility" if way in _DAYS else "")


def _mapping(columns: dict[str, str], options: ReadOptions, recognised: str) -> Mapping:
    value = next(role for role in VALUES if role in columns)
    way = _ways(columns)[0]
    length = length_of(options.column("interval")) or (Length(calendar=DAY) if way == ("date",) else None)
    is_bill = way in _DAYS
    wraps_at = number(options.column("wraps_at"), decimal=".")
    of_span = value == "power" and (length is not None or way == ("start", "end"))
    return Mapping(
        columns=columns,
        value=value,
        times=way,
        length=None if way not in _INSTANTS or value == "counter" else length,
        stamp=options.column("stamp") or "start",
        unit=_unit(columns[value], options),
        multiplier=Fraction(number(options.column("multiplier"), decimal=".") or 1),
        wraps_at=None if wraps_at is None else Fraction(wraps_at),
        meter=options.column("meter"),
        boundary=_boundary(way, options),
        grade=options.column("grade") or ("A" if is_bill else grade_of_class(options.column("class"))),
        method="bill" if is_bill else "meter-mean-power" if of_span else f"meter-{value}",
        estimated=_flags(options.column("estimated") or ESTIMATED),
        missing=_flags(options.column("missing") or MISSING),
        recognised=recognised,
    )


def _flags(text: str) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in text.split(",") if part.strip())
