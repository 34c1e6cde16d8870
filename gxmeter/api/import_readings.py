"""A bill or a facility meter's export as readings: what runs are reconciled with, and no telemetry of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gxmeter.api.import_stage import Unit, slug
from gxmeter.core.calendar import instant
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import plain
from gxmeter.energy.model import EnergyResult
from gxmeter.energy.sources import open_source
from gxmeter.ledger.readings import DayReading, half_uj_kwh, long_periods, whole_days

FACILITY = "facility"
KINDS = ("bill", "meter")
"""What a reading is: what was bought, or what a meter of the site shows."""
EVIDENCE = "evidence/readings"
"""Where the files that readings rest on are kept."""

_DEVICE = 30


@dataclass(frozen=True, slots=True)
class Readings:
    """The readings of a file as ``meters/<id>.yaml`` holds them, and what was left out of them."""

    rows: list[dict[str, Any]]
    findings: list[Finding]


def readings_of(unit: Unit, result: EnergyResult, *, name: str, site: str, kind: str) -> Readings:
    """The readings of a file whose energy was integrated before.

    Args:
        unit: the file.
        result: its energy.
        name: id of the import.
        site: of the meter.
        kind: bill or meter.

    Raises:
        InputError: ``import-not-facility``: it covers less than the facility; ``import-reading-days`` for each billing
            period that begins or ends within a day; ``import-reading-none``: not one whole day is covered.
    """
    file = unit.source.label
    others = sorted({info.boundary for info in result.devices.values()} - {FACILITY})
    if others:
        raise InputError("import-not-facility", file=file, found=", ".join(others))
    periods = long_periods(open_source(unit.source).batches)
    if periods.ragged:
        raise InputError.from_findings(
            finding("import-reading-days", file=file, device=device, start=instant(start_ms), end=instant(end_ms))
            for device, start_ms, end_ms in periods.ragged
        )
    days = whole_days((key, leaf) for key, leaf in result.leaves.items() if key.device not in periods.devices)
    made = sorted([*periods.readings, *days.readings])
    if not made:
        raise InputError("import-reading-none", file=file)
    several = len({reading.device for reading in made}) > 1
    evidence = f"{EVIDENCE}/{name}/{unit.path}"
    rows = [_row(reading, name=name, several=several) | {"site": site, "kind": kind} for reading in made]
    order = ("id", "site", "kind", "first_day", "last_day", "energy_kwh")
    left = [_left_out(file, days.partial)] if days.partial else []
    return Readings([{key: row[key] for key in order} | {"evidence": evidence} for row in rows], left)


def _row(reading: DayReading, *, name: str, several: bool) -> dict[str, Any]:
    of = f"-{slug(reading.device)[:_DEVICE]}" if several else ""
    return {
        "id": f"{name[: 80 - _DEVICE - 12]}{of}-{reading.first_day:%Y%m%d}",
        "first_day": reading.first_day.isoformat(),
        "last_day": reading.last_day.isoformat(),
        "energy_kwh": plain(reading.kwh),
    }


def _left_out(file: str, partial: list[tuple[str, Any, int]]) -> Finding:
    """Days that the meter does not cover whole are in no reading."""
    left = plain(half_uj_kwh(sum(half_uj for _, _, half_uj in partial)))
    first = min(day for _, day, _ in partial).isoformat()
    return finding("import-days-partial", file=file, count=len(partial), day=first, found=left)
