"""What goes into a package, and its payload files under ``data/`` as bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gxmeter.core.canonical import canonical_json
from gxmeter.energy.model import SourceFacts
from gxmeter.evidence.layout import TABLES
from gxmeter.evidence.rows import FormulaRow, GradeRow, LineageRow, RawRow, UsedRow
from gxmeter.factors.model import FactorEntry
from gxmeter.factors.registry import Registry
from gxmeter.ledger.formulas import FORMULAS
from gxmeter.ledger.grades import GRADES
from gxmeter.ledger.inventory import Inventory
from gxmeter.ledger.lineage import lineage
from gxmeter.ledger.tables import ActivityRow, Declarations, EvidenceRow, Figure, Instant, Printed
from gxmeter.roadmap.content import Plan
from gxmeter.roadmap.progress import ProgressRow

COUNTED = ("boundary", "activity", "evidence", "factors", "results")
"""Folders whose tables ``statement.counts`` counts."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything a package states.

    ``figures`` are the inventory's plus targets and gaps; ``headers`` are run headers as JSON objects.
    """

    declarations: Declarations
    activity: Sequence[ActivityRow]
    headers: Sequence[Mapping[str, Any]]
    raw_index: Sequence[RawRow]
    registry: Registry
    inventory: Inventory
    figures: Sequence[Figure]
    plan: Plan
    progress: Sequence[ProgressRow]

    def tables(self) -> dict[str, Sequence[Any]]:
        """The rows of every table by its path."""
        d = self.declarations
        origins = lineage(self.inventory.lines, self.inventory.entries, d)
        return {
            "boundary/sites.csv": d.sites,
            "boundary/pue.csv": d.pue,
            "boundary/contracts.csv": d.contracts,
            "boundary/devices.csv": d.devices,
            "boundary/runs.csv": d.runs,
            "boundary/declared.csv": d.declared,
            "boundary/instruments.csv": d.instruments,
            "activity/energy.csv": self.activity,
            "activity/meters.csv": d.meters,
            "activity/raw_index.csv": self.raw_index,
            "evidence/evidence.csv": d.evidence,
            "factors/used.csv": [used_row(entry, provisional) for entry, provisional in self.inventory.used.values()],
            "roadmap/roadmap.csv": self.plan.targets,
            "method/formulas.csv": [FormulaRow(**_fields(formula)) for formula in FORMULAS],
            "method/grades.csv": [GradeRow(**_fields(grade)) for grade in GRADES.values()],
            "results/lines.csv": self.inventory.lines,
            "results/figures.csv": self.figures,
            "results/progress.csv": self.progress,
            "results/lineage.csv": [LineageRow(*origin) for origin in origins],
        }

    def counts(self) -> dict[str, int]:
        """Rows per table, for ``statement.counts``."""
        rows = self.tables()
        return {table.name: len(rows[table.path]) for table in TABLES if table.path.partition("/")[0] in COUNTED}

    def files(self) -> dict[str, bytes]:
        """The payload under ``data/`` that follows from the tables, without statement, checks and report."""
        rows = self.tables()
        files = {f"data/{table.path}": table.write(rows[table.path]) for table in TABLES}
        files["data/activity/run_headers.jsonl"] = _json_lines(self.headers)
        files["data/factors/registry/registry.json"] = canonical_json(self.registry.to_json())
        files["data/roadmap/roadmap.json"] = self.plan.content
        files["data/roadmap/approvals.jsonl"] = _json_lines([asdict(a) for a in self.plan.approvals])
        return files


def raw_row(evidence: EvidenceRow, facts: SourceFacts) -> RawRow:
    """A telemetry record as a row of raw_index.csv."""
    return RawRow(
        evidence_id=evidence.evidence_id,
        path=evidence.path,
        bytes=evidence.bytes,
        sha256=evidence.sha256,
        records=facts.records,
        first=None if facts.first_ms is None else Instant(facts.first_ms),
        last=None if facts.last_ms is None else Instant(facts.last_ms),
        clean_end=facts.clean_end,
    )


def used_row(entry: FactorEntry, provisional: bool) -> UsedRow:  # noqa: FBT001 - a column of the row
    """A registry entry as a row of used.csv."""
    return UsedRow(
        factor_id=entry.id,
        value=Printed(entry.value),
        unit=entry.unit,
        actuals_fy=entry.actuals_fy,
        applies_to_fy=entry.applies_to_fy,
        submission_fy=entry.submission_fy,
        edition_on=entry.edition_on,
        source_title=entry.source.title,
        source_place=entry.source.place,
        source_url=entry.source.url,
        status=str(entry.status),
        provisional=provisional,
    )


def _fields(item: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass with slots
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


def _json_lines(items: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(canonical_json(item) + b"\n" for item in items)
