"""Figures: sums over lines, rounded once by one named rule (package.md 5.9)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import Rounding, fixed, rounded, total
from gxmeter.ledger.tables import Figure, Line, Printed

SIGNIFICANT = 4
"""Least number of significant digits a printed figure shows [digits]; whole numbers are never cut."""

RULE = "half-up-4sig"

UNITS = {
    "facility_kwh": "kWh",
    "tco2_location": "t-CO2",
    "tco2_market": "t-CO2",
    "tco2_basic": "t-CO2",
    "tco2_adjusted": "t-CO2",
}
"""Unit of each measure that figures sum."""

TOTALS: tuple[tuple[str, str, str], ...] = (
    ("energy_ai_kwh", "facility_kwh", "kind=run"),
    ("ai_location_t", "tco2_location", "kind=run"),
    ("ai_market_t", "tco2_market", "kind=run"),
    ("energy_scope2_kwh", "facility_kwh", "scope=2"),
    ("scope2_location_t", "tco2_location", "scope=2"),
    ("scope2_market_t", "tco2_market", "scope=2"),
    ("scope2_location_domestic_t", "tco2_location", "scope=2;country=JP"),
    ("scope2_market_domestic_t", "tco2_market", "scope=2;country=JP"),
    ("scope3_cat1_location_t", "tco2_location", "scope=3;category=1"),
    ("scope3_cat1_market_t", "tco2_market", "scope=3;category=1"),
    ("scope3_cat8_location_t", "tco2_location", "scope=3;category=8"),
    ("scope3_cat8_market_t", "tco2_market", "scope=3;category=8"),
    ("shk_basic_t", "tco2_basic", "scope=2;country=JP"),
    ("shk_adjusted_t", "tco2_adjusted", "scope=2;country=JP"),
)
"""(figure id, measure, filter) of the figures every inventory has."""

_RUN_FIGURES = TOTALS[:3]
_DIMENSIONS = (
    ("site", "site_id"),
    ("run", "run_id"),
    ("month", "month"),
    ("frame", "frame"),
    ("status", "status"),
)
_SITE_FIGURES = (("scope2_location_t", "tco2_location"), ("scope2_market_t", "tco2_market"))


def printed_decimals(exact: Decimal) -> int:
    """Decimals of a printed figure by rule ``half-up-4sig``: at least four significant digits.

    >>> [printed_decimals(Decimal(x)) for x in ("0", "1234567.8", "12.3456", "0.00021")]
    [0, 0, 2, 7]
    """
    return 0 if exact == 0 else max(0, SIGNIFICANT - 1 - exact.adjusted())


def figure(figure_id: str, formula_id: str, exact: Decimal, unit: str, *, source: tuple[str, str] = ("", "")) -> Figure:
    """Make a figure: the exact value and its one rounding; ``source`` is (measure, lines_filter) for sums."""
    decimals = printed_decimals(exact)
    return Figure(
        figure_id=figure_id,
        formula_id=formula_id,
        measure=source[0],
        lines_filter=source[1],
        exact=exact,
        rounded=Printed(fixed(rounded(exact, decimals, Rounding.HALF_UP), decimals)),
        unit=unit,
        decimals=decimals,
        rounding=RULE,
        provisional=False,
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed ``column=a|b;column=c``: every condition must hold; empty selects all."""

    conditions: tuple[tuple[str, frozenset[str]], ...]

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Read a filter as written in figures.csv.

        >>> Filter.parse("kind=run;site_id=a|b").conditions[0]
        ('kind', frozenset({'run'}))
        """
        parts = [part.partition("=") for part in text.split(";") if part]
        return cls(tuple((column, frozenset(values.split("|"))) for column, _, values in parts))

    def selects(self, line: Line) -> bool:
        """Whether a line meets every condition."""
        return all(str(getattr(line, column)) in values for column, values in self.conditions)


class LineIndex:
    """Lines that are looked up by filter many times.

    Each column that a filter names is indexed once, so that a figure of one run reads the lines of that run and
    not those of all runs: a year of thousands of runs has thousands of figures.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        """Index some lines; their order is kept in every selection."""
        self._lines = lines
        self._by_column: dict[str, dict[str, list[Line]]] = {}

    def matching(self, filter_text: str) -> list[Line]:
        """The lines that a filter selects, in their order."""
        chosen = Filter.parse(filter_text)
        candidates: Sequence[Line] = self._lines
        for column, values in chosen.conditions:
            if len(values) == 1:
                found = self._of(column).get(next(iter(values)), [])
                candidates = min(candidates, found, key=len)
        return [line for line in candidates if chosen.selects(line)]

    def _of(self, column: str) -> dict[str, list[Line]]:
        if column not in self._by_column:
            grouped: dict[str, list[Line]] = defaultdict(list)
            for line in self._lines:
                grouped[str(getattr(line, column))].append(line)
            self._by_column[column] = dict(grouped)
        return self._by_column[column]


def sum_figures(lines: Sequence[Line]) -> tuple[list[Figure], list[Finding]]:
    """Every figure of formula ``sum``; one that meets a line without a factor is left out and named."""
    figures: list[Figure] = []
    findings: list[Finding] = []
    index = LineIndex(lines)
    for figure_id, measure, filter_text in _wanted(lines):
        values = [getattr(line, measure) for line in index.matching(filter_text)]
        if any(value is None for value in values):
            findings.append(finding("figure-incomplete", found=figure_id))
            continue
        figures.append(figure(figure_id, "sum", total(values), UNITS[measure], source=(measure, filter_text)))
    return figures, findings


def _wanted(lines: Sequence[Line]) -> Iterator[tuple[str, str, str]]:
    yield from TOTALS
    runs = [line for line in lines if line.kind == "run"]
    for name, column in _DIMENSIONS:
        for value in _values(runs, column):
            for figure_id, measure, filter_text in _RUN_FIGURES:
                yield f"{figure_id}.{name}.{value or 'none'}", measure, f"{filter_text};{column}={value}"
    for site in _values([line for line in lines if line.scope == "2"], "site_id"):
        for figure_id, measure in _SITE_FIGURES:
            yield f"{figure_id}.site.{site}", measure, f"scope=2;site_id={site}"


def _values(lines: Iterable[Line], column: str) -> list[str]:
    return sorted({str(getattr(line, column)) for line in lines})
