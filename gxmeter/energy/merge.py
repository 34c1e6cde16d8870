"""Joining files: partials are collected in any order and grouping, then closed once into a result.

``merge`` is associative and commutative because it only collects; what depends on neighbourhood (which
file follows which, what overlaps, which segment bridges two files) is decided in ``close``. Totals are
Python ints. Memory: the leaves of all files, one per half-hour, run, site and device.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gxmeter.energy.model import MIN_GAP_LIMIT_MS, Device, EnergyResult, GapLimits, Leaf, LeafKey
from gxmeter.energy.neighbours import IntervalPiece, Outcome, PowerPiece, arrange
from gxmeter.energy.partial import Leaves, Partial, all_segments, consolidated, told_as_gaps
from gxmeter.energy.periods import gap_limits
from gxmeter.energy.segments import integrated
from gxmeter.telemetry.model import SeriesKey


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
    parts = tuple(decided(part, limits) for part in files.parts)
    outcomes = {device: _arranged(parts, device, limits) for device in devices_of(parts)}
    result = EnergyResult(limits=limits, samples=sum(part.samples for part in parts))
    book: dict[LeafKey, Leaf] = {}
    for i, part in enumerate(parts):
        no_power = {device for device, outcome in outcomes.items() if i in outcome.no_power}
        no_interval = {device for device, outcome in outcomes.items() if i in outcome.no_interval}
        used = _add(book, part, part.power, no_power) | _add(book, part, part.interval, no_interval)
        for key in used:
            result.source_of.setdefault((key.run, key.site, key.device), set()).add(i)
        result.gaps += [g for g in part.gaps if Device(g.site, g.device) not in no_power]
        result.findings += part.findings
    for outcome in outcomes.values():
        for booking in outcome.bookings:
            _book(book, *booking)
        result.gaps += outcome.gaps
        result.findings += outcome.findings
    instants = [t for part in parts for t in part.instants()]
    result.start_ms, result.end_ms = min(instants, default=None), max(instants, default=None)
    result.leaves = dict(sorted(book.items()))
    result.gaps.sort(key=lambda g: (g.site, g.device, g.start_ms, g.run))
    return result


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


def devices_of(parts: Iterable[Partial]) -> list[Device]:
    """All devices with anything usable, sorted."""
    return sorted({device for part in parts for device in (*part.edges, *part.ranges)})


def _arranged(parts: Iterable[Partial], device: Device, limits: GapLimits) -> Outcome:
    power, intervals = [], []
    for i, part in enumerate(parts):
        if device in part.edges:
            power.append(PowerPiece(part.name, i, part.edges[device]))
        if device in part.ranges:
            intervals.append(IntervalPiece(part.name, i, part.ranges[device], part.stopped))
    return arrange(device, power, intervals, limit_ms=limits.of(device))


def _add(book: dict[LeafKey, Leaf], part: Partial, leaves: Leaves, left_out: set[Device]) -> set[SeriesKey]:
    """Book a file's leaves without the devices left out; the series that were booked."""
    codes = [i for i, key in enumerate(part.keys) if Device(key.site, key.device) not in left_out]
    rows = np.nonzero(np.isin(leaves.key, codes))[0]
    columns = (leaves.key[rows], leaves.slot[rows], leaves.half_uj[rows], leaves.covered_ms[rows])
    for code, slot, half_uj, covered_ms in zip(*(column.tolist() for column in columns), strict=True):
        _book(book, LeafKey(slot, *part.keys[code]), half_uj, covered_ms)
    return {part.keys[code] for code in np.unique(leaves.key[rows]).tolist()}


def _book(book: dict[LeafKey, Leaf], key: LeafKey, half_uj: int, covered_ms: int) -> None:
    leaf = book.setdefault(key, Leaf())
    leaf.half_uj += half_uj
    leaf.covered_ms += covered_ms
