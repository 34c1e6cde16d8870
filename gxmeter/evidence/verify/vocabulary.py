"""Step 2's closed vocabularies: columns whose words are few and fixed, and the grades table that is one constant."""

from __future__ import annotations

from gxmeter.evidence.rows import GradeRow
from gxmeter.evidence.verify.case import Case
from gxmeter.ledger.grades import GRADES
from gxmeter.ledger.instruments import CERTIFICATES, CREDITS
from gxmeter.ledger.tables import InstrumentRow
from gxmeter.ledger.terms import Arrangement, Boundary

_BOUNDARIES = frozenset(map(str, Boundary))
_GRADES = frozenset(GRADES)

WORDS: dict[tuple[str, str], frozenset[str]] = {
    ("boundary/sites.csv", "arrangement"): frozenset(map(str, Arrangement)),
    ("boundary/sites.csv", "direct_sources"): frozenset({"none", "not-assessed"}),
    ("boundary/runs.csv", "source"): frozenset({"measured", "declared"}),
    ("boundary/declared.csv", "boundary"): _BOUNDARIES,
    ("boundary/declared.csv", "grade"): _GRADES,
    ("boundary/instruments.csv", "kind"): CERTIFICATES | CREDITS,
    ("activity/energy.csv", "boundary"): _BOUNDARIES,
    ("activity/energy.csv", "grade"): _GRADES,
    ("activity/meters.csv", "kind"): frozenset({"bill", "meter"}),
}
"""Allowed words by (table, column)."""


def check_words(case: Case) -> None:
    """A word outside its vocabulary is ``cell-malformed``, and its table is not used any further."""
    faulty: set[str] = set()
    for (path, column), words in WORDS.items():
        for row, member in enumerate(case.tables.get(path, ()), 2):
            found = getattr(member, column)
            if found not in words:
                faulty.add(path)
                case.add("cell-malformed", file=f"data/{path}", row=row, expected=", ".join(sorted(words)), found=found)
    for path in faulty:
        del case.tables[path]


PERIODS: tuple[tuple[str, str, str], ...] = (
    ("boundary/pue.csv", "start", "end"),
    ("boundary/contracts.csv", "start", "end"),
    ("boundary/declared.csv", "start", "end"),
    ("boundary/instruments.csv", "vintage_start", "vintage_end"),
    ("activity/meters.csv", "start", "end"),
)
"""(table, start, end): every end is after its start."""


def check_rows(case: Case) -> None:
    """Periods that run forward, instruments with the quantities of their kind; else ``cell-malformed``."""
    faulty: set[str] = set()
    for path, start, end in PERIODS:
        for row, member in enumerate(case.tables.get(path, ()), 2):
            if getattr(member, end) <= getattr(member, start):
                faulty.add(path)
                case.add("cell-malformed", file=f"data/{path}", row=row, expected=f"{end} > {start}", found=end)
    path = "boundary/instruments.csv"
    for row, item in enumerate(case.tables.get(path, ()), 2):
        if not _of_its_kind(item):
            faulty.add(path)
            case.add("cell-malformed", file=f"data/{path}", row=row, found=item.kind)
    for name in faulty:
        del case.tables[name]


def _of_its_kind(item: InstrumentRow) -> bool:
    kwh = (bool(item.contract_id), item.quantity_kwh is not None, item.factor_t_per_kwh is not None)
    if item.kind in CERTIFICATES:
        return all(kwh) and item.quantity_t is None and (item.factor_t_per_kwh or 0) >= 0
    return not any(kwh) and item.quantity_t is not None


def check_grades(case: Case) -> None:
    """``method/grades.csv`` is exactly the table of package.md, "Grades"."""
    known = tuple(GradeRow(g.grade, g.method, g.low_pct, g.high_pct, g.status) for _, g in sorted(GRADES.items()))
    if case.tables.get("method/grades.csv", known) != known:
        case.add("method-mismatch", file="data/method/grades.csv")
