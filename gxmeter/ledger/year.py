"""A fiscal year of a workspace: its telemetry integrated, its declarations collected, its inventory computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gxmeter.core.calendar import FiscalYear, jst_date, parse_instant
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.energy.model import EnergyResult, Source, SourceFacts
from gxmeter.factors.registry import Registry
from gxmeter.ledger.activity import activity_of
from gxmeter.ledger.collect import collect
from gxmeter.ledger.evidence import EvidenceIndex
from gxmeter.ledger.inventory import Inventory, account
from gxmeter.ledger.reconcile_idle import idle_without_reading
from gxmeter.ledger.tables import ActivityRow, Declarations
from gxmeter.ledger.telemetry import telemetry_of
from gxmeter.ledger.unattributed import Tolerances
from gxmeter.workspace.loaded import Workspace
from gxmeter.workspace.tolerance import tolerance_of, widest_pct


@dataclass(frozen=True, slots=True)
class Year:
    """A computed fiscal year.

    Attributes:
        fy: the year.
        declarations: declared tables, evidence included.
        activity: measured rows.
        headers: run headers as JSON objects.
        records: telemetry files that carry energy of the year: (evidence id, what the file says of itself).
        inventory: lines and figures.
        as_of_ms: through when data covers the year [Unix ms].
        findings: everything remarkable, heaviest first.
    """

    fy: FiscalYear
    declarations: Declarations
    activity: tuple[ActivityRow, ...]
    headers: tuple[dict[str, Any], ...]
    records: tuple[tuple[str, SourceFacts], ...]
    inventory: Inventory
    as_of_ms: int
    findings: tuple[Finding, ...]

    @property
    def is_final(self) -> bool:
        """Whether the year has ended and all its factors are published: only then is a target met or missed."""
        return self.as_of_ms >= self.fy.end_ms and not self.inventory.provisional


def telemetry_sources(workspace: Workspace) -> list[Source]:
    """Every journal and every import of the workspace that can be read, by its name in the workspace.

    Raises:
        InputError: as :func:`gxmeter.ledger.telemetry.telemetry_of`.
    """
    return telemetry_of(workspace).sources


def compute_year(workspace: Workspace, energy: EnergyResult, registry: Registry, fy: FiscalYear) -> Year:
    """Compute a fiscal year from a loaded workspace and its integrated telemetry."""
    index = EvidenceIndex(workspace)
    ids = {i: index.recorded(name, digest) for i, (name, digest) in enumerate(energy.sources)}
    activity = activity_of(energy, ids, [site.id for site in workspace.sites], fy)
    used = {evidence for row in activity.rows for evidence in row.evidence_id.split("|")}
    for evidence in set(ids.values()) - used:
        del index.rows[evidence]
    collected = collect(workspace, activity, index, fy)
    inventory = account(collected.declarations, activity.rows, registry, fy, _tolerances(workspace))
    as_of_ms = _as_of(collected.declarations, activity.headers, fy)
    findings = [*energy.findings, *activity.findings, *collected.findings, *inventory.findings]
    findings += _plans(collected.declarations, as_of_ms, fy)
    findings += idle_without_reading(energy, collected.declarations, fy)
    if as_of_ms < fy.end_ms:
        findings.append(finding("year-not-ended", label=fy.label_en, label_ja=fy.label_ja, found=_day(as_of_ms - 1)))
    return Year(
        fy=fy,
        declarations=collected.declarations,
        activity=activity.rows,
        headers=activity.headers,
        records=tuple((ids[i], energy.facts[i]) for i in sorted(ids, key=ids.__getitem__) if ids[i] in used),
        inventory=inventory,
        as_of_ms=as_of_ms,
        findings=tuple(ordered(findings)),
    )


def _tolerances(workspace: Workspace) -> Tolerances:
    """The widest tolerance of a reading, as a verifier knows it, and the narrower ones that are declared."""
    declared = {reading.id: tolerance_of(workspace, reading).pct for reading in workspace.meters}
    return Tolerances(widest_pct(workspace.config.materiality_pct), declared)


def _day(ts_ms: int) -> str:
    return jst_date(ts_ms).isoformat()


def _as_of(declarations: Declarations, headers: tuple[dict[str, Any], ...], fy: FiscalYear) -> int:
    """Through when data covers the year: the newest measurement or meter reading; a declaration covers nothing.

    No clock, so that the same files always give the same report (package.md, statement.json).
    """
    known = [parse_instant(header["end"]) for header in headers]
    known += [int(meter.end) for meter in declarations.meters]
    return min(max(known, default=fy.start_ms), fy.end_ms)


def _plans(declarations: Declarations, as_of_ms: int, fy: FiscalYear) -> list[Finding]:
    """Declared parts that reach beyond what the data covers may be plans, and are named as such."""
    latest: dict[str, int] = {}
    for row in declarations.declared:
        end_ms = min(int(row.end), fy.end_ms)
        if end_ms > as_of_ms:
            latest[row.run_id] = max(latest.get(row.run_id, 0), end_ms)
    return [
        finding("declared-in-future", run=run, found=_day(end_ms - 1), as_of=_day(as_of_ms - 1))
        for run, end_ms in sorted(latest.items())
    ]
