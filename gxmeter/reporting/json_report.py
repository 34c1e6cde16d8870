"""The report as canonical JSON: the same model for programs. Decimals are strings, counts integers; no floats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from gxmeter.core.calendar import instant
from gxmeter.core.canonical import canonical_json
from gxmeter.core.numbers import plain
from gxmeter.reporting.model import FactorUse, Gap, ReportModel

SCHEMA = "gxmeter-report/1"
FILE_NAME = "report.json"


def render_json(model: ReportModel) -> bytes:
    """Render the model as one canonical JSON document (RFC 8785), without a line end; same model, same bytes.

    Raises:
        TypeError: the model holds something that JSON cannot say exactly.
    """
    document = {
        "schema": SCHEMA,
        "statement": dict(model.statement),
        "figures": dict(model.figures),
        "progress": model.progress,
        "roadmap": {
            "state": model.roadmap_state,
            "approval": model.approval,
            "targets": model.targets,
        },
        "sites": [{"site_id": s.site.site_id, "scopes": s.scopes, "grades": s.grades} for s in model.sites],
        "runs": [
            {
                "run_id": r.run.run_id,
                "statuses": r.statuses,
                "grades": r.grades,
                "sites": r.sites,
                "has_energy": r.has_energy,
            }
            for r in model.runs
        ],
        "factors": [_factor(use) for use in model.factors],
        "grades": model.grades,
        "gaps": [_gap(gap) for gap in model.gaps],
        "meters": [{"meter_id": m.meter.meter_id, "unattributed_kwh": m.unattributed_kwh} for m in model.meters],
        "instruments": [
            {"instrument_id": i.instrument.instrument_id, "applied_kwh": i.applied_kwh} for i in model.instruments
        ],
        "findings": [finding.to_json() for finding in model.findings],
        "signer_keyid": model.signer_keyid,
    }
    return canonical_json(_as_json(document))


def _factor(use: FactorUse) -> dict[str, Any]:
    entry = use.factor.entry
    return {
        "factor_id": entry.id,
        "value": entry.value,
        "unit": entry.unit,
        "provisional": use.factor.provisional,
        "bases": use.bases,
        "lines": use.lines,
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "run_id": gap.run_id,
        "site_id": gap.site_id,
        "device_id": gap.device_id,
        "start": instant(gap.start),
        "end": instant(gap.end),
    }


def _as_json(value: object) -> object:
    """What JSON does not know: decimals as plain text, rows as objects, tuples as arrays."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _as_json(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in a report")
