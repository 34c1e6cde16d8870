"""Drafts: lines before they have a number, and the one place where a line's products are formed.

A draft says what is multiplied; :func:`priced` multiplies. Every kind of line goes through it, so the
recalculation contract (quantity x conversion x steps x share x factor) holds by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from gxmeter.core.calendar import FiscalYear, jst_month
from gxmeter.core.numbers import product
from gxmeter.ledger.grades import GRADES
from gxmeter.ledger.pricing import Price, Prices
from gxmeter.ledger.tables import Instant, Line

ONE = Decimal(1)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Draft:
    """What one line multiplies; the names are those of :class:`~gxmeter.ledger.tables.Line`."""

    kind: str
    run_id: str
    site_id: str
    frame: str
    country: str
    start: Instant
    end: Instant
    boundary: str
    portion: str
    method: str
    grade: str
    status: str
    energy_j: Decimal
    energy_kwh: Decimal
    scope: str
    category: str
    low_pct: Decimal
    high_pct: Decimal
    evidence_id: str
    step_node: Decimal = ONE
    step_it: Decimal = ONE
    step_pue: Decimal = ONE
    share: Decimal = ONE


def priced(draft: Draft, prices: Prices, market: Price | None = None) -> Line:
    """Form the exact products of a line; ``market`` replaces the contract's market factor (certificates)."""
    facility_kwh = product(draft.energy_kwh, draft.step_node, draft.step_it, draft.step_pue, draft.share)
    bases = {
        "location": prices.location,
        "market": market or prices.market,
        "basic": prices.basic,
        "adjusted": prices.adjusted,
    }
    columns: dict[str, Any] = {field.name: getattr(draft, field.name) for field in fields(draft)}
    for basis, price in bases.items():
        columns[f"{basis}_factor_id"] = price.factor_id
        columns[f"{basis}_t_per_kwh"] = price.t_per_kwh
        columns[f"tco2_{basis}"] = None if price.t_per_kwh is None else product(facility_kwh, price.t_per_kwh)
    return Line(
        line_id="",
        contract_id=prices.contract_id,
        month=month_of(draft.start, draft.end),
        facility_kwh=facility_kwh,
        **columns,
    )


def month_of(start_ms: int, end_ms: int) -> str:
    """The JST month that holds the whole period, or empty if it spans several."""
    first, last = jst_month(start_ms), jst_month(end_ms - 1)
    return first if first == last else ""


def grade_interval(grade: str) -> tuple[Decimal, Decimal]:
    """(below, above) [%] of a grade.

    Raises:
        KeyError: unknown grade; the readers and the workspace admit known grades only.
    """
    entry = GRADES[grade]
    return entry.low_pct, entry.high_pct


def numbered(lines: list[Line]) -> tuple[Line, ...]:
    """The lines in the order of package.md 5.8, with running ids ``L000001``..."""

    def key(line: Line) -> tuple[str | int, ...]:
        return (
            line.kind,
            line.run_id,
            line.site_id,
            line.contract_id,
            line.start,
            line.end,
            line.boundary,
            line.method,
            line.grade,
            line.portion,
            line.evidence_id,
        )

    ordered = sorted(lines, key=key)
    return tuple(replace(line, line_id=f"L{number:06d}") for number, line in enumerate(ordered, 1))


def fiscal_period(start_ms: int, end_ms: int, fy: FiscalYear) -> tuple[int, int]:
    """The part of a period inside a fiscal year [Unix ms]; empty if start >= end."""
    return max(start_ms, fy.start_ms), min(end_ms, fy.end_ms)
