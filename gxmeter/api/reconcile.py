"""A reconciliation as the facade hands it out: rows for notebooks, JSON for the command line."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from gxmeter.api.period import Span
from gxmeter.core.calendar import instant
from gxmeter.core.findings import Finding, Level, ordered
from gxmeter.core.numbers import plain
from gxmeter.energy.model import EnergyResult
from gxmeter.ledger.reconcile import Reconciliation, reconcile
from gxmeter.ledger.reconcile_row import Row
from gxmeter.ledger.reconcile_steps import Steps
from gxmeter.ledger.year import Year
from gxmeter.workspace.loaded import Workspace
from gxmeter.workspace.models import MeterReading


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What is accounted, held against bills and meters, over a year or a month."""

    span: Span
    result: Reconciliation

    def to_json(self) -> dict[str, Any]:
        """The answer of ``gxmeter reconcile --json``; quantities are exact decimal texts, null is not known."""
        return {
            "fy": self.span.fy.year,
            "month": self.span.month or None,
            "start": instant(self.span.start_ms),
            "end": instant(self.span.end_ms),
            "rows": [_row(row) for row in self.result.rows],
            "findings": [item.to_json() for item in self.result.findings],
        }


def reconciled(
    workspace: Workspace, year: Year, energy: EnergyResult, span: Span, *, site: str, now_ms: int
) -> Reconciled:
    """Reconcile a span of a computed year, with what the account itself says of bills, and its faults."""
    made = reconcile(workspace, year, energy, span=(span.start_ms, span.end_ms), site=site, now_ms=now_ms)
    exceeding = {dict(item.params).get("meter") for item in year.findings if item.code == "runs-exceed-meter"}
    own = [
        item
        for item in made.findings
        if item.code != "accounted-exceeds-reading" or dict(item.params).get("reading") not in exceeding
    ]
    shown = [item for item in year.findings if _concerns(item, {row.site for row in made.rows})]
    return Reconciled(span, replace(made, findings=tuple(ordered([*own, *shown]))))


_OF_SITES = frozenset(
    {
        "boundary-step-missing",
        "idle-without-reading",
        "meter-crosses-contract",
        "runs-exceed-meter",
        "runs-exceed-meter-slightly",
    }
)


def _concerns(item: Finding, sites: Collection[str]) -> bool:
    """Whether a finding of the account is about bills or steps outwards of these sites, or a fault of all there is."""
    if item.code in _OF_SITES:
        return dict(item.params).get("site") in sites
    return item.level is Level.MUST


def _row(row: Row) -> dict[str, Any]:
    return {
        "site": row.site,
        "period": row.period.label,
        "start": instant(row.period.start_ms),
        "end": instant(row.period.end_ms),
        "is_month": row.period.is_month,
        "runs_kwh": _read(row.runs),
        "idle_kwh": _read(row.idle),
        "overhead_kwh": _overhead(row.steps),
        "facility_kwh": _whole(row.steps),
        "of_which_kwh": {"runs": _whole(row.runs), "idle": _whole(row.idle)},
        "reading": _reading(row.reading),
        "difference_kwh": _text(row.difference_kwh),
        "difference_pct": _text(row.pct(row.difference_kwh)),
        "explanation": _explanation(row),
        "unexplained_kwh": _text(row.rest_kwh),
        "unexplained_pct": _text(row.pct(row.rest_kwh)),
        "tolerance_pct": _text(row.tolerance.pct if row.tolerance else None),
        "tolerance_from": row.tolerance.declared_by if row.tolerance else None,
        "state": str(row.state),
        "reading_not_taken": None if row.misfit is None else str(row.misfit),
        "meter_beside": _beside(row),
        "site_meters": [
            {"device": m.device, "boundary": m.boundary, "energy_kwh": plain(m.energy_kwh), "covered_ms": m.covered_ms}
            for m in row.meters
        ],
    }


def _read(steps: Steps | None) -> str | None:
    return None if steps is None else plain(steps.read_kwh)


def _whole(steps: Steps | None) -> str | None:
    return None if steps is None else plain(steps.facility_kwh)


def _overhead(steps: Steps | None) -> dict[str, str] | None:
    if steps is None:
        return None
    return {"node": plain(steps.node_kwh), "it": plain(steps.it_kwh), "pue": plain(steps.pue_kwh)}


def _reading(reading: MeterReading | None) -> dict[str, Any] | None:
    if reading is None:
        return None
    return {"id": reading.id, "kind": reading.kind, "energy_kwh": plain(reading.energy_kwh)}


def _explanation(row: Row) -> dict[str, Any] | None:
    reading = row.reading
    if reading is None or not (reading.explanation_ja or reading.explanation_en):
        return None
    return {
        "explained_kwh": _text(reading.explained_kwh),
        "ja": reading.explanation_ja,
        "en": reading.explanation_en,
        "evidence": reading.explanation_evidence,
    }


def _beside(row: Row) -> dict[str, Any] | None:
    if row.beside is None:
        return None
    apart = row.meter_difference_kwh
    return {
        "id": row.beside.id,
        "energy_kwh": plain(row.beside.energy_kwh),
        "difference_kwh": _text(apart),
        "difference_pct": _text(row.pct(apart)),
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
