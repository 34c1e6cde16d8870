"""Lines of training runs: boundary steps, PUE once, scope, factors (package.md 5.3, 5.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import EXACT
from gxmeter.ledger.drafts import ONE, Draft, grade_interval, priced
from gxmeter.ledger.entries import Entry, EntryKey, kwh_from_joule
from gxmeter.ledger.grades import GRADES
from gxmeter.ledger.pieces import Calendar
from gxmeter.ledger.pricing import Pricer
from gxmeter.ledger.scopes import scope_of
from gxmeter.ledger.tables import Instant, Line, SiteRow
from gxmeter.ledger.terms import Boundary, LineKind, Portion


@dataclass(slots=True)
class Steps:
    """The site's declared ratios; remembers which ones were needed but not known."""

    missing: set[tuple[str, str]] = field(default_factory=set)

    def node_and_it(self, site: SiteRow, boundary: str) -> tuple[Decimal, Decimal]:
        """(node/device, it/node) for a reading at a boundary [ratio]; an unknown one counts as 1."""
        node = self._ratio(site, "node", site.overhead_node) if boundary == Boundary.DEVICE else ONE
        inside_it = boundary in {Boundary.DEVICE, Boundary.NODE}
        return node, self._ratio(site, "it", site.overhead_it) if inside_it else ONE

    def portions(self, site: SiteRow, calendar: Calendar, boundary: str, ts_ms: int) -> list[tuple[str, Decimal]]:
        """(portion, step_pue) of a reading: facility readings take no PUE, others one PUE in two portions."""
        if boundary == Boundary.FACILITY:
            return [(Portion.FACILITY, ONE)]
        pue = calendar.pue_at(ts_ms)
        if pue is None:
            self.missing.add((site.site_id, "facility"))
            return [(Portion.IT, ONE)]
        return [(Portion.IT, ONE), (Portion.OVERHEAD, EXACT.subtract(pue.pue, ONE))]

    def findings(self) -> list[Finding]:
        """``boundary-step-missing``, once per site and step."""
        return [finding("boundary-step-missing", site=site, step=step) for site, step in sorted(self.missing)]

    def _ratio(self, site: SiteRow, step: str, ratio: Decimal | None) -> Decimal:
        if ratio is None:
            self.missing.add((site.site_id, step))
            return ONE
        return ratio


def run_lines(
    entries: Mapping[EntryKey, Entry],
    sites: Mapping[str, SiteRow],
    calendars: Mapping[str, Calendar],
    frames: Mapping[str, str],
    pricer: Pricer,
) -> tuple[list[Line], list[Finding]]:
    """The lines of all runs; ``frames`` maps run ids to their frame."""
    steps = Steps()
    lines = [
        priced(draft, pricer.prices(sites[key.site_id], calendars[key.site_id], key.start))
        for key, entry in entries.items()
        for draft in _drafts(key, entry, sites[key.site_id], calendars[key.site_id], steps, frames.get(key.run_id, ""))
    ]
    return lines, steps.findings()


def _drafts(  # noqa: PLR0917 - one call site; the arguments are the entry and what holds at its site
    key: EntryKey, entry: Entry, site: SiteRow, calendar: Calendar, steps: Steps, frame: str
) -> Iterator[Draft]:
    energy_j = entry.energy_j
    energy_kwh = kwh_from_joule(energy_j)
    step_node, step_it = steps.node_and_it(site, key.boundary)
    low, high = grade_interval(key.grade)
    for portion, step_pue in steps.portions(site, calendar, key.boundary, key.start):
        scope, category = scope_of(site, portion)
        yield Draft(
            kind=LineKind.RUN,
            run_id=key.run_id,
            site_id=key.site_id,
            frame=frame,
            country=site.country,
            start=Instant(key.start),
            end=Instant(key.end),
            boundary=key.boundary,
            portion=portion,
            method=key.method,
            grade=key.grade,
            status=GRADES[key.grade].status,
            energy_j=energy_j,
            energy_kwh=energy_kwh,
            scope=scope,
            category=category,
            low_pct=low,
            high_pct=high,
            evidence_id=entry.evidence_id,
            step_node=step_node,
            step_it=step_it,
            step_pue=step_pue,
            share=site.accounting_share,
        )
