"""Entries: energy of a run in a piece, before boundary steps and factors (package.md 5.2).

Measured rows and declared parts are peers here: both are integer half-microjoules with a method and a
grade of their own. Conversion to J and kWh happens once per entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from gxmeter.core.calendar import FiscalYear
from gxmeter.core.numbers import Rounding, divided, product
from gxmeter.energy.spread import declared_half_uj, spread_half_uj
from gxmeter.ledger.pieces import Calendar
from gxmeter.ledger.tables import ActivityRow, Declarations, DeclaredRow

JOULE_PER_HALF_UJ = Decimal("0.0000005")
"""Half a microjoule in joules [J]; by definition."""

JOULE_PER_KWH = Decimal(3_600_000)
"""[J/kWh]; by definition of the hour."""

KWH_DECIMALS = 12
"""Decimals of ``energy_kwh`` [digits]: rounded half-even, rule ``kwh-12-half-even`` in formulas.csv."""

DECLARED_METHOD = "declared"
VOID = "void"


class EntryKey(NamedTuple):
    """What makes two energies one entry."""

    run_id: str
    site_id: str
    start: int
    end: int
    boundary: str
    method: str
    grade: str


@dataclass(slots=True)
class Entry:
    """Exact energy [0.5 uJ] of one key, with its evidence and the rows it was made of."""

    half_uj: int = 0
    evidence: set[str] = field(default_factory=set)
    rows: list[int] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    @property
    def energy_j(self) -> Decimal:
        """Energy [J], exact."""
        return product(Decimal(self.half_uj), JOULE_PER_HALF_UJ)

    @property
    def evidence_id(self) -> str:
        """The evidence ids in ascending order, joined by ``|``."""
        return "|".join(sorted(self.evidence))


def kwh_from_joule(energy_j: Decimal) -> Decimal:
    """J to kWh, once per line: rounded half-even to 1e-12 kWh.

    >>> kwh_from_joule(Decimal(1))
    Decimal('2.77778E-7')
    """
    return divided(energy_j, JOULE_PER_KWH, KWH_DECIMALS, Rounding.HALF_EVEN)


def build_entries(
    declarations: Declarations,
    activity: Iterable[ActivityRow],
    calendars: Mapping[str, Calendar],
    fy: FiscalYear,
) -> dict[EntryKey, Entry]:
    """Energy per (run, site, piece, boundary, method, grade) of one fiscal year; void runs carry none."""
    void = {run.run_id for run in declarations.runs if run.status == VOID}
    entries: dict[EntryKey, Entry] = {}
    for row in activity:
        if row.run_id not in void:
            _add_row(entries, row, calendars[row.site_id])
    for part in declarations.declared:
        if part.run_id not in void and part.start < fy.end_ms and part.end > fy.start_ms:
            _add_part(entries, part, calendars[part.site_id])
    return entries


def _add_row(entries: dict[EntryKey, Entry], row: ActivityRow, calendar: Calendar) -> None:
    piece = calendar.piece_of(row.start)
    if piece is None:
        return
    key = EntryKey(row.run_id, row.site_id, *piece, row.boundary, row.method, row.grade)
    entry = entries.setdefault(key, Entry())
    entry.half_uj += row.energy_half_uj
    entry.evidence |= set(filter(None, row.evidence_id.split("|")))
    entry.rows.append(row.row_id)


def _add_part(entries: dict[EntryKey, Entry], part: DeclaredRow, calendar: Calendar) -> None:
    whole = declared_half_uj(energy_kwh=part.energy_kwh, device_hours=part.device_hours, power_w=part.power_w)
    for start, end in calendar.pieces():
        a, b = max(start, part.start), min(end, part.end)
        if a >= b:
            continue
        key = EntryKey(part.run_id, part.site_id, start, end, part.boundary, DECLARED_METHOD, part.grade)
        entry = entries.setdefault(key, Entry())
        entry.half_uj += spread_half_uj(whole, part.start, part.end, a, b)
        entry.evidence |= {part.evidence_id} if part.evidence_id else set()
        entry.parts.append(part.part_id)
