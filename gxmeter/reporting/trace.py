"""From a figure back to its lines: how many, priced by which factors, shown by which evidence."""

from __future__ import annotations

from gxmeter.ledger.figures import Filter
from gxmeter.ledger.tables import Figure, Line
from gxmeter.reporting.model import Trace

_FACTOR_COLUMN = {
    "tco2_location": "location_factor_id",
    "tco2_market": "market_factor_id",
    "tco2_basic": "basic_factor_id",
    "tco2_adjusted": "adjusted_factor_id",
}


def traces_of(figures: tuple[Figure, ...], lines: tuple[Line, ...]) -> tuple[Trace, ...]:
    """The trace of every figure, in the figures' order."""
    return tuple(_trace(figure, lines) for figure in figures)


def _trace(figure: Figure, lines: tuple[Line, ...]) -> Trace:
    if figure.formula_id != "sum":
        return Trace(figure, None, (), ())
    chosen_by = Filter.parse(figure.lines_filter)
    chosen = [line for line in lines if chosen_by.selects(line)]
    column = _FACTOR_COLUMN.get(figure.measure)
    factor_ids = {str(getattr(line, column)) for line in chosen} if column else set()
    evidence_ids = {name for line in chosen for name in line.evidence_id.split("|")}
    return Trace(figure, len(chosen), tuple(sorted(factor_ids - {""})), tuple(sorted(evidence_ids - {""})))
