"""From a workspace to the declared tables of one fiscal year."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gxmeter.core.calendar import FiscalYear, parse_instant
from gxmeter.core.findings import Finding, finding
from gxmeter.ledger.activity import Activity
from gxmeter.ledger.entries import VOID
from gxmeter.ledger.evidence import EvidenceIndex
from gxmeter.ledger.reconcile_readings import counted_readings
from gxmeter.ledger.tables import (
    ContractRow,
    Declarations,
    DeclaredRow,
    DeviceRow,
    Instant,
    InstrumentRow,
    MeterRow,
    PueRow,
    RunRow,
    SiteRow,
)
from gxmeter.workspace.loaded import Workspace
from gxmeter.workspace.models import Run, Site

NO_FRAME = "none"

Extent = tuple[int | None, int | None]
"""First and last instant [Unix ms]; None where nothing was measured."""
NO_EXTENT: Extent = (None, None)


@dataclass(frozen=True, slots=True)
class Collected:
    """The declared tables and what was remarkable on the way."""

    declarations: Declarations
    findings: tuple[Finding, ...]


def collect(workspace: Workspace, activity: Activity, index: EvidenceIndex, fy: FiscalYear) -> Collected:
    """The declared tables of a fiscal year; ``activity`` and ``index`` are of the same workspace and year."""
    declared = _declared(workspace, index, fy)
    runs, findings = _runs(workspace, activity, declared, fy)
    void = {run.id for run in workspace.runs if run.status == VOID}
    findings += _double_counting([row for row in declared if row.run_id not in void], activity)
    declarations = Declarations(
        sites=tuple(_site(site) for site in workspace.sites),
        pue=tuple(
            PueRow(site.id, Instant(p.start_ms), Instant(p.end_ms), p.value, p.source_class, p.source)
            for site in workspace.sites
            for p in site.pue
        ),
        contracts=tuple(
            ContractRow(c.id, site.id, c.supplier, c.menu, Instant(c.start_ms), Instant(c.end_ms))
            for site in workspace.sites
            for c in site.contracts
        ),
        devices=_devices(workspace, activity),
        runs=runs,
        declared=declared,
        meters=_meters(workspace, index, fy),
        instruments=_instruments(workspace, index, fy),
        evidence=(),
    )
    evidence = tuple(row for _, row in sorted(index.rows.items()))
    return Collected(replace(declarations, evidence=evidence), tuple(findings))


def _site(site: Site) -> SiteRow:
    return SiteRow(
        site_id=site.id,
        name_ja=site.name_ja,
        name_en=site.name_en,
        country=site.country,
        supply_area=site.supply_area,
        arrangement=site.arrangement,
        operational_control=site.operational_control,
        overhead_control=site.overhead_control,
        overhead_node=site.overheads.node.ratio if site.overheads.node else None,
        overhead_it=site.overheads.it.ratio if site.overheads.it else None,
        accounting_share=site.accounting_share,
        direct_sources=site.direct_sources,
    )


def _declared(workspace: Workspace, index: EvidenceIndex, fy: FiscalYear) -> tuple[DeclaredRow, ...]:
    rows = [
        DeclaredRow(
            part_id=part.id,
            run_id=document.model.id,
            site_id=part.site,
            start=Instant(part.start_ms),
            end=Instant(part.end_ms),
            boundary=part.boundary,
            device_hours=part.total_device_hours,
            power_w=part.power_w,
            energy_kwh=part.energy_kwh,
            grade=part.grade,
            evidence_id=index.document("declaration", part.source, document.file),
        )
        for document in workspace.run_documents
        for part in document.model.declared
        if part.start_ms < fy.end_ms and part.end_ms > fy.start_ms
    ]
    return tuple(sorted(rows, key=lambda row: row.part_id))


def _runs(
    workspace: Workspace, activity: Activity, declared: Iterable[DeclaredRow], fy: FiscalYear
) -> tuple[tuple[RunRow, ...], list[Finding]]:
    """Every run with energy in the year, and declared ones whose time meets it (void ones included)."""
    measured = {header["run_id"] for header in activity.headers}
    present = measured | {row.run_id for row in declared}
    extents = _extents(activity)
    rows = [
        _run(run, extents.get(run.id, NO_EXTENT))
        for run in workspace.runs
        if run.id in present or (run.start_ms is not None and _meets(run.start_ms, run.end_ms, fy))
    ]
    known = {run.id for run in workspace.runs}
    findings: list[Finding] = []
    for header in activity.headers:
        if header["run_id"] not in known:
            known.add(header["run_id"])
            rows.append(_undeclared(header["run_id"], extents[header["run_id"]]))
            findings.append(finding("run-unknown", run=header["run_id"], evidence=header["evidence"][0]))
    return tuple(sorted(rows, key=lambda row: row.run_id)), findings


def _meets(start_ms: int, end_ms: int | None, fy: FiscalYear) -> bool:
    return start_ms < fy.end_ms and (end_ms is None or end_ms > fy.start_ms)


def _extents(activity: Activity) -> dict[str, Extent]:
    """First and last measured instant of each run [Unix ms], over all its sites."""
    found: dict[str, Extent] = {}
    for header in activity.headers:
        start, end = parse_instant(header["start"]), parse_instant(header["end"])
        first, last = found.get(header["run_id"], NO_EXTENT)
        found[header["run_id"]] = (
            start if first is None else min(first, start),
            end if last is None else max(last, end),
        )
    return found


def _run(run: Run, extent: Extent) -> RunRow:
    first, last = extent
    start = run.start_ms if run.start_ms is not None else first
    end = run.end_ms if run.end_ms is not None else last
    return RunRow(
        run_id=run.id,
        title_ja=run.title_ja,
        title_en=run.title_en,
        frame="" if run.frame == NO_FRAME else run.frame,
        stage=run.stage,
        status=run.status,
        source=run.source,
        model=run.model.name,
        params=run.model.params,
        active_params=run.model.active_params,
        tokens=run.model.tokens,
        flop=run.model.flop,
        start=None if start is None else Instant(start),
        end=None if end is None else Instant(end),
    )


def _undeclared(run_id: str, extent: Extent) -> RunRow:
    first, last = extent
    return RunRow(
        run_id=run_id,
        title_ja=run_id,
        title_en=run_id,
        frame="",
        stage="undeclared",
        status="completed",
        source="measured",
        model="",
        params=None,
        active_params=None,
        tokens=None,
        flop=None,
        start=None if first is None else Instant(first),
        end=None if last is None else Instant(last),
    )


def _double_counting(declared: Iterable[DeclaredRow], activity: Activity) -> list[Finding]:
    """A run that is measured and declared at one site at one time would count twice."""
    parts: dict[tuple[str, str], list[DeclaredRow]] = defaultdict(list)
    for row in declared:
        parts[row.run_id, row.site_id].append(row)
    found: list[Finding] = []
    for header in activity.headers:
        start, end = parse_instant(header["start"]), parse_instant(header["end"])
        found += [
            finding("declared-overlaps-measured", run=row.run_id, site=row.site_id)
            for row in parts.get((header["run_id"], header["site_id"]), ())
            if row.start < end and row.end > start
        ]
    return found


def _devices(workspace: Workspace, activity: Activity) -> tuple[DeviceRow, ...]:
    """The devices in the activity table; a declared rating stands in where the record has none."""
    rated = {(site.id, device.id): device.rated_w for site in workspace.sites for device in site.devices}
    return tuple(
        replace(row, rated_w=rated.get((row.site_id, row.device_id))) if row.rated_w is None else row
        for row in activity.devices
    )


def _meters(workspace: Workspace, index: EvidenceIndex, fy: FiscalYear) -> tuple[MeterRow, ...]:
    counted = {member.reading.id for member in counted_readings(workspace.meters)}
    rows = [
        MeterRow(
            meter_id=reading.id,
            site_id=reading.site,
            start=Instant(reading.start_ms),
            end=Instant(reading.end_ms),
            kind=reading.kind,
            energy_kwh=reading.energy_kwh,
            evidence_id=index.document("bill", reading.evidence, document.file),
        )
        for document in workspace.meter_documents
        for reading in document.model.readings
        if reading.id in counted and reading.start_ms < fy.end_ms and reading.end_ms > fy.start_ms
    ]
    return tuple(sorted(rows, key=lambda row: row.meter_id))


def _instruments(workspace: Workspace, index: EvidenceIndex, fy: FiscalYear) -> tuple[InstrumentRow, ...]:
    rows = [
        InstrumentRow(
            instrument_id=item.id,
            kind=item.kind,
            serial_first=item.serial_first,
            serial_last=item.serial_last,
            fy=item.fy,
            contract_id=item.contract or "",
            vintage_start=Instant(item.vintage_start_ms),
            vintage_end=Instant(item.vintage_end_ms),
            quantity_kwh=item.quantity_kwh,
            quantity_t=item.quantity_t,
            factor_t_per_kwh=item.factor_t_per_kwh,
            evidence_id=index.document("certificate", item.evidence, document.file),
        )
        for document in workspace.instrument_documents
        for item in [document.model]
        if item.fy == fy.year
    ]
    return tuple(sorted(rows, key=lambda row: row.instrument_id))
