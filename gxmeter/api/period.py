"""A fiscal year or one month of it, as people name them on a command line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise

from gxmeter.core.calendar import SLOT_MS, FiscalYear, jst_month
from gxmeter.core.errors import InputError

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a fiscal year [Unix ms]; ``month`` is empty for the whole year."""

    fy: FiscalYear
    month: str
    start_ms: int
    end_ms: int

    def until(self, now_ms: int) -> Span:
        """The part of the span that has passed, in whole half-hours.

        Raises:
            InputError: ``span-in-future``.
        """
        end_ms = min(self.end_ms, now_ms // SLOT_MS * SLOT_MS)
        if end_ms <= self.start_ms:
            raise InputError("span-in-future", found=self.month or self.fy.year)
        return replace(self, end_ms=end_ms)


def span_of(fy: int | None, month: str = "") -> Span:
    """The span that a fiscal year, a month such as ``2026-04``, or both name.

    Raises:
        InputError: ``span-missing``, ``month-malformed``, ``month-outside-year``.

    >>> span_of(None, "2027-02").fy.year
    2026
    """
    if not month and fy is None:
        raise InputError("span-missing")
    if not month and fy is not None:
        year = FiscalYear(fy)
        return Span(year, "", year.start_ms, year.end_ms)
    if not _MONTH.fullmatch(month):
        raise InputError("month-malformed", found=month)
    number, calendar_month = int(month[:4]), int(month[5:])
    year = FiscalYear(number if calendar_month >= 4 else number - 1)  # noqa: PLR2004 - April, in which it begins
    if fy is not None and year.year != fy:
        raise InputError("month-outside-year", found=month, expected=fy)
    start_ms, end_ms = next(pair for pair in pairwise(year.month_edges_ms()) if jst_month(pair[0]) == month)
    return Span(year, month, start_ms, end_ms)
