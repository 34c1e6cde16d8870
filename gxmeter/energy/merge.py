"""Joining files: partials are collected in any order and grouping, then closed once into a result.

``merge`` is associative and commutative because it only collects; what depends on neighbourhood (which
file follows which, what overlaps, which segment bridges two files) and on the gap limits is decided in ``close``.
Time and memory grow with what the files hold: leaves, and devices in a file; never with files times devices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from gxmeter.energy.leaf_sums import LeafSums
from gxmeter.energy.model import MIN_GAP_LIMIT_MS, Device, EnergyResult, GapLimits
from gxmeter.energy.neighbours import IntervalPiece, PowerPiece, arrange
from gxmeter.energy.partial import Partial, all_segments, consolidated, told_as_gaps
from gxmeter.energy.periods import gap_limits
from gxmeter.energy.segments import integrated


@dataclass(frozen=True, slots=True)
class Merged:
    """Partials of several files, by name."""

    parts: tuple[Partial, ...] = ()


def merged(parts: Iterable[Partial]) -> Merged:
    """Collect partials; the order in which they come does not matter as long as names differ."""
    return Merged(tuple(sorted(parts, key=lambda part: part.name)))


def merge(a: Merged, b: Merged) -> Merged:
    """Join two collections; associative and commutative, ``Merged()`` is neutral."""
    return merged(a.parts + b.parts)


def close(files: Merged, limits: GapLimits | None = None) -> EnergyResult:
    """Decide neighbourhood and overlap, bridge neighbouring files, and add everything up.

    Args:
        files: the partials of all files.
        limits: gap limit per device [ms]; None derives them from the periods of all files.

    Raises:
        ValueError: a partial was made for other limits, or cannot do without (``needs_limit``).

    A file whose samples of a device touch or overlap another's is left out for that device, with finding
    ``files-overlap``, unless the two meet in one identical instant. Energy counters take precedence: power
    samples of a device in a file are left out (``power-superseded``) where counters cover some of their time.
    ``source_of`` counts files in order of name.
    """
    if limits is None:
        limits = gap_limits(part.periods for part in files.parts)
    parts = [decided(part, limits) for part in files.parts]
    outcomes = {
        device: arrange(device, pieces.power, pieces.interval, limit_ms=limits.of(device))
        for device, pieces in sorted(_pieces(parts).items())
    }
    result = EnergyResult(limits=limits, samples=sum(part.samples for part in parts))
    sums = LeafSums()
    left_out = [_LeftOut() for _ in parts]
    for device, outcome in outcomes.items():
        for i in outcome.no_power:
            left_out[i].power.add(device)
        for i in outcome.no_interval:
            left_out[i].interval.add(device)
    for i, (part, out) in enumerate(zip(parts, left_out, strict=True)):
        for key in sums.add(part.keys, part.power, out.power) | sums.add(part.keys, part.interval, out.interval):
            result.source_of.setdefault((key.run, key.site, key.device), set()).add(i)
        result.gaps += [g for g in part.gaps if Device(g.site, g.device) not in out.power]
        result.findings += part.findings
    for outcome in outcomes.values():
        sums.book(outcome.bookings)
        result.gaps += outcome.gaps
        result.findings += outcome.findings
    instants = [t for part in parts for t in part.instants()]
    result.start_ms, result.end_ms = min(instants, default=None), max(instants, default=None)
    result.leaves = sums.total()
    result.gaps.sort(key=lambda g: (g.site, g.device, g.start_ms, g.run))
    return result


@dataclass(slots=True)
class _Pieces:
    """The files that hold something of a device."""

    power: list[PowerPiece] = field(default_factory=list)
    interval: list[IntervalPiece] = field(default_factory=list)


@dataclass(slots=True)
class _LeftOut:
    """The devices whose samples or records in a file do not count."""

    power: set[Device] = field(default_factory=set)
    interval: set[Device] = field(default_factory=set)


def _pieces(parts: Iterable[Partial]) -> dict[Device, _Pieces]:
    found: dict[Device, _Pieces] = defaultdict(_Pieces)
    for i, part in enumerate(parts):
        for device, edges in part.edges.items():
            found[device].power.append(PowerPiece(part.name, i, edges))
        for device, ranges in part.ranges.items():
            found[device].interval.append(IntervalPiece(part.name, i, ranges, part.stopped))
    return found


def decided(part: Partial, limits: GapLimits) -> Partial:
    """A partial with the segments that waited integrated or told as gaps.

    Raises:
        ValueError: the partial was made for other limits, or cannot do without (``needs_limit``).
    """
    if part.needs_limit:
        raise ValueError(f"{part.name}: too many segments wait for a gap limit; read the file again with limits")
    if any(_differs(part.limits, limits.of(device), device) for device in part.edges):
        raise ValueError(f"{part.name}: made for other gap limits; read the file again")
    if not len(part.pending):
        return part
    limit_ms = np.array([limits.of(Device(key.site, key.device)) for key in part.keys], np.int64)
    energy = part.pending.t1_ms - part.pending.t0_ms <= limit_ms[part.pending.key]
    gaps = told_as_gaps(part.pending.at(~energy), part.keys)
    return replace(
        part,
        power=consolidated([part.power, integrated(part.pending.at(energy))]),
        pending=all_segments([]),
        gaps=tuple(sorted([*part.gaps, *gaps])),
        limits=limits,
    )


def _differs(made: GapLimits | None, limit_ms: int, device: Device) -> bool:
    """Whether what a partial has decided does not hold under a limit."""
    return limit_ms < MIN_GAP_LIMIT_MS if made is None else made.of(device) != limit_ms
