"""Lines of an MLPerf log as events: ``:::MLLOG {json}``, with or without the rank that printed them before it.

Numbers stay the text that the file holds, so that no float comes between the file and the integers. Source of the keys:
mlcommons/logging, ``mllog/constants.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from gxmeter.core.errors import InputError
from gxmeter.telemetry.text.lines import Line, lines
from gxmeter.telemetry.text.numbers import MAX_INTEGER, is_missing, number
from gxmeter.telemetry.text.remarks import Remarks

MARK = ":::MLLOG"
"""What every line of a log begins with, behind the rank."""

READING, ESTIMATE = "power_reading", "interconnect_power_est"
START, STOP = "power_measurement_start", "power_measurement_stop"
RUN_START, RUN_STOP = "run_start", "run_stop"
EFFICIENCY = "conversion_eff"

# Numbers come as text, and text they stay: 7012.5 must not become a float on its way to an integer.
_JSON = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)

_PLAIN_DIGITS = 15
"""So many digits can be neither too great for an integer nor anything but one [digits]."""

_MW = {"mW": 1, "W": 1_000, "kW": 1_000_000, "MW": 1_000_000_000, "": 1_000}


@dataclass(frozen=True, slots=True)
class Event:
    """One line: its number, its instant [Unix ms] (None where it has none), and what it says."""

    row: int
    time_ms: int | None
    key: str
    value: Any
    metadata: Mapping[str, Any]


class NotANumberError(ValueError):
    """A value is there and is no power."""


def events(path: Path, remarks: Remarks, encoding: str = "") -> Iterator[Event]:
    """The events of a log in the order of its lines.

    ``remarks`` gets ``mlperf-line-other`` for lines without the mark, ``mlperf-line-broken`` for those that cannot be
    read, ``row-torn`` for a last line that breaks off, and ``file-torn``.

    Raises:
        InputError: ``encoding-unknown``.
        OSError: the file cannot be read.
    """
    row = 0
    source = lines(path, encoding)
    while True:
        try:
            line = next(source, None)
        except InputError as error:
            if row == 0 and error.findings[0].code == "encoding-unknown":
                raise
            remarks.add("file-torn", row=row + 1, found=error.findings[0].code)
            return
        if line is None:
            return
        row = line.row
        event = _event(line, remarks)
        if event is not None:
            yield event


def _event(line: Line, remarks: Remarks) -> Event | None:
    _, mark, text = line.text.partition(MARK)
    if not mark:
        if line.text.strip():
            remarks.add("mlperf-line-other", row=line.row, found=line.text)
        return None
    try:
        return _checked(line.row, _JSON.decode(text))
    except (ValueError, TypeError, RecursionError):
        remarks.add("row-torn" if line.torn else "mlperf-line-broken", row=line.row, found=line.text)
        return None


def _checked(row: int, body: object) -> Event:
    if not isinstance(body, dict) or not isinstance(body.get("key"), str):
        raise TypeError(f"line {row} holds no event")
    metadata = body.get("metadata")
    return Event(
        row=row,
        time_ms=_instant(body.get("time_ms")),
        key=body["key"],
        value=body.get("value"),
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _instant(value: object) -> int | None:
    """Unix milliseconds, cut below a millisecond; None where there are none."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= _PLAIN_DIGITS:
        return int(value)
    exact = number(value) if isinstance(value, str) else None
    return int(exact) if exact is not None and abs(exact) <= MAX_INTEGER else None


def milliwatts(event: Event) -> int | None:
    """The power that an event tells [mW], rounded half-even; None where it says that nothing was measured.

    The unit is watts unless the value or its metadata name another one.

    Raises:
        NotANumberError: something else stands there.
    """
    if event.value is None:
        return None
    if not isinstance(event.value, str):
        raise NotANumberError(str(event.value))
    if not event.metadata and event.value.isdecimal() and len(event.value) <= _PLAIN_DIGITS:
        return int(event.value) * _MW["W"]
    text, unit = _split(event.value)
    if is_missing(text):
        return None
    unit = unit or next((str(event.metadata[name]) for name in ("unit", "units") if name in event.metadata), "")
    exact = number(text)
    if exact is None or unit not in _MW or abs(exact) > MAX_INTEGER // _MW[unit]:
        raise NotANumberError(event.value)
    return round(Fraction(exact) * _MW[unit])


def _split(text: str) -> tuple[str, str]:
    """A number and the unit behind it.

    >>> _split("7.1 kW"), _split("7100")
    (('7.1', 'kW'), ('7100', ''))
    """
    plain = text.strip()
    unit = next((unit for unit in ("mW", "kW", "MW", "W") if plain.endswith(unit)), "")
    return plain[: len(plain) - len(unit)].strip(), unit
