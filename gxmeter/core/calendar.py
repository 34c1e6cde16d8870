"""Fiscal years and half-hour slots in Japan Standard Time, in integer milliseconds.

Instants are Unix milliseconds (UTC). JST is UTC+9 without daylight saving, so half-hours of JST and
1 April 00:00 JST are multiples of 1,800,000 ms from the epoch: a slot edge is also a fiscal-year edge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from gxmeter.core.errors import InputError

JST = timezone(timedelta(hours=9), "JST")
SLOT_MS = 1_800_000
"""Length of a slot [ms]: half an hour (the settlement period of the Japanese grid)."""

_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_REIWA_START = 2018
_FIRST_MONTH = 4


def slot_of(ts_ms: int) -> int:
    """Number of the half-hour slot that holds the instant: ``ts_ms // 1_800_000``."""
    return ts_ms // SLOT_MS


def to_ms(moment: datetime) -> int:
    """Aware datetime to Unix milliseconds; microseconds below a millisecond are cut."""
    if moment.tzinfo is None:
        raise InputError("time-without-zone", found=moment.isoformat())
    return (moment - _EPOCH) // _MS


def from_ms(ts_ms: int) -> datetime:
    """Unix milliseconds to an aware datetime in UTC."""
    return _EPOCH + ts_ms * _MS


def instant(ts_ms: int) -> str:
    """Write an instant as in every file: ``2026-04-01T00:00:00Z``; milliseconds only where there are any.

    >>> instant(1_775_001_600_000)
    '2026-04-01T00:00:00Z'
    """
    text = from_ms(ts_ms).replace(tzinfo=None).isoformat(timespec="seconds")  # strftime does not pad years below 1000
    return f"{text}.{ts_ms % 1000:03d}Z" if ts_ms % 1000 else f"{text}Z"


def parse_instant(text: str) -> int:
    """Read ``YYYY-MM-DDTHH:MM:SS[.mmm]Z`` as Unix milliseconds.

    Raises:
        InputError: ``instant-malformed``.
    """
    if not _INSTANT.fullmatch(text):
        raise InputError("instant-malformed", found=text)
    try:
        return to_ms(datetime.fromisoformat(text))
    except ValueError:
        raise InputError("instant-malformed", found=text) from None


def jst_midnight_ms(day: date) -> int:
    """00:00 JST of a calendar day as Unix milliseconds; always a slot edge."""
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=JST))


def jst_date(ts_ms: int) -> date:
    """The calendar day in Japan at an instant."""
    return from_ms(ts_ms).astimezone(JST).date()


def jst_month(ts_ms: int) -> str:
    """The calendar month in Japan at an instant, ``2026-04``."""
    return jst_date(ts_ms).isoformat()[:7]


@dataclass(frozen=True, order=True, slots=True)
class FiscalYear:
    """A Japanese fiscal year, 1 April to 31 March (JST), named by the calendar year it starts in.

    >>> fy = FiscalYear(2026)
    >>> instant(fy.start_ms), instant(fy.end_ms)
    ('2026-03-31T15:00:00Z', '2027-03-31T15:00:00Z')
    >>> fy.label_ja, fy.label_en
    ('2026年度(令和8年度)', 'FY2026 (Reiwa 8)')
    """

    year: int

    @classmethod
    def of(cls, ts_ms: int) -> FiscalYear:
        """The fiscal year that holds an instant."""
        day = jst_date(ts_ms)
        return cls(day.year if day.month >= _FIRST_MONTH else day.year - 1)

    @property
    def start_ms(self) -> int:
        """1 April 00:00 JST as Unix milliseconds (inclusive)."""
        return jst_midnight_ms(date(self.year, _FIRST_MONTH, 1))

    @property
    def end_ms(self) -> int:
        """1 April 00:00 JST of the next year as Unix milliseconds (exclusive)."""
        return FiscalYear(self.year + 1).start_ms

    @property
    def label_ja(self) -> str:
        """Fiscal year and era in Japanese."""
        reiwa = self.year - _REIWA_START
        era = f"(令和{'元' if reiwa == 1 else reiwa}年度)" if reiwa >= 1 else ""
        return f"{self.year}年度{era}"

    @property
    def label_en(self) -> str:
        """Fiscal year and era in English."""
        reiwa = self.year - _REIWA_START
        return f"FY{self.year}" + (f" (Reiwa {reiwa})" if reiwa >= 1 else "")

    def month_edges_ms(self) -> list[int]:
        """The 13 month edges of the year, first and last included, as Unix milliseconds."""
        months = [divmod(_FIRST_MONTH - 1 + n, 12) for n in range(13)]
        return [jst_midnight_ms(date(self.year + y, m + 1, 1)) for y, m in months]
