"""Step 2's closed vocabularies: columns whose words are few and fixed, and the grades table that is one constant."""

from __future__ import annotations

from gxmeter.evidence.rows import GradeRow
from gxmeter.evidence.verify.case import Case
from gxmeter.ledger.grades import GRADES
from gxmeter.ledger.instruments import CERTIFICATES, CREDITS
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


def check_grades(case: Case) -> None:
    """``method/grades.csv`` is exactly the table of package.md, "Grades"."""
    known = tuple(GradeRow(g.grade, g.method, g.low_pct, g.high_pct, g.status) for _, g in sorted(GRADES.items()))
    if case.tables.get("method/grades.csv", known) != known:
        case.add("method-mismatch", file="data/method/grades.csv")
