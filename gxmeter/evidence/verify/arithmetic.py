"""Step 5: every line and every figure again, from the tables and the registry alone (package.md 5.1-5.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from html.parser import HTMLParser
from typing import Any

from gxmeter.core.calendar import FiscalYear
from gxmeter.core.numbers import plain
from gxmeter.evidence.columns import write_cell
from gxmeter.evidence.layout import BY_PATH
from gxmeter.evidence.verify.case import Case
from gxmeter.ledger.inventory import Inventory, account
from gxmeter.ledger.tables import Figure, Line
from gxmeter.roadmap.content import TargetRow
from gxmeter.roadmap.progress import progress_rows, target_figures

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
    inventory = account(case.declarations(), case.rows("activity/energy.csv"), case.need("registry"), fy)
    case.findings += inventory.findings
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
        _report(case, path, printed)


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


class _Printed(HTMLParser):
    """Collects (figure id, value attribute, text) of every ``<data data-fig>`` element."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self._open: tuple[str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names: Mapping[str, Any] = dict(attrs)
        if tag == "data" and "data-fig" in names:
            self.finish()
            self._open, self._text = (names["data-fig"] or "", names.get("value") or ""), ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "data":
            self.finish()

    def finish(self) -> None:
        """An element ends with its end tag, at the latest where the next begins or the page ends."""
        if self._open:
            self.found.append((*self._open, self._text.strip()))
            self._open = None


def _report(case: Case, path: str, printed: dict[str, tuple[str, str]]) -> None:
    """5.10: what the HTML prints is the figures, digit by digit."""
    data = case.source.files.get(path)
    if data is None:
        case.add("file-missing", file=path)
        return
    parser = _Printed()
    parser.feed(data.decode("utf-8", "replace"))
    parser.close()
    parser.finish()
    if not parser.found:
        case.add("report-figure-mismatch", file=path, figure="-", expected="data-fig", found="")
    for figure_id, value, text in parser.found:
        shown = text.replace(",", "").replace("\N{MINUS SIGN}", "-")
        if printed.get(figure_id) != (value, shown):
            expected = " ".join(printed.get(figure_id, ("",)))
            case.add("report-figure-mismatch", file=path, figure=figure_id, expected=expected, found=f"{value} {text}")
