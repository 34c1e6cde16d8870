"""Selecting what a report prints from the statement, the declarations, the lines and the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gxmeter.core.calendar import FiscalYear, jst_month, parse_instant
from gxmeter.core.findings import Finding, ordered
from gxmeter.core.numbers import total
from gxmeter.factors.model import FactorEntry
from gxmeter.ledger.tables import Declarations, Figure, Line
from gxmeter.reporting.model import (
    FactorUse,
    Gap,
    GradeUse,
    InstrumentUse,
    MeterCheck,
    ReportModel,
    RunSummary,
    SiteSummary,
    UsedFactor,
)
from gxmeter.reporting.trace import traces_of
from gxmeter.roadmap.content import Approval, TargetRow
from gxmeter.roadmap.progress import ProgressRow

BASES = ("location", "market", "basic", "adjusted")
"""The four accounting bases of a line, in printing order."""


def build_model(
    *,
    statement: Mapping[str, Any],
    declarations: Declarations,
    lines: Sequence[Line],
    figures: Sequence[Figure],
    progress: Sequence[ProgressRow],
    targets: Sequence[TargetRow],
    approval: Approval | None,
    used_factors: Mapping[str, tuple[FactorEntry, bool]],
    findings: Sequence[Finding],
    run_headers: Sequence[Mapping[str, Any]],
    signer_keyid: str,
    package_files: Sequence[str] = (),
) -> ReportModel:
    """Make the one model that all renderings print.

    Args:
        statement: ``statement.json`` as specified in docs/reference/package.md.
        declarations: the declared tables; evidence rows included.
        lines: all lines of the fiscal year.
        figures: all figures; targets and gaps included.
        progress: one row for each target of the year.
        targets: the roadmap's targets of all years.
        approval: the approval of the roadmap's version, or None.
        used_factors: factor id -> (entry, provisional), as an inventory has them; the constants included.
        findings: all findings of the account and the report.
        run_headers: ``run_headers.jsonl`` as dictionaries; their gaps are shown as missing time.
        signer_keyid: lower-case hex id of the sealing key.
        package_files: paths inside the package, as far as they are known.
    """
    fiscal_year = FiscalYear(int(statement["fy"]))
    ledger = tuple(lines)
    figure_by_id = {figure.figure_id: figure for figure in figures}
    return ReportModel(
        statement=dict(statement),
        fiscal_year=fiscal_year,
        declarations=declarations,
        lines=ledger,
        figures=figure_by_id,
        progress=tuple(progress),
        targets=tuple(sorted(targets, key=lambda t: (t.measure, t.fy, t.target_id))),
        approval=approval,
        roadmap_state=str(statement["roadmap"]["state"]),
        factors=_factor_uses(used_factors, ledger),
        findings=tuple(ordered(findings)),
        gaps=_gaps(run_headers),
        run_headers=tuple(run_headers),
        evidence=declarations.evidence,
        months=tuple(jst_month(edge) for edge in fiscal_year.month_edges_ms()[:-1]),
        sites=_sites(declarations, ledger, fiscal_year),
        runs=_runs(declarations, ledger, fiscal_year),
        meters=_meters(declarations, ledger, fiscal_year),
        instruments=_instruments(declarations, ledger, fiscal_year),
        grades=_grades(ledger),
        traces=traces_of(tuple(figures), ledger),
        signer_keyid=signer_keyid,
        package_files=tuple(sorted(package_files)),
    )


def _distinct(lines: Iterable[Line], pick: Callable[[Line], str]) -> tuple[str, ...]:
    return tuple(sorted({pick(line) for line in lines} - {""}))


def _factor_uses(used: Mapping[str, tuple[FactorEntry, bool]], lines: tuple[Line, ...]) -> tuple[FactorUse, ...]:
    uses = []
    for _, (entry, provisional) in sorted(used.items()):
        factor = UsedFactor(entry, provisional)
        named = {basis: [x for x in lines if getattr(x, f"{basis}_factor_id") == entry.id] for basis in BASES}
        ids = {line.line_id for found in named.values() for line in found}
        uses.append(FactorUse(factor, tuple(basis for basis in BASES if named[basis]), len(ids)))
    return tuple(uses)


def _gaps(run_headers: Sequence[Mapping[str, Any]]) -> tuple[Gap, ...]:
    return tuple(
        Gap(
            str(header["run_id"]),
            str(header["site_id"]),
            str(gap["device_id"]),
            _instant_ms(gap["start"]),
            _instant_ms(gap["end"]),
        )
        for header in run_headers
        for gap in header.get("gaps", ())
    )


def _instant_ms(value: object) -> int:
    return value if isinstance(value, int) else parse_instant(str(value))


def _sites(declarations: Declarations, lines: tuple[Line, ...], fiscal_year: FiscalYear) -> tuple[SiteSummary, ...]:
    year_pue = [row for row in declarations.pue if row.start < fiscal_year.end_ms and row.end > fiscal_year.start_ms]
    summaries = []
    for site in declarations.sites:
        own = [line for line in lines if line.site_id == site.site_id]
        pue = tuple(row for row in year_pue if row.site_id == site.site_id)
        scopes = tuple(sorted({f"{line.scope}.{line.category}".rstrip(".") for line in own}))
        summaries.append(SiteSummary(site, pue, scopes, _distinct(own, lambda line: line.grade)))
    return tuple(summaries)


def _runs(declarations: Declarations, lines: tuple[Line, ...], fiscal_year: FiscalYear) -> tuple[RunSummary, ...]:
    summaries = []
    for run in declarations.runs:
        own = [line for line in lines if line.kind == "run" and line.run_id == run.run_id]
        starts_later = run.start is not None and run.start >= fiscal_year.end_ms
        ended_before = run.end is not None and run.end <= fiscal_year.start_ms
        if not own and (starts_later or ended_before):
            continue
        summaries.append(
            RunSummary(
                run=run,
                statuses=_distinct(own, lambda line: line.status),
                grades=_distinct(own, lambda line: line.grade),
                sites=_distinct(own, lambda line: line.site_id),
                has_energy=bool(own),
            )
        )
    return tuple(summaries)


def _meters(declarations: Declarations, lines: tuple[Line, ...], fiscal_year: FiscalYear) -> tuple[MeterCheck, ...]:
    rest: dict[tuple[str, int, int], list[Decimal]] = {}
    for line in lines:
        if line.kind == "unattributed":
            rest.setdefault((line.site_id, line.start, line.end), []).append(line.facility_kwh)
    checks = []
    for meter in declarations.meters:
        if meter.start < fiscal_year.end_ms and meter.end > fiscal_year.start_ms:
            found = rest.get((meter.site_id, meter.start, meter.end))
            checks.append(MeterCheck(meter, total(found) if found else None))
    return tuple(checks)


def _instruments(
    declarations: Declarations, lines: tuple[Line, ...], fiscal_year: FiscalYear
) -> tuple[InstrumentUse, ...]:
    uses = []
    for instrument in declarations.instruments:
        if instrument.fy != fiscal_year.year:
            continue
        applied = [
            line.facility_kwh
            for line in lines
            if line.kind == "instrument-in" and line.market_factor_id == instrument.instrument_id
        ]
        uses.append(InstrumentUse(instrument, total(applied) if applied else None))
    return tuple(uses)


def _grades(lines: tuple[Line, ...]) -> tuple[GradeUse, ...]:
    groups: dict[tuple[str, Decimal, Decimal], list[Line]] = {}
    for line in lines:
        if line.kind == "run":
            groups.setdefault((line.grade, line.low_pct, line.high_pct), []).append(line)
    return tuple(
        GradeUse(
            grade=grade,
            methods=_distinct(own, lambda line: line.method),
            statuses=_distinct(own, lambda line: line.status),
            low_pct=low_pct,
            high_pct=high_pct,
            lines=len(own),
        )
        for (grade, low_pct, high_pct), own in sorted(groups.items())
    )
