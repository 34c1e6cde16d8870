"""From figures back to their lines: how many, priced by which factors, shown by which evidence."""

from __future__ import annotations

from collections.abc import Sequence

from gxmeter.ledger.figures import Filter
from gxmeter.ledger.tables import Figure, Line
from gxmeter.reporting.model import Trace, TracedFigure

_FACTOR_COLUMN = {
    "tco2_location": "location_factor_id",
    "tco2_market": "market_factor_id",
    "tco2_basic": "basic_factor_id",
    "tco2_adjusted": "adjusted_factor_id",
}


def traces_of(figures: Sequence[Figure], lines: Sequence[Line]) -> tuple[Trace, ...]:
    """One trace for each filter, totals first; then one for each figure of another formula."""
    by_filter: dict[str, list[Figure]] = {}
    for figure in figures:
        if figure.formula_id == "sum":
            by_filter.setdefault(figure.lines_filter, []).append(figure)
    totals_first = sorted(by_filter, key=lambda text: ("." in by_filter[text][0].figure_id, text))
    sums = [_trace(by_filter[text], text, lines) for text in totals_first]
    others = [Trace((TracedFigure(f, ()),), "", None, ()) for f in figures if f.formula_id != "sum"]
    return (*sums, *others)


def _trace(figures: list[Figure], lines_filter: str, lines: Sequence[Line]) -> Trace:
    chosen_by = Filter.parse(lines_filter)
    chosen = [line for line in lines if chosen_by.selects(line)]
    evidence_ids = {name for line in chosen for name in line.evidence_id.split("|")}
    traced = tuple(TracedFigure(figure, _factors(figure, chosen)) for figure in figures)
    return Trace(traced, lines_filter, len(chosen), tuple(sorted(evidence_ids - {""})))


def _factors(figure: Figure, lines: list[Line]) -> tuple[str, ...]:
    column = _FACTOR_COLUMN.get(figure.measure)
    return tuple(sorted({str(getattr(line, column)) for line in lines} - {""})) if column else ()
