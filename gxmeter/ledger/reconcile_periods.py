"""The time of a site, divided once: each reading over its own days, the rest by month."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gxmeter.core.calendar import FiscalYear, jst_date, jst_month
from gxmeter.ledger.reconcile_readings import Counted


@dataclass(frozen=True, slots=True)
class Period:
    """A piece of a site's time [Unix ms] and the reading that covers exactly it, if one does."""

    start_ms: int
    end_ms: int
    counted: Counted | None = None

    @property
    def label(self) -> str:
        """A calendar month as ``2026-04``; any other period as its days, both included.

        >>> from gxmeter.core.calendar import parse_instant
        >>> Period(parse_instant("2026-04-10T15:00:00Z"), parse_instant("2026-05-10T15:00:00Z")).label
        '2026-04-11/2026-05-10'
        """
        return jst_month(self.start_ms) if self.is_month else f"{jst_date(self.start_ms)}/{jst_date(self.end_ms - 1)}"

    @property
    def is_month(self) -> bool:
        """Whether it is exactly a calendar month in Japan."""
        return (self.start_ms, self.end_ms) in pairwise(FiscalYear.of(self.start_ms).month_edges_ms())


def periods_of(readings: Iterable[Counted], fy: FiscalYear, span: tuple[int, int]) -> list[Period]:
    """The periods of one site in time order; they do not overlap, and cover the span.

    Args:
        readings: the readings of the site that count; those that meet the span are taken whole.
        fy: the fiscal year, for its months.
        span: the year or a month of it [Unix ms].
    """
    start_ms, end_ms = span
    members = sorted((member.reading.start_ms, member.reading.end_ms, member.reading.id, member) for member in readings)
    found: list[Period] = []
    done_ms = start_ms
    for first_ms, last_ms, _, member in members:
        if last_ms > start_ms and first_ms < end_ms:
            found += _months(fy, done_ms, first_ms)
            found.append(Period(first_ms, last_ms, member))
            done_ms = max(done_ms, last_ms)
    return [*found, *_months(fy, done_ms, end_ms)]


def named(periods: Sequence[Period]) -> list[str]:
    """The names of periods in time order, neighbours together.

    >>> april, may, june, july, august = list(_months(FiscalYear(2026), *FiscalYear(2026).month_edges_ms()[:6:5]))
    >>> named([april, june, july, august])
    ['2026-04', '2026-06..2026-08']
    """
    found: list[list[Period]] = []
    for period in periods:
        if found and found[-1][-1].end_ms == period.start_ms:
            found[-1].append(period)
        else:
            found.append([period])
    return [run[0].label if len(run) == 1 else f"{run[0].label}..{run[-1].label}" for run in found]


def _months(fy: FiscalYear, start_ms: int, end_ms: int) -> Iterator[Period]:
    edges = [start_ms, *(edge for edge in fy.month_edges_ms() if start_ms < edge < end_ms), end_ms]
    return (Period(a, b) for a, b in pairwise(edges) if a < b)
