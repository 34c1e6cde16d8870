"""Reconciliation: what is accounted at a site, held against its bills and meters, period by period.

Every site's time is divided once: each reading that counts is a row over exactly its days, and what no reading covers
is a row per month. A row adds up runs, idle energy and the steps outwards; the difference to the reading is in part
explained by a declaration, and what is left is the unexplained rest. Nothing here changes a figure: the ledger books
the whole difference between a reading and the runs as unattributed energy (package.md 5.5), idle energy included.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from gxmeter.core.calendar import SLOT_MS
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.energy.idle import idle_energy
from gxmeter.energy.model import EnergyResult
from gxmeter.ledger.drafts import ONE
from gxmeter.ledger.reading_fit import misfit
from gxmeter.ledger.reconcile_idle import IdlePart, idle_parts, kwh_of, shown_kwh
from gxmeter.ledger.reconcile_periods import Period, periods_of
from gxmeter.ledger.reconcile_readings import counted_readings
from gxmeter.ledger.reconcile_row import Row, SiteMeter, State, row_findings
from gxmeter.ledger.reconcile_steps import steps_of
from gxmeter.ledger.tables import Line
from gxmeter.ledger.terms import Arrangement, LineKind
from gxmeter.ledger.year import Year
from gxmeter.workspace.loaded import Workspace
from gxmeter.workspace.models import Site
from gxmeter.workspace.tolerance import tolerance_of


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The rows of a period [Unix ms], by site and time, and what is remarkable about them."""

    start_ms: int
    end_ms: int
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]


def reconcile(
    workspace: Workspace, year: Year, energy: EnergyResult, *, span: tuple[int, int], site: str = "", now_ms: int = 0
) -> Reconciliation:
    """Hold what a year accounts for against bills and meters.

    Args:
        workspace: the declarations.
        year: the computed fiscal year.
        energy: the telemetry that it was computed from.
        span: the year or a month of it [Unix ms]; a reading that reaches beyond a month is shown whole.
        site: only this one; empty: all.
        now_ms: the time; periods that have ended by then are told also where nothing is known of them [Unix ms].
    """
    books = _Books(workspace, year, energy)
    rows: list[Row] = []
    for place in workspace.sites:
        if site in {"", place.id}:
            readings = [member for member in counted_readings(workspace.meters) if member.reading.site == place.id]
            made = [books.row(place.id, period) for period in periods_of(readings, year.fy, span)]
            until_ms = max(now_ms, year.as_of_ms if readings else 0)
            rows += [row for row in made if row.state is not State.NOTHING or _is_expected(row.period, place, until_ms)]
    beside = books.idle_beside(span, {row.site for row in rows})
    return Reconciliation(*span, tuple(rows), tuple(ordered([*row_findings(rows), *beside])))


class _Books:
    """What the rows are made of, by site."""

    def __init__(self, workspace: Workspace, year: Year, energy: EnergyResult) -> None:
        """Sort the lines, the idle parts and the site meters."""
        self._workspace, self._year, self._energy = workspace, year, energy
        self._idle = idle_energy(energy)
        self._lines: dict[str, list[Line]] = defaultdict(list)
        for line in year.inventory.lines:
            if line.kind == LineKind.RUN:
                self._lines[line.site_id].append(line)
        self._parts: dict[str, list[IdlePart]] = defaultdict(list)
        for part in idle_parts(energy, self._idle, year.declarations, year.fy):
            self._parts[part.site_id].append(part)

    def row(self, site: str, period: Period) -> Row:
        """The row of a site and period."""
        reading, beside = period.counted or (None, None)
        place = self._workspace.site(site)
        contracts = [row for row in self._year.declarations.contracts if row.site_id == site]
        share = place.accounting_share if place else ONE
        why = misfit((period.start_ms, period.end_ms), share, contracts, self._year.fy)
        return Row(
            site=site,
            period=period,
            runs=steps_of(line for line in self._lines[site] if _is_in(line, period)),
            idle=steps_of(part for part in self._parts[site] if _is_in(part, period)),
            reading=reading,
            beside=beside,
            tolerance=tolerance_of(self._workspace, reading) if reading else None,
            meters=self._meters(site, period),
            misfit=why if reading else None,
        )

    def _meters(self, site: str, period: Period) -> tuple[SiteMeter, ...]:
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for key, leaf in self._idle.meters.items():
            if key.site == site and period.start_ms <= key.slot * SLOT_MS < period.end_ms:
                sums[key.device][0] += leaf.half_uj
                sums[key.device][1] += leaf.covered_ms
        return tuple(
            SiteMeter(device, self._energy.devices[site, device].boundary, kwh_of(half_uj), covered_ms)
            for device, (half_uj, covered_ms) in sorted(sums.items())
        )

    def idle_beside(self, span: tuple[int, int], sites: set[str]) -> list[Finding]:
        """Idle energy that is left out because what it holds, or is part of, is counted elsewhere."""
        sums: dict[str, int] = defaultdict(int)
        for key, leaf in self._idle.beside.items():
            if key.site in sites and span[0] <= key.slot * SLOT_MS < span[1]:
                sums[key.site] += leaf.half_uj
        return [finding("idle-beside", site=site, kwh=shown_kwh(half_uj)) for site, half_uj in sorted(sums.items())]


def _is_in(part: Line | IdlePart, period: Period) -> bool:
    return period.start_ms <= part.start and part.end <= period.end_ms


def _is_expected(period: Period, place: Site, until_ms: int) -> bool:
    """Whether a site should have something in a period: it has ended, and machines of ours stood there.

    Of a cloud or an allocation nothing is expected: it takes energy of ours only while it is used.
    """
    stood = [device for device in place.devices if device.start_ms < period.end_ms and period.start_ms < device.end_ms]
    is_ours = place.arrangement not in {Arrangement.CLOUD, Arrangement.ALLOCATION}
    return is_ours and period.end_ms <= until_ms and (bool(stood) or not place.devices)
