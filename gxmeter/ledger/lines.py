"""From declarations, activity and factors to the lines of a fiscal year: the whole of package.md step 5 up to 5.8.

Pure: the same tables and the same registry give the same lines, in a workspace and in a verifier.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gxmeter.core.calendar import FiscalYear
from gxmeter.core.findings import Finding
from gxmeter.factors.model import FactorEntry
from gxmeter.factors.registry import Registry
from gxmeter.ledger.drafts import numbered
from gxmeter.ledger.entries import Entry, EntryKey, build_entries
from gxmeter.ledger.instruments import instrument_lines
from gxmeter.ledger.pieces import calendars
from gxmeter.ledger.pricing import Pricer
from gxmeter.ledger.runs import run_lines
from gxmeter.ledger.tables import ActivityRow, Declarations, Line
from gxmeter.ledger.unattributed import NO_TOLERANCE, Tolerances, unattributed_lines


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a year, the entries they came from, the factors used (id -> entry, provisional), remarks."""

    lines: tuple[Line, ...]
    entries: dict[EntryKey, Entry]
    used: dict[str, tuple[FactorEntry, bool]]
    findings: tuple[Finding, ...]


def build_lines(
    declarations: Declarations,
    activity: Iterable[ActivityRow],
    registry: Registry,
    fy: FiscalYear,
    tolerances: Tolerances = NO_TOLERANCE,
) -> Lines:
    """Compute every line of a fiscal year.

    Args:
        declarations: what the company says about itself.
        activity: measured rows of the year; their sites must be declared.
        registry: the factors to resolve from, workspace additions included.
        fy: the fiscal year of the emissions.
        tolerances: how far the runs may exceed a meter reading.

    Raises:
        decimal.Inexact: a product needs more than 50 digits (absurdly long declared ratios).
        KeyError: a row names a site that is not declared; callers check references first.
    """
    sites = {site.site_id: site for site in declarations.sites}
    frames = {run.run_id: run.frame for run in declarations.runs}
    by_site, findings = calendars(declarations, fy)
    pricer = Pricer(registry, fy.year)
    entries = build_entries(declarations, activity, by_site, fy)
    runs, remarks = run_lines(entries, sites, by_site, frames, pricer)
    findings += remarks
    rest, remarks = unattributed_lines(declarations.meters, runs, sites, by_site, pricer, tolerances=tolerances)
    findings += remarks
    pairs, remarks = instrument_lines(declarations.instruments, [*runs, *rest], sites, by_site, pricer)
    findings += remarks
    lines = numbered([*runs, *rest, *pairs])
    used = {factor_id: pricer.used[factor_id] for factor_id in sorted(_named(lines) & pricer.used.keys())}
    idle = pricer.used.keys() - used.keys()
    findings += [item for item in pricer.findings if item.found not in idle]
    return Lines(lines, entries, used, tuple(findings))


def _named(lines: Iterable[Line]) -> set[str]:
    """Every factor id that a line names; a factor that was looked up for a line that never came is not used."""
    return {
        factor_id
        for line in lines
        for factor_id in (
            line.location_factor_id,
            line.market_factor_id,
            line.basic_factor_id,
            line.adjusted_factor_id,
        )
    }
