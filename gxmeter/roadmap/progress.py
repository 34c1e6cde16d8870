"""Progress: the actual figures of a year against the targets of that year (package.md 6.4).

``met`` stays open (None) until the year has ended and its factors are final, so that nobody is told
more than is known; gross figures decide, credits do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches

from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import EXACT
from gxmeter.ledger.figures import TOTALS, figure
from gxmeter.ledger.tables import Figure
from gxmeter.roadmap.content import TargetRow


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """One target of the year: ``gap`` = actual - target; actual and gap are None where the figure is unknown."""

    target_id: str
    measure: str
    fy: int
    target: Decimal
    actual: Decimal | None
    gap: Decimal | None
    unit: str
    met: bool | None


def progress_rows(
    targets: Iterable[TargetRow], figures: Mapping[str, Figure], fy: int, *, final: bool
) -> tuple[tuple[ProgressRow, ...], list[Finding]]:
    """The targets of a fiscal year against the figures.

    Args:
        targets: all targets of the roadmap.
        figures: the year's figures by id.
        fy: the fiscal year.
        final: whether the year has ended and its factors are final; else ``met`` is None.
    """
    rows: list[ProgressRow] = []
    findings: list[Finding] = []
    for target in sorted(targets, key=lambda t: t.target_id):
        if target.fy != fy:
            continue
        known = figures.get(target.measure)
        if known is None:
            findings.append(finding("target-without-actual", target=target.target_id, measure=target.measure))
        elif known.unit != target.unit:
            findings.append(
                finding("target-unit-wrong", target=target.target_id, expected=known.unit, found=target.unit)
            )
            known = None
        rows.append(_row(target, known.exact if known else None, final=final))
    if not rows:
        findings.append(finding("target-missing", fy=fy))
    return tuple(rows), findings


MEASURES = frozenset(name for name, _, _ in TOTALS) | {
    "scope1_t",
    "scope1_domestic_t",
    "gross_market_t",
    "primary_energy_gj",
    "crude_oil_kl",
}
"""Figures that a target may be set for; a breakdown (``energy_ai_kwh.frame.development``) begins with one of them."""


def target_faults(targets: Iterable[TargetRow]) -> list[Finding]:
    """Targets of figures that do not exist, and two targets for one figure and year."""
    findings: list[Finding] = []
    seen: set[tuple[str, int]] = set()
    for target in targets:
        if target.measure.partition(".")[0] not in MEASURES:
            near = ", ".join(get_close_matches(target.measure, sorted(MEASURES), n=4, cutoff=0))
            findings.append(
                finding("target-measure-unknown", target=target.target_id, found=target.measure, expected=near)
            )
        if (target.measure, target.fy) in seen:
            findings.append(finding("target-twice", fy=target.fy, found=target.measure))
        seen.add((target.measure, target.fy))
    return findings


def _row(target: TargetRow, actual: Decimal | None, *, final: bool) -> ProgressRow:
    gap = None if actual is None else EXACT.subtract(actual, target.value)
    return ProgressRow(
        target_id=target.target_id,
        measure=target.measure,
        fy=target.fy,
        target=target.value,
        actual=actual,
        gap=gap,
        unit=target.unit,
        met=(gap <= 0) if final and gap is not None else None,
    )


def target_figures(rows: Iterable[ProgressRow], figures: Mapping[str, Figure]) -> list[Figure]:
    """``target.<id>`` and ``gap.<id>`` for each row whose actual is known, so that what is printed is a figure.

    A gap is provisional if its actual is.
    """
    made: list[Figure] = []
    for row in rows:
        if row.gap is not None:
            made.append(figure(f"target.{row.target_id}", "target", row.target, row.unit))
            gap = figure(f"gap.{row.target_id}", "target-gap", row.gap, row.unit)
            made.append(replace(gap, provisional=figures[row.measure].provisional))
    return made
