"""Which figures are provisional: those in which a factor of an earlier year stands in (package.md 5.9)."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from gxmeter.ledger.figures import LineIndex
from gxmeter.ledger.tables import Figure, Line

_EMISSIONS = "tco2_"
_OF_MARKET = frozenset({"gross", "net"})
_MARKET_TOTAL = "scope2_market_t"


def marked(figures: Sequence[Figure], lines: Sequence[Line], provisional_ids: AbstractSet[str]) -> list[Figure]:
    """The figures, each marked if a line in it uses a provisional factor on the figure's own basis."""
    index = LineIndex(lines)
    sums = {item.figure_id: _has_provisional(item, index, provisional_ids) for item in figures}
    of_market = sums.get(_MARKET_TOTAL, False)
    return [
        replace(item, provisional=of_market if item.formula_id in _OF_MARKET else sums[item.figure_id])
        for item in figures
    ]


def _has_provisional(item: Figure, index: LineIndex, provisional_ids: AbstractSet[str]) -> bool:
    if not item.measure.startswith(_EMISSIONS):
        return False
    column = f"{item.measure.removeprefix(_EMISSIONS)}_factor_id"
    return any(getattr(line, column) in provisional_ids for line in index.matching(item.lines_filter))
