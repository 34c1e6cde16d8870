"""How the files of one device lie in time: which overlap, which follow each other, what is missing between.

Decided in order of time and file name, so that the answer does not depend on the order of reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from gxmeter.core.calendar import SLOT_MS, instant
from gxmeter.core.findings import Finding, finding
from gxmeter.energy.model import Device, Gap, LeafKey
from gxmeter.energy.partial import Edges, Range, Sample


class PowerPiece(NamedTuple):
    """The power samples of a device in one file; ``file`` is the file's place among all."""

    name: str
    file: int
    edges: Edges


class IntervalPiece(NamedTuple):
    """The interval records of a device in one file; ``stopped`` as in :class:`~gxmeter.energy.partial.Partial`."""

    name: str
    file: int
    ranges: tuple[Range, ...]
    stopped: bool | None = None


class Booking(NamedTuple):
    """Energy [half-uJ] and covered time [ms] of a segment between two files, in one slot."""

    key: LeafKey
    half_uj: int
    covered_ms: int


@dataclass(slots=True)
class Outcome:
    """What was decided for one device.

    ``no_power`` and ``no_interval``: indexes of files whose samples or records of the device are left out.
    """

    no_power: set[int] = field(default_factory=set)
    no_interval: set[int] = field(default_factory=set)
    bookings: list[Booking] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class _Stretch(NamedTuple):
    """Time with energy: a file's power samples, or a stretch covered by interval records.

    ``stopped``: whether the run stopped after it; None where its file goes on, or does not say.
    """

    start_ms: int
    end_ms: int
    run: str
    edges: Edges | None = None
    stopped: bool | None = None


def arrange(
    device: Device, power: Sequence[PowerPiece], intervals: Sequence[IntervalPiece], *, limit_ms: int
) -> Outcome:
    """Arrange the files of one device.

    Args:
        device: whose files.
        power: its pieces with power samples.
        intervals: its pieces with interval records; they take precedence.
        limit_ms: the device's gap limit [ms].
    """
    outcome = Outcome()
    ranges = _accepted_ranges(outcome, device, intervals)
    stopped = {piece.ranges[-1]: piece.stopped for piece in intervals if piece.file not in outcome.no_interval}
    stretches = [_Stretch(*r, stopped=stopped.get(r)) for r in ranges]
    pieces = sorted(power, key=lambda p: (p.edges.start_ms, p.edges.end_ms, p.name))
    stretches += _accepted_power(outcome, device, pieces, ranges)
    superseded = [p.edges for p in pieces if p.file in outcome.no_power and _meets(ranges, p.edges)]
    if superseded:
        # Power samples that were left out still show that the device was on: their ends bound the time in question.
        start_ms, end_ms = min(e.start_ms for e in superseded), max(e.end_ms for e in superseded)
        run = superseded[0].first[0].run
        stretches += [_Stretch(start_ms, start_ms, run), _Stretch(end_ms, end_ms, run)]
    _walk(outcome, device, sorted(stretches, key=lambda s: s[:3]), limit_ms)
    _note_single(outcome, device, power, ranges)
    return outcome


def bridge(device: Device, first: Sample, second: Sample) -> list[Booking]:
    """The segment between two samples, split at a slot edge by the kernel's rule, in Python ints."""
    dt = second.ts_ms - first.ts_ms
    slot = first.ts_ms // SLOT_MS
    whole = (first.power_mw + second.power_mw) * dt
    x = (slot + 1) * SLOT_MS - first.ts_ms
    if dt <= x:
        return [Booking(LeafKey(slot, first.run, *device), whole, dt)]
    boundary_mw = (first.power_mw * (dt - x) + second.power_mw * x) // dt
    head = (first.power_mw + boundary_mw) * x
    return [
        Booking(LeafKey(slot, first.run, *device), head, x),
        Booking(LeafKey(slot + 1, first.run, *device), whole - head, dt - x),
    ]


def follows(before: Edges, after: Edges) -> bool:
    """Whether a file comes after another: later, or meeting it in one identical instant."""
    return after.start_ms > before.end_ms or (after.start_ms == before.end_ms and after.first == before.last)


def overlapping(ranges: Sequence[Range]) -> bool:
    """Whether any two of some sorted stretches share time."""
    return any(b.start_ms < a.end_ms for a, b in pairwise(ranges))


def _accepted_ranges(outcome: Outcome, device: Device, pieces: Sequence[IntervalPiece]) -> list[Range]:
    """Covered stretches over all files; a file that overlaps an earlier one is left out."""
    together = sorted(r for piece in pieces for r in piece.ranges)
    if not overlapping(together):
        return together
    kept: list[IntervalPiece] = []
    for piece in sorted(pieces, key=lambda p: (p.ranges, p.name)):
        others = [k.name for k in kept if overlapping(sorted((*k.ranges, *piece.ranges)))]
        if others:
            outcome.no_interval.add(piece.file)
            outcome.findings.append(_overlap(device, piece.name, others, piece.ranges[0].start_ms))
        else:
            kept.append(piece)
    return sorted(r for piece in kept for r in piece.ranges)


def _accepted_power(
    outcome: Outcome, device: Device, pieces: Sequence[PowerPiece], ranges: Sequence[Range]
) -> list[_Stretch]:
    """Files with power samples that follow each other and that no counter covers."""
    accepted: list[_Stretch] = []
    before: PowerPiece | None = None
    for piece in pieces:
        edges = piece.edges
        if _meets(ranges, edges):
            outcome.no_power.add(piece.file)
            outcome.findings.append(
                finding("power-superseded", file=piece.name, device=device.device, site=device.site)
            )
        elif before is not None and not follows(before.edges, edges):
            outcome.no_power.add(piece.file)
            outcome.findings.append(_overlap(device, piece.name, [before.name], edges.start_ms))
        else:
            accepted.append(_Stretch(edges.start_ms, edges.end_ms, edges.last[-1].run, edges))
            before = piece
    return accepted


def _walk(outcome: Outcome, device: Device, stretches: Sequence[_Stretch], limit_ms: int) -> None:
    """Go through the stretches in time: report long holes in a run, bridge short ones between power samples."""
    if not stretches:
        return
    last = stretches[0]
    for stretch in stretches[1:]:
        hole_ms = stretch.start_ms - last.end_ms
        if hole_ms > limit_ms:
            if _may_have_run(last, stretch):
                outcome.gaps.append(Gap(last.run, *device, last.end_ms, stretch.start_ms))
        elif hole_ms > 0 and last.edges and stretch.edges:
            outcome.bookings += bridge(device, last.edges.last[-1], stretch.edges.first[0])
        if stretch.end_ms >= last.end_ms:
            last = stretch


def _may_have_run(before: _Stretch, after: _Stretch) -> bool:
    """Whether the run before a hole may have gone on in it: time in which no run was is no gap of any.

    A record that ended with its run leaves no doubt. One that was cut short may have lost the time until the same
    run goes on in the next; where another run follows nobody knows until when it ran, and its missing end is told.
    """
    return before.stopped is None or (not before.stopped and before.run == after.run)


def _note_single(outcome: Outcome, device: Device, power: Sequence[PowerPiece], ranges: Sequence[Range]) -> None:
    instants = {t for p in power for t in (p.edges.start_ms, p.edges.end_ms)}
    if len(instants) == 1 and not ranges:
        outcome.findings.append(finding("single-sample", file=power[0].name, device=device.device, site=device.site))


def _overlap(device: Device, name: str, others: Sequence[str], at_ms: int) -> Finding:
    return finding(
        "files-overlap",
        file=name,
        other=", ".join(others),
        device=device.device,
        site=device.site,
        at=instant(at_ms),
    )


def _meets(ranges: Sequence[Range], edges: Edges) -> bool:
    """Whether any covered stretch shares time, not just an edge, with a file's power samples."""
    return any(r.start_ms < edges.end_ms and edges.start_ms < r.end_ms for r in ranges)
