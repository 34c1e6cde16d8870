"""What one file yields on its own, before it meets the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gxmeter.core.findings import Finding
from gxmeter.energy.model import Device, Gap, GapLimits
from gxmeter.energy.periods import Periods
from gxmeter.energy.screen import check_bounds
from gxmeter.telemetry.model import Int64, SeriesKey


class Sample(NamedTuple):
    """One power sample of a device [Unix ms, mW] and the run it belongs to."""

    ts_ms: int
    power_mw: int
    run: str


@dataclass(frozen=True, slots=True)
class Edges:
    """All distinct samples at the first and at the last instant of a device in a file, in order."""

    first: tuple[Sample, ...]
    last: tuple[Sample, ...]

    @property
    def start_ms(self) -> int:
        """First instant [Unix ms]."""
        return self.first[0].ts_ms

    @property
    def end_ms(self) -> int:
        """Last instant [Unix ms]."""
        return self.last[0].ts_ms


class Range(NamedTuple):
    """Time that interval records of a device cover without a hole [Unix ms], and their run."""

    start_ms: int
    end_ms: int
    run: str


@dataclass(frozen=True, slots=True)
class Leaves:
    """Leaf columns: key code, slot, energy [half-uJ], covered time [ms]."""

    key: Int64
    slot: Int64
    half_uj: Int64
    covered_ms: Int64

    def __len__(self) -> int:
        """How many leaves."""
        return len(self.key)

    def at(self, rows: npt.NDArray[np.bool_] | Int64) -> Leaves:
        """The leaves at some rows."""
        return Leaves(self.key[rows], self.slot[rows], self.half_uj[rows], self.covered_ms[rows])


def joined(parts: Sequence[Leaves]) -> Leaves:
    """Several leaf columns, one after the other."""
    empty = np.zeros(0, np.int64)
    return Leaves(
        np.concatenate([empty, *(p.key for p in parts)]),
        np.concatenate([empty, *(p.slot for p in parts)]),
        np.concatenate([empty, *(p.half_uj for p in parts)]),
        np.concatenate([empty, *(p.covered_ms for p in parts)]),
    )


@dataclass(frozen=True, slots=True)
class Segments:
    """Times between two neighbouring samples: key code, both instants [Unix ms], both powers [mW]."""

    key: Int64
    t0_ms: Int64
    t1_ms: Int64
    p0_mw: Int64
    p1_mw: Int64

    def __len__(self) -> int:
        """How many segments."""
        return len(self.key)

    def at(self, rows: npt.NDArray[np.bool_] | Int64) -> Segments:
        """The segments at some rows."""
        return Segments(self.key[rows], self.t0_ms[rows], self.t1_ms[rows], self.p0_mw[rows], self.p1_mw[rows])


def all_segments(parts: Sequence[Segments]) -> Segments:
    """Several sets of segments, one after the other."""
    empty = np.zeros(0, np.int64)
    return Segments(
        np.concatenate([empty, *(p.key for p in parts)]),
        np.concatenate([empty, *(p.t0_ms for p in parts)]),
        np.concatenate([empty, *(p.t1_ms for p in parts)]),
        np.concatenate([empty, *(p.p0_mw for p in parts)]),
        np.concatenate([empty, *(p.p1_mw for p in parts)]),
    )


def told_as_gaps(segments: Segments, keys: Sequence[SeriesKey]) -> list[Gap]:
    """Segments as gaps; ``keys`` by key code."""
    columns = (segments.key.tolist(), segments.t0_ms.tolist(), segments.t1_ms.tolist())
    named = ((keys[int(code)], start_ms, end_ms) for code, start_ms, end_ms in zip(*columns, strict=True))
    return [Gap(key.run, key.site, key.device, start_ms, end_ms) for key, start_ms, end_ms in named]


@dataclass(frozen=True, slots=True)
class Partial:
    """The energy of one file and what is needed to join it with others.

    Made without gap limits, it leaves open what depends on them: segments that may be too long wait in ``pending``
    until the periods of all files are known. Made with limits, nothing waits.

    Attributes:
        name: what the file is called; orders the files and stands in findings.
        keys: series keys by key code.
        power: leaves of power samples.
        interval: leaves of interval records.
        edges: per device with power samples.
        ranges: per device with interval records, in order of time.
        periods: per device, what its gap limit is derived from.
        pending: segments that are integrated or gaps, depending on the gap limit.
        gaps: segments of power samples beyond any limit, or beyond the given one, inside the file.
        limits: the gap limits it was made with; None where they were left open.
        needs_limit: too many segments wait to be kept: the file must be read again with limits.
        samples: records seen, the refused ones included.
        findings: what was refused.
        stopped: whether what the file measures stopped with it; None where nobody says.
    """

    name: str
    keys: tuple[SeriesKey, ...]
    power: Leaves
    interval: Leaves
    edges: dict[Device, Edges]
    ranges: dict[Device, tuple[Range, ...]]
    periods: dict[Device, Periods]
    pending: Segments
    gaps: tuple[Gap, ...] = ()
    samples: int = 0
    findings: tuple[Finding, ...] = field(default=())
    stopped: bool | None = None
    limits: GapLimits | None = None
    needs_limit: bool = False

    def instants(self) -> list[int]:
        """First and last instant of every device [Unix ms]."""
        power = [ms for edges in self.edges.values() for ms in (edges.start_ms, edges.end_ms)]
        return power + [ms for ranges in self.ranges.values() for ms in (ranges[0].start_ms, ranges[-1].end_ms)]


def consolidated(parts: Sequence[Leaves]) -> Leaves:
    """Add leaves of several columns up: one row for each key and slot, sorted by them.

    Raises:
        ArithmeticError: as :func:`summed`.
    """
    return summed(joined(parts))


def summed(leaves: Leaves, *, by_slot: bool = False) -> Leaves:
    """Add leaves up: one row for each key and slot, sorted by them, or by slot and key.

    Raises:
        ArithmeticError: some time of a device was added twice, so that a sum may have left int64 (see ``screen``).
    """
    if not len(leaves):
        return leaves
    leaves = leaves.at(np.lexsort((leaves.key, leaves.slot) if by_slot else (leaves.slot, leaves.key)))
    new = np.ones(len(leaves), np.bool_)
    new[1:] = (leaves.key[1:] != leaves.key[:-1]) | (leaves.slot[1:] != leaves.slot[:-1])
    starts = np.nonzero(new)[0]
    half_uj, covered_ms = np.add.reduceat(leaves.half_uj, starts), np.add.reduceat(leaves.covered_ms, starts)
    check_bounds(half_uj, covered_ms)
    return Leaves(leaves.key[starts], leaves.slot[starts], half_uj, covered_ms)
