"""What time a row stands for: so long from its stamp on, so long up to it, a calendar day, whole days, a month."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from unicodedata import normalize
from zoneinfo import ZoneInfo

from gxmeter.core.calendar import SLOT_MS, from_ms, to_ms

DAY, MONTH = "day", "month"

_LENGTH = re.compile(
    r"(\d{1,4})\s*(s|sec|秒|min|m|分|h|hour|hours|時間|day|days|日|month|months|か月|ヶ月|月)", re.ASCII
)
_UNITS_MS = {
    "s": 1000, "sec": 1000, "秒": 1000, "min": 60_000, "m": 60_000, "分": 60_000,
    "h": 3_600_000, "hour": 3_600_000, "hours": 3_600_000, "時間": 3_600_000,
}  # fmt: skip
_MONTH = re.compile(r"(?:(\d{4})|(?:令和|R)(\d{1,2}|元))[-/.年]?\s*(\d{1,2})(?:月分?)?", re.ASCII)
_ERA_START = 2018
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Length:
    """How long a row stands for: ``ms`` [ms], or a ``calendar`` day or month of the file's zone."""

    ms: int = 0
    calendar: str = ""


def length_of(text: str) -> Length | None:
    """A length as people write it, or None.

    >>> length_of("30 min"), length_of("1時間"), length_of("1 day"), length_of("2 months")
    (Length(ms=1800000, calendar=''), Length(ms=3600000, calendar=''), Length(ms=0, calendar='day'), None)
    """
    found = _LENGTH.fullmatch(normalize("NFKC", text).strip())
    if not found or not int(found[1]):
        return None
    count, unit = int(found[1]), found[2]
    if unit in _UNITS_MS:
        return Length(ms=count * _UNITS_MS[unit])
    if count != 1:
        return None
    return Length(calendar=DAY if unit in {"day", "日"} else MONTH)


def next_midnight_ms(ts_ms: int, zone: ZoneInfo) -> int:
    """00:00 of the day after the one that holds an instant, in a zone [Unix ms]."""
    local = from_ms(ts_ms).astimezone(zone)
    return to_ms(datetime(local.year, local.month, local.day, tzinfo=zone) + timedelta(days=1))


def month_of(text: str, zone: ZoneInfo) -> tuple[int, int] | None:
    """Start and end of a month written as ``2026-04``, ``202604`` or ``令和8年4月分``, in a zone [Unix ms]; or None."""
    found = _MONTH.fullmatch(normalize("NFKC", text).strip())
    if not found:
        return None
    year = int(found[1]) if found[1] else _ERA_START + (1 if found[2] == "元" else int(found[2]))
    month = int(found[3])
    if not 1 <= month <= _MONTHS:
        return None
    over, after = divmod(month, _MONTHS)
    first, last = datetime(year, month, 1, tzinfo=zone), datetime(year + over, after + 1, 1, tzinfo=zone)
    return to_ms(first), to_ms(last)


def pieces(start_ms: int, end_ms: int, half_uj: int) -> list[tuple[int, int, int]]:
    """An interval cut at the slot edges, so that energy beyond int64 fits; the engine would cut it alike.

    Up to x ms after the start it is ``E(x) = (d // T) * x + (d % T) * x // T`` (the rule of ``energy/intervals.py``).
    """
    length = end_ms - start_ms
    whole, rest = divmod(half_uj, length)
    edges = [start_ms, *range((start_ms // SLOT_MS + 1) * SLOT_MS, end_ms, SLOT_MS), end_ms]
    upto = [whole * (edge - start_ms) + rest * (edge - start_ms) // length for edge in edges]
    return [(a, b, d - c) for a, b, c, d in zip(edges, edges[1:], upto, upto[1:], strict=False)]
