"""The account of a fiscal year as the facade hands it out: tables for notebooks, JSON for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gxmeter.core.calendar import instant
from gxmeter.core.findings import Finding
from gxmeter.core.numbers import plain
from gxmeter.evidence.columns import write_cell
from gxmeter.evidence.layout import BY_PATH
from gxmeter.ledger.tables import Figure, Line
from gxmeter.ledger.year import Year
from gxmeter.roadmap.content import Plan
from gxmeter.roadmap.progress import ProgressRow

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Account:
    """The inventory of a fiscal year and its progress against the roadmap.

    Attributes:
        year: declarations, activity, lines.
        plan: the running roadmap, or None.
        progress: targets of the year against actuals.
        figures: every figure by id, targets and gaps included.
        findings: everything remarkable, heaviest first.
    """

    year: Year
    plan: Plan | None
    progress: tuple[ProgressRow, ...]
    figures: Mapping[str, Figure]
    findings: tuple[Finding, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the year."""
        return self.year.inventory.lines

    def lines_frame(self) -> pd.DataFrame:
        """The lines as a pandas table; quantities are texts, as in the files, so that nothing is rounded."""
        import pandas as pd  # noqa: PLC0415

        return pd.DataFrame(line_texts(self.lines))

    def figures_frame(self) -> pd.DataFrame:
        """The figures as a pandas table: id, exact, rounded, unit; quantities are texts."""
        import pandas as pd  # noqa: PLC0415

        rows = [
            {"figure_id": f.figure_id, "exact": plain(f.exact), "rounded": f.rounded, "unit": f.unit}
            for f in self.figures.values()
        ]
        return pd.DataFrame(rows)

    def by_grade(self) -> dict[str, str]:
        """Energy of the runs by quality grade [kWh], exact texts."""
        sums: dict[str, Any] = {}
        for line in self.lines:
            if line.kind == "run":
                sums[line.grade] = sums.get(line.grade, 0) + line.facility_kwh
        return {grade: plain(value) for grade, value in sorted(sums.items())}

    def to_json(self) -> dict[str, Any]:
        """The answer of ``gxmeter account --json``."""
        return {
            "fy": self.year.fy.year,
            "as_of": instant(self.year.as_of_ms),
            "provisional": self.year.inventory.provisional,
            "figures": {
                f.figure_id: {
                    "exact": plain(f.exact),
                    "rounded": f.rounded,
                    "unit": f.unit,
                    "provisional": f.provisional,
                }
                for f in self.figures.values()
            },
            "lines": line_texts(self.lines),
            "by_grade": self.by_grade(),
            "findings": [item.to_json() for item in self.findings],
        }

    def progress_json(self) -> dict[str, Any]:
        """The answer of ``gxmeter progress --json``."""
        return {
            "fy": self.year.fy.year,
            "targets": [
                {
                    "id": row.target_id,
                    "scope": row.measure,
                    "unit": row.unit,
                    "target": plain(row.target),
                    "actual": None if row.actual is None else plain(row.actual),
                    "gap": None if row.gap is None else plain(row.gap),
                    "met": row.met,
                }
                for row in self.progress
            ],
            "approval": approval_json(self.plan),
            "findings": [item.to_json() for item in self.findings],
        }


def line_texts(lines: Sequence[Line]) -> list[dict[str, str]]:
    """Lines as texts, column by column as in ``lines.csv``."""
    columns = BY_PATH["results/lines.csv"].columns
    return [{column.name: write_cell(column, getattr(line, column.name)) for column in columns} for line in lines]


def approval_json(plan: Plan | None) -> dict[str, Any]:
    """State of the roadmap and its approval, as in ``gxmeter progress --json``."""
    if plan is None:
        return {"state": "none"}
    approval = plan.approval
    document: dict[str, Any] = {
        "state": str(plan.state),
        "roadmap_id": plan.roadmap_id,
        "version": plan.version,
        "content_sha256": plan.content_sha256,
    }
    if approval:
        document |= {
            "body": approval.body,
            "approved_on": approval.approved_on,
            "resolution_id": approval.resolution_id,
            "approved_content_sha256": approval.content_sha256,
        }
    return document
