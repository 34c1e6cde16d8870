"""The inventory of a fiscal year: everything between the tables and the report, in one pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Inexact

from gxmeter.core.calendar import FiscalYear
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.factors.model import FactorEntry
from gxmeter.factors.registry import Registry
from gxmeter.factors.resolve import CRUDE_OIL, ELECTRICITY_PRIMARY_ENERGY, resolve_constant
from gxmeter.ledger.derived import (
    credit_figures,
    energy_law_figures,
    interval_figures,
    scope1_figures,
    share_figures,
)
from gxmeter.ledger.entries import Entry, EntryKey
from gxmeter.ledger.figures import sum_figures
from gxmeter.ledger.lines import Lines, build_lines
from gxmeter.ledger.provisional import marked
from gxmeter.ledger.tables import ActivityRow, Declarations, Figure, Line
from gxmeter.ledger.unattributed import NO_TOLERANCE, Tolerances


@dataclass(frozen=True, slots=True)
class Inventory:
    """Lines and figures of one fiscal year.

    Attributes:
        fy: the year.
        lines: in order of their ids.
        entries: energy per run and piece that the run lines came from.
        figures: in order of their ids.
        used: factor id -> (entry, provisional).
        findings: what was wrong or remarkable, heaviest first.
    """

    fy: FiscalYear
    lines: tuple[Line, ...]
    entries: dict[EntryKey, Entry]
    figures: tuple[Figure, ...]
    used: dict[str, tuple[FactorEntry, bool]]
    findings: tuple[Finding, ...]

    @property
    def provisional(self) -> bool:
        """Whether any factor is of an earlier year than the emissions."""
        return any(provisional for _, provisional in self.used.values())


def account(
    declarations: Declarations,
    activity: Sequence[ActivityRow],
    registry: Registry,
    fy: FiscalYear,
    tolerances: Tolerances = NO_TOLERANCE,
) -> Inventory:
    """Compute the inventory of a fiscal year from its tables and the registry alone.

    Raises:
        InputError: ``precision-exceeded``: a product needs more than 50 digits, which only absurd input can ask for.
    """
    try:
        return _account(build_lines(declarations, activity, registry, fy, tolerances), declarations, registry, fy)
    except Inexact as error:
        raise InputError("precision-exceeded") from error


def _account(built: Lines, declarations: Declarations, registry: Registry, fy: FiscalYear) -> Inventory:
    used = dict(built.used)
    findings = list(built.findings)
    figures, remarks = sum_figures(built.lines)
    findings += remarks
    scope1, remarks = scope1_figures(declarations.sites)
    findings += remarks
    figures += scope1
    constants = [resolve_constant(registry, name, fy.year) for name in (ELECTRICITY_PRIMARY_ENERGY, CRUDE_OIL)]
    findings += [remark for answer in constants for remark in answer.findings]
    electricity, crude_oil = (answer.entry for answer in constants)
    if electricity is not None and crude_oil is not None:
        figures += energy_law_figures(built.lines, electricity, crude_oil)
        used |= {entry.id: (entry, False) for entry in (electricity, crude_oil)}
    by_id = {figure.figure_id: figure for figure in figures}
    figures += credit_figures(by_id, declarations.instruments, fy.year)
    figures += share_figures(by_id)
    figures += interval_figures(built.lines)
    figures = marked(figures, built.lines, {factor_id for factor_id, (_, provisional) in used.items() if provisional})
    if not built.lines:
        findings.append(finding("no-activity", label=fy.label_en, label_ja=fy.label_ja))
    return Inventory(
        fy=fy,
        lines=built.lines,
        entries=built.entries,
        figures=tuple(sorted(figures, key=lambda item: item.figure_id)),
        used=dict(sorted(used.items())),
        findings=tuple(ordered(findings)),
    )
