"""The roles that ``columns`` may declare for a meter's table, and what may stand for each.

Described for people in ``docs/reference/meter-csv.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.meter_table.spans import length_of
from gxmeter.telemetry.options import BOUNDARIES, GRADES, ReadOptions
from gxmeter.telemetry.text.numbers import number
from gxmeter.telemetry.text.units import UNITS, unit_named

COLUMNS = (
    "time", "date", "clock", "start", "end", "first_day", "last_day", "month", "power", "energy", "counter", "device",
    "host", "site", "run", "quality",
)  # fmt: skip
"""Roles whose value is the heading of a column, or ``#3`` for the third one."""

SETTINGS = (
    "unit", "interval", "stamp", "multiplier", "wraps_at", "meter", "class", "boundary", "grade", "estimated",
    "missing", "time_format", "skip", "header_rows", "delimiter",
)  # fmt: skip
"""Roles whose value is a setting."""

VALUES = ("power", "energy", "counter")
TIMES = (("start", "end"), ("first_day", "last_day"), ("month",), ("date", "clock"), ("time",), ("date",))
"""How rows tell their time, the fullest way first."""

WORST_CLASS = 5
"""Accuracy class from which on a meter is none to account with [%]."""
BEST_CLASS = 2
"""Accuracy class up to which a meter has grade A [%]: its interval (docs/explanation/grades.md)."""

_DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|", ",": ",", ";": ";", "|": "|"}
_MAX_SKIP = 1000
_MAX_HEADER_ROWS = 9
_PLACE = re.compile(r"#(\d{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TableForm:
    """What must be known to open a table: see :func:`gxmeter.telemetry.text.table.table`."""

    skip: int
    header_rows: int
    delimiter: str


def form_of(file: str, options: ReadOptions) -> TableForm:
    """How a table is made, as declared.

    Raises:
        InputError: every fault of the declared roles that can be told without the table: ``column-role-unknown``,
            ``column-value-unknown``.
    """
    faults = list(_setting_faults(file, options))
    if faults:
        raise InputError.from_findings(faults)
    return TableForm(
        skip=int(options.column("skip") or 0),
        header_rows=int(options.column("header_rows") or 1),
        delimiter=_DELIMITERS.get(options.column("delimiter"), ""),
    )


def column_named(name: str, header: Sequence[str]) -> str:
    """The heading of a declared column, or empty text where the table has none.

    >>> column_named("#2", ("a", "b")), column_named("a", ("a", "b")), column_named("#9", ("a", "b"))
    ('b', 'a', '')
    """
    if name in header:
        return name
    place = _PLACE.fullmatch(name)
    return header[int(place[1]) - 1] if place and 1 <= int(place[1]) <= len(header) else ""


def column_faults(file: str, header: Sequence[str], options: ReadOptions) -> Iterator[Finding]:
    """Declared columns that the table does not have."""
    for role, name in options.columns:
        if role in COLUMNS and not column_named(name, header):
            yield finding("column-not-there", file=file, role=role, expected=name, found=", ".join(header))


def _setting_faults(file: str, options: ReadOptions) -> Iterator[Finding]:
    for role, text in options.columns:
        if role not in COLUMNS and role not in SETTINGS:
            expected = ", ".join((*COLUMNS, *SETTINGS))
            yield finding("column-role-unknown", file=file, found=role, expected=expected)
            continue
        expected = _expected(role, text)
        if expected:
            yield finding("column-value-unknown", file=file, role=role, found=text, expected=expected)


def _expected(role: str, text: str) -> str:
    """What a setting may be, where it is something else; empty text where it is right."""
    named = {
        "unit": (unit_named(text) in UNITS, "W, kW, MW, J, Wh, kWh, MWh"),
        "interval": (length_of(text) is not None, "30 min, 1 h, 1 day, 1 month"),
        "stamp": (text in {"start", "end"}, "start, end"),
        "multiplier": (_above_zero(text), "0.001, 1, 60"),
        "wraps_at": (_above_zero(text), "1000000"),
        "class": (_above_zero(text) and _class(text) <= WORST_CLASS, f"0.5, 1, 2 … {WORST_CLASS}"),
        "boundary": (text in BOUNDARIES, ", ".join(BOUNDARIES)),
        "grade": (text in GRADES, ", ".join(GRADES)),
        "skip": (text.isdecimal() and text.isascii() and int(text) <= _MAX_SKIP, f"0 … {_MAX_SKIP}"),
        "header_rows": (text.isdecimal() and text.isascii() and 1 <= int(text) <= _MAX_HEADER_ROWS, "1, 2, 3"),
        "delimiter": (text in _DELIMITERS, "comma, tab, semicolon, pipe"),
        "time_format": ("%" in text, "%d.%m.%Y %H:%M"),
    }
    right, expected = named.get(role, (True, ""))
    return "" if right else expected


def _above_zero(text: str) -> bool:
    value = number(text.rstrip("sS%"), decimal=".")
    return value is not None and value > 0


def _class(text: str) -> int:
    """An accuracy class, rounded up [%]."""
    value = number(text.rstrip("sS%"), decimal=".")
    return WORST_CLASS + 1 if value is None else -int(-value // 1)


def grade_of_class(text: str) -> str:
    """The grade of a meter of an accuracy class; without one it is not shown to be better than B.

    >>> grade_of_class("0.5S"), grade_of_class("2"), grade_of_class("3"), grade_of_class("")
    ('A', 'A', 'B', 'B')
    """
    return "A" if text and _class(text) <= BEST_CLASS else "B"
