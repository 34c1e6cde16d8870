"""From integrated energy to the activity table and the run headers of one fiscal year.

The run headers repeat, per run and site, what the rows must add up to (package.md, run_headers.jsonl):
a row that is dropped or doubled later no longer agrees with its header.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gxmeter.core.calendar import SLOT_MS, FiscalYear, instant, parse_instant
from gxmeter.core.findings import Finding, finding
from gxmeter.core.ids import is_id, is_idle
from gxmeter.energy.boundary import BOUNDARIES
from gxmeter.energy.model import EnergyResult, Gap, Leaf, LeafKey, SourceFacts
from gxmeter.ledger.grades import GRADES
from gxmeter.ledger.tables import ActivityRow, DeviceRow, Instant
from gxmeter.telemetry.model import DeviceInfo

Stay = tuple[str, str]
"""A run at a site."""

UNKNOWN = "unknown"
"""Host, kind or name of a device where its record does not say it."""


@dataclass(frozen=True, slots=True)
class Activity:
    """The measured side of a fiscal year: rows, headers, the devices seen, remarks."""

    rows: tuple[ActivityRow, ...]
    headers: tuple[dict[str, Any], ...]
    devices: tuple[DeviceRow, ...]
    findings: tuple[Finding, ...]


def activity_of(
    result: EnergyResult, evidence: Mapping[int, str], known_sites: Iterable[str], fy: FiscalYear
) -> Activity:
    """The rows of one fiscal year.

    Args:
        result: integrated energy of all telemetry of the workspace.
        evidence: evidence id by index into ``result.sources``.
        known_sites: declared sites; a record of another one is ``site-unknown-in-record``.
        fy: the fiscal year; slots outside it are left to their own year.
    """
    sites = set(known_sites)
    first, last = fy.start_ms // SLOT_MS, fy.end_ms // SLOT_MS
    rows: list[ActivityRow] = []
    findings: list[Finding] = []
    unknown: set[tuple[str, str]] = set()
    unusable: set[tuple[str, str]] = set()
    ordered = sorted(result.leaves.items(), key=lambda item: (item[0].run, item[0].site, item[0].device, item[0].slot))
    for key, leaf in ordered:
        if not first <= key.slot < last:
            continue
        ids = "|".join(sorted(evidence[i] for i in result.source_of.get((key.run, key.site, key.device), ())))
        if key.site not in sites:
            unknown.add((ids, key.site))
            continue
        if is_idle(key.run):  # no run's energy: it is in the rest of a bill, or named (ADR 0016)
            continue
        info = result.devices[key.site, key.device]
        wrong = _not_accountable(key, info)
        if wrong is not None:
            unusable.add((ids, wrong))
            continue
        rows.append(_row(len(rows) + 1, (key, leaf), info, ids))
    findings += [finding("site-unknown-in-record", evidence=ids, site=site) for ids, site in sorted(unknown)]
    findings += [finding("record-not-accountable", evidence=ids, found=wrong) for ids, wrong in sorted(unusable)]
    findings += _two_sites(rows)
    headers = tuple(_headers(rows, result, fy))
    return Activity(tuple(rows), headers, _devices(result, rows), (*findings, *_gap_findings(headers)))


def _row(number: int, entry: tuple[LeafKey, Leaf], info: DeviceInfo, evidence: str) -> ActivityRow:
    key, leaf = entry
    return ActivityRow(
        row_id=number,
        run_id=key.run,
        site_id=key.site,
        device_id=key.device,
        start=Instant(key.slot * SLOT_MS),
        end=Instant((key.slot + 1) * SLOT_MS),
        boundary=info.boundary,
        method=info.method,
        grade=info.grade,
        energy_half_uj=leaf.half_uj,
        covered_ms=leaf.covered_ms,
        evidence_id=evidence,
    )


def _not_accountable(key: LeafKey, info: DeviceInfo) -> str | None:
    """What of a record no package can hold: an id that is none, a grade or a boundary that nobody knows."""
    named = [text for text in (key.run, key.device) if not is_id(text)]
    named += [info.grade] if info.grade not in GRADES else []
    named += [info.boundary] if info.boundary not in BOUNDARIES else []
    return named[0] if named else None


def _two_sites(rows: Iterable[ActivityRow]) -> Iterator[Finding]:
    """A device measured at two sites for more than 30 minutes of one half-hour: one host's energy counted twice.

    A device that moves is at both sites in one half-hour, but never for longer than the half-hour lasts.
    """
    covered_ms: dict[tuple[str, Instant], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        covered_ms[row.device_id, row.start][row.site_id] += row.covered_ms
    twice: dict[tuple[str, tuple[str, ...]], list[Instant]] = defaultdict(list)
    for (device, start), sites in covered_ms.items():
        if len(sites) > 1 and sum(sites.values()) > SLOT_MS:
            twice[device, tuple(sorted(sites))].append(start)
    for (device, places), starts in sorted(twice.items()):
        yield finding(
            "device-at-two-sites", device=device, sites=", ".join(places), count=len(starts), at=instant(min(starts))
        )


def _devices(result: EnergyResult, activity: Iterable[ActivityRow]) -> tuple[DeviceRow, ...]:
    used = {(row.site_id, row.device_id) for row in activity}
    rows = []
    for (site, device), info in sorted(result.devices.items(), key=lambda item: (item[0][1], item[0][0])):
        if (site, device) in used:
            rated = None if info.rated_mw is None else Decimal(info.rated_mw).scaleb(-3)
            host, kind, name = (text or UNKNOWN for text in (info.host, info.kind, info.name))
            rows.append(DeviceRow(device, site, host, kind, name, rated))
    return tuple(rows)


def _headers(rows: list[ActivityRow], result: EnergyResult, fy: FiscalYear) -> Iterable[dict[str, Any]]:
    grouped: dict[Stay, list[ActivityRow]] = defaultdict(list)
    for row in rows:
        grouped[row.run_id, row.site_id].append(row)
    facts_of, gaps_of = _facts(result), _gaps(result, fy)
    for (run, site), members in sorted(grouped.items()):
        facts = facts_of[run, site]
        ends = [f.clean_end for f in facts]
        yield {
            "run_id": run,
            "site_id": site,
            "evidence": sorted({e for row in members for e in row.evidence_id.split("|")}),
            "start": instant(max(fy.start_ms, min(f.first_ms for f in facts if f.first_ms is not None))),
            "end": instant(min(fy.end_ms, max(f.last_ms for f in facts if f.last_ms is not None))),
            "records": sum(f.records for f in facts),
            "clean_end": None if None in ends else all(ends),
            "sensors": [{"name": n, "version": v} for n, v in sorted({s for f in facts for s in f.sensors})],
            "devices": _device_totals(members),
            "gaps": [
                {"device_id": gap.device, "start": instant(gap.start_ms), "end": instant(gap.end_ms)}
                for gap in gaps_of.get((run, site), ())
            ],
        }


def _facts(result: EnergyResult) -> dict[Stay, list[SourceFacts]]:
    """What the sources of each run and site say of themselves, in their order."""
    indexes: dict[Stay, set[int]] = defaultdict(set)
    for (run, site, _), sources in result.source_of.items():
        indexes[run, site] |= sources
    return {stay: [result.facts[i] for i in sorted(found)] for stay, found in indexes.items()}


def _gaps(result: EnergyResult, fy: FiscalYear) -> dict[Stay, list[Gap]]:
    """The gaps of each run and site that reach into the year, by device and time."""
    found: dict[Stay, list[Gap]] = defaultdict(list)
    for gap in sorted(result.gaps, key=lambda g: (g.device, g.start_ms)):
        if gap.end_ms > fy.start_ms and gap.start_ms < fy.end_ms:
            found[gap.run, gap.site].append(gap)
    return found


def _device_totals(rows: list[ActivityRow]) -> list[dict[str, Any]]:
    totals: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        entry = totals[row.device_id, row.method]
        entry[0] += 1
        entry[1] += row.energy_half_uj
        entry[2] += row.covered_ms
    return [
        {"device_id": device, "method": method, "rows": n, "energy_half_uj": str(energy), "covered_ms": covered}
        for (device, method), (n, energy, covered) in sorted(totals.items())
    ]


def _gap_findings(headers: Iterable[dict[str, Any]]) -> list[Finding]:
    made = []
    for header in headers:
        holes = _joined((parse_instant(gap["start"]), parse_instant(gap["end"])) for gap in header["gaps"])
        if holes:
            seconds = sum(end_ms - start_ms for start_ms, end_ms in holes) // 1000
            made.append(finding("telemetry-gap", run=header["run_id"], count=len(holes), seconds=seconds))
    return made


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Time in which any device has a gap, each moment once [ms]."""
    joined: list[tuple[int, int]] = []
    for start_ms, end_ms in sorted(spans):
        if joined and start_ms <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end_ms))
        else:
            joined.append((start_ms, end_ms))
    return joined
