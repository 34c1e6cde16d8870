"""Step 5: every line and every figure again, from the tables and the registry alone (package.md 5.1-5.10)."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

from gxmeter.core.calendar import FiscalYear
from gxmeter.core.numbers import plain
from gxmeter.evidence.columns import write_cell
from gxmeter.evidence.layout import BY_PATH
from gxmeter.evidence.verify.case import Case
from gxmeter.evidence.verify.printed import check_page
from gxmeter.ledger.inventory import Inventory, account
from gxmeter.ledger.tables import Figure, Line
from gxmeter.ledger.unattributed import Tolerances
from gxmeter.roadmap.content import TargetRow
from gxmeter.roadmap.progress import progress_rows, target_figures
from gxmeter.workspace.tolerance import widest_pct

_LINES = "results/lines.csv"
_FIGURES = "results/figures.csv"
_FACTOR_COLUMNS = {
    f"{basis}_{part}" for basis in ("location", "market", "basic", "adjusted") for part in ("factor_id", "t_per_kwh")
}
REPORTS = ("data/report/report.ja.html", "data/report/report.en.html")


def step5_arithmetic(case: Case) -> None:
    """Lines, figures, progress and what the report prints."""
    statement = case.need("statement")
    fy = FiscalYear(statement["fy"])
    tolerances = Tolerances(widest_pct(Decimal(statement["materiality_pct"])))
    inventory = account(case.declarations(), case.rows("activity/energy.csv"), case.need("registry"), fy, tolerances)
    case.findings += [item for item in inventory.findings if item.code != "no-activity"]  # nothing-evaluated says it
    _lines(case, inventory)
    settled = statement["as_of"] == statement["period_end"] and not inventory.provisional
    targets: tuple[TargetRow, ...] = case.rows("roadmap/roadmap.csv")
    by_id = {figure.figure_id: figure for figure in inventory.figures}
    rows, remarks = progress_rows(targets, by_id, fy.year, final=settled)
    case.findings += remarks
    case.evaluated["targets"] = len(rows)
    figures = [*inventory.figures, *target_figures(rows, by_id)]
    _figures(case, figures)
    if statement["provisional"] != inventory.provisional:
        case.add("provisional-wrong", file="data/statement.json", expected=str(inventory.provisional).lower())
    if tuple(rows) != case.rows("results/progress.csv"):
        case.add("progress-mismatch", file="data/results/progress.csv")
    printed = {figure.figure_id: (plain(figure.exact), str(figure.rounded)) for figure in case.rows(_FIGURES)}
    for path in REPORTS:
        check_page(case, path, printed)


def _lines(case: Case, inventory: Inventory) -> None:
    """5.8: every line as re-computed, no more, no less."""
    stated: dict[str, Line] = {line.line_id: line for line in case.rows(_LINES)}
    case.evaluated["lines"] = len(inventory.lines)
    for line in inventory.lines:
        given = stated.pop(line.line_id, None)
        if given is None:
            case.add("line-missing", file=f"data/{_LINES}", found=line.line_id)
        elif given != line:
            _differing(case, line, given)
    for line_id in stated:
        case.add("line-unexpected", file=f"data/{_LINES}", found=line_id)


def _differing(case: Case, line: Line, given: Line) -> None:
    columns = {column.name: column for column in BY_PATH[_LINES].columns}
    names = [f.name for f in fields(line) if getattr(line, f.name) != getattr(given, f.name)]
    for name in names:
        code = "factor-not-applicable" if name in _FACTOR_COLUMNS else "line-mismatch"
        case.add(
            code,
            file=f"data/{_LINES}",
            line=line.line_id,
            column=name,
            expected=write_cell(columns[name], getattr(line, name)),
            found=write_cell(columns[name], getattr(given, name)),
        )


def _figures(case: Case, figures: list[Figure]) -> None:
    """5.9: every figure as re-computed, no more, no less."""
    stated: dict[str, Figure] = {figure.figure_id: figure for figure in case.rows(_FIGURES)}
    case.evaluated["figures"] = len(figures)
    for figure in figures:
        given = stated.pop(figure.figure_id, None)
        if given is None:
            case.add("figure-missing", file=f"data/{_FIGURES}", found=figure.figure_id)
        elif given != figure:
            case.add(
                "figure-mismatch",
                file=f"data/{_FIGURES}",
                figure=figure.figure_id,
                expected=f"{plain(figure.exact)} {figure.rounded} {figure.unit}",
                found=f"{plain(given.exact)} {given.rounded} {given.unit}",
            )
    for figure_id in stated:
        case.add("figure-unexpected", file=f"data/{_FIGURES}", found=figure_id)
