"""Step 8, asked for by name: the raw telemetry integrated again and held against every row of energy.csv.

Only files that are byte for byte what raw_index.csv names are used. Rows of a device that a missing file records are
not judged and never pass: the file is a finding and stands in ``not_checked``. A gap limit, and a segment between two
files, may depend on files of the workspace that the package does not name (of another year); if rows differ, they are
held once more against all telemetry that the folder has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gxmeter.core.calendar import SLOT_MS, FiscalYear, instant
from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.core.ids import is_idle
from gxmeter.energy.model import Device, LeafKey, Source
from gxmeter.evidence.rows import RawRow
from gxmeter.evidence.verify.case import Case
from gxmeter.evidence.verify.raw_files import candidates, matched
from gxmeter.ledger.tables import ActivityRow

_ENERGY = "data/activity/energy.csv"
_INDEX = "data/activity/raw_index.csv"

Leaves = Mapping[LeafKey, tuple[int, int]]
"""Energy [half-uJ] and covered time [ms]."""


@dataclass(frozen=True, slots=True)
class Integrated:
    """What an engine made of some files, and the devices that it does not judge, with the reason."""

    leaves: Leaves
    refused: Mapping[Device, str] = field(default_factory=dict)


Integrate = Callable[[Sequence[Source], int | None], Integrated]
"""(files, gap limit [ms] or None) -> leaves."""


def by_kernel(sources: Sequence[Source], gap_limit_ms: int | None) -> Integrated:
    """The ordinary engine, in this process and without any cache."""
    from gxmeter.energy.integrate import integrate  # noqa: PLC0415 - only with raw telemetry

    result = integrate(sources, gap_limit_ms=gap_limit_ms)
    return Integrated({key: (leaf.half_uj, leaf.covered_ms) for key, leaf in result.leaves.items()})


def by_sql(sources: Sequence[Source], gap_limit_ms: int | None) -> Integrated:
    """The second implementation."""
    from gxmeter.energy.sql.integrate import integrate_sql  # noqa: PLC0415 - only when it is asked for

    result = integrate_sql(sources, gap_limit_ms=gap_limit_ms)
    return Integrated(result.leaves, result.refused)


@dataclass(frozen=True, slots=True)
class RawStep:
    """Integrate the telemetry under ``folder`` by ``integrate`` and compare."""

    folder: Path
    integrate: Integrate

    def __call__(self, case: Case) -> None:
        """Fill the case; a step like the others."""
        rows: tuple[ActivityRow, ...] = case.rows("activity/energy.csv")
        index: tuple[RawRow, ...] = case.rows("activity/raw_index.csv")
        limit_s = case.need("statement")["gap_limit_s"]
        case.evaluated["raw_files"] = case.evaluated["raw_rows"] = 0
        try:
            offered = candidates(self.folder)
            found = matched(index, offered)
            made = self.integrate(list(found.values()), None if limit_s is None else limit_s * 1000)
            comparison = _compared(case, rows, found, made)
            if comparison.differing and (others := _others(offered, found)):
                again = self.integrate([*found.values(), *others], None if limit_s is None else limit_s * 1000)
                comparison = _retried(comparison, _compared(case, rows, found, again), others)
        except InputError as error:
            case.findings += error.findings
            return
        _tell(case, index, found, comparison)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Rows that were judged, what differs, leaves that no row tells, devices that were not judged, remarks.

    ``idle``: whether there is energy outside any run, which has no rows (ADR 0016).
    """

    judged: int
    differing: list[Finding]
    untold: dict[LeafKey, Finding]
    refused: list[Finding]
    remarks: list[Finding] = field(default_factory=list)
    idle: bool = False


def _compared(case: Case, rows: tuple[ActivityRow, ...], found: Mapping[str, Source], made: Integrated) -> _Comparison:
    left_out = {
        Device(row.site_id, row.device_id) for row in rows if not set(row.evidence_id.split("|")) <= found.keys()
    }
    unjudged = left_out | made.refused.keys()
    differing: list[Finding] = []
    told: set[LeafKey] = set()
    judged = 0
    for number, row in enumerate(rows, 2):
        key = LeafKey(row.start // SLOT_MS, row.run_id, row.site_id, row.device_id)
        told.add(key)
        if Device(row.site_id, row.device_id) in unjudged:
            continue
        judged += 1
        leaf, stated = made.leaves.get(key), (row.energy_half_uj, row.covered_ms)
        if leaf != stated:
            differing.append(
                finding("raw-energy-differs", file=_ENERGY, row=number, expected=_text(leaf), found=_text(stated))
            )
    fy = FiscalYear(case.need("statement")["fy"])
    slots = range(fy.start_ms // SLOT_MS, fy.end_ms // SLOT_MS)
    left = [
        key
        for key in made.leaves
        if key.slot in slots and key not in told and Device(key.site, key.device) not in unjudged
    ]
    refused = [
        finding("raw-device-refused", device=device.device, site=device.site, found=reason)
        for device, reason in made.refused.items()
    ]
    untold = {key: _untold(key, made.leaves[key]) for key in left if not is_idle(key.run)}
    return _Comparison(judged, differing, untold, refused, idle=len(left) > len(untold))


def _untold(key: LeafKey, leaf: tuple[int, int]) -> Finding:
    at = instant(key.slot * SLOT_MS)
    return finding(
        "raw-energy-untold",
        file=_ENERGY,
        expected=_text(leaf),
        run=key.run,
        site=key.site,
        device=key.device,
        at=at,
    )


def _text(pair: tuple[int, int] | None) -> str:
    return "-" if pair is None else f"{pair[0]} half-uJ, {pair[1]} ms"


def _others(offered: Sequence[Source], found: Mapping[str, Source]) -> list[Source]:
    used = {source.path for source in found.values()}
    return [source for source in offered if source.path not in used]


def _retried(alone: _Comparison, together: _Comparison, others: Sequence[Source]) -> _Comparison:
    """With all telemetry of the folder every row may hold; then it is said that other files were needed."""
    if together.differing:
        return alone
    untold = {key: item for key, item in alone.untold.items() if key in together.untold}
    names = ", ".join(sorted(source.label for source in others))
    remarks = [finding("raw-needs-other-files", file=_INDEX, found=names)]
    return replace(together, untold=untold, remarks=remarks)


def _tell(case: Case, index: tuple[RawRow, ...], found: Mapping[str, Source], comparison: _Comparison) -> None:
    for number, row in enumerate(index, 2):
        if row.evidence_id not in found:
            case.findings.append(finding("raw-missing", file=_INDEX, row=number, expected=row.sha256, path=row.path))
            case.not_checked.append(f"raw: {row.path}")
    for item in comparison.refused:
        params = dict(item.params)
        case.not_checked.append(f"raw: {params['site']} {params['device']}")
    if comparison.idle:
        case.not_checked.append("raw: idle")
    case.findings += [*comparison.differing, *comparison.untold.values(), *comparison.refused, *comparison.remarks]
    case.evaluated["raw_files"], case.evaluated["raw_rows"] = len(found), comparison.judged
    if not comparison.judged:
        case.add("raw-nothing-compared")
