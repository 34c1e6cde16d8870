"""Rows of the package tables that the ledger does not need: factor register, index, formulas, lineage."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from gxmeter.ledger.tables import Instant, Printed


@dataclass(frozen=True, slots=True)
class UsedRow:
    """A factor entry that a line uses: value as published, unit, four years, source (factors/used.csv)."""

    factor_id: str
    value: Printed
    unit: str
    actuals_fy: int | None
    applies_to_fy: int | None
    submission_fy: int | None
    edition_on: str
    source_title: str
    source_place: str
    source_url: str
    status: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class RawRow:
    """A raw telemetry file that may stay at the site: its digest and extent (activity/raw_index.csv)."""

    evidence_id: str
    path: str
    bytes: int
    sha256: str
    records: int
    first: Instant | None
    last: Instant | None
    clean_end: bool | None


@dataclass(frozen=True, slots=True)
class FormulaRow:
    """A formula behind figures (method/formulas.csv)."""

    formula_id: str
    expression: str
    unit: str
    rounding: str
    reference: str


@dataclass(frozen=True, slots=True)
class GradeRow:
    """A quality grade and its interval (method/grades.csv)."""

    grade: str
    method: str
    low_pct: Decimal
    high_pct: Decimal
    status: str


@dataclass(frozen=True, slots=True)
class LineageRow:
    """Which rows a line was made of: ``first`` to ``last`` of the table ``source`` (results/lineage.csv)."""

    line_id: str
    source: str
    first: str
    last: str
