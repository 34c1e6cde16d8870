"""Pieces: the stretches of a fiscal year over which nothing that prices a kilowatt-hour changes.

package.md 5.1: the cuts of a site are the month edges of the year and every start and end of its
contracts, PUE periods and meter readings inside the year; a piece lies between two neighbouring cuts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeVar

from gxmeter.core.calendar import SLOT_MS, FiscalYear, instant
from gxmeter.core.findings import Finding, finding
from gxmeter.ledger.tables import ContractRow, Declarations, PueRow


class Period(Protocol):
    """Anything with a half-open extent [Unix ms]."""

    @property
    def start(self) -> int:
        """Inclusive."""

    @property
    def end(self) -> int:
        """Exclusive."""


_P = TypeVar("_P", bound=Period)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The cuts of one site in one fiscal year and what holds in each piece [Unix ms]."""

    site_id: str
    cuts: tuple[int, ...]
    contracts: tuple[ContractRow, ...]
    pue: tuple[PueRow, ...]

    def pieces(self) -> list[tuple[int, int]]:
        """All pieces [start, end) in time order."""
        return list(pairwise(self.cuts))

    def piece_of(self, ts_ms: int) -> tuple[int, int] | None:
        """The piece that holds an instant, or None outside the fiscal year."""
        index = bisect_right(self.cuts, ts_ms)
        return (self.cuts[index - 1], self.cuts[index]) if 0 < index < len(self.cuts) else None

    def contract_at(self, ts_ms: int) -> ContractRow | None:
        """The supply contract that holds at an instant."""
        return _at(self.contracts, ts_ms)

    def pue_at(self, ts_ms: int) -> PueRow | None:
        """The PUE that holds at an instant."""
        return _at(self.pue, ts_ms)


def _at(periods: tuple[_P, ...], ts_ms: int) -> _P | None:
    return next((p for p in periods if p.start <= ts_ms < p.end), None)


def calendars(declarations: Declarations, fy: FiscalYear) -> tuple[dict[str, Calendar], list[Finding]]:
    """The calendar of every site, and a finding for every cut that is no slot edge (``cut-off-slot``)."""
    found: dict[str, Calendar] = {}
    findings: list[Finding] = []
    for site in declarations.sites:
        contracts = tuple(c for c in declarations.contracts if c.site_id == site.site_id)
        pue = tuple(p for p in declarations.pue if p.site_id == site.site_id)
        meters = tuple(m for m in declarations.meters if m.site_id == site.site_id)
        edges = set(fy.month_edges_ms())
        periods: list[Period] = [*contracts, *pue, *meters]
        for period in periods:
            edges |= {edge for edge in (period.start, period.end) if fy.start_ms < edge < fy.end_ms}
        findings += [
            finding("cut-off-slot", site=site.site_id, found=instant(edge)) for edge in sorted(edges) if edge % SLOT_MS
        ]
        found[site.site_id] = Calendar(site.site_id, tuple(sorted(edges)), contracts, pue)
    return found, findings


def overlaps(periods: Iterable[Period]) -> bool:
    """Whether any two of the half-open periods overlap."""
    ordered = sorted((p.start, p.end) for p in periods)
    return any(b_start < a_end for (_, a_end), (b_start, _) in pairwise(ordered))
