"""The kernel: power samples of one file to exact energy per half-hour slot, run, site and device.

Between two neighbouring samples of a device power is taken as a straight line. In integers, with power
p0, p1 [mW] and dt [ms], the area is ``(p0 + p1) * dt`` half-microjoules, exactly (mW * ms = uJ). A slot
edge x ms after the first sample splits it with the boundary power ``pb = (p0 * (dt - x) + p1 * x) // dt``:
the head is ``(p0 + pb) * x``, the tail is the rest. A segment belongs to the run of its first sample; one
longer than the gap limit is a gap. The function is pure: the same batches and limits give the same partial.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gxmeter.core.calendar import SLOT_MS
from gxmeter.energy.intervals import IntervalSums
from gxmeter.energy.keys import KeyTable
from gxmeter.energy.model import Device, Gap, GapLimits
from gxmeter.energy.ordering import SampleOrder, Samples
from gxmeter.energy.partial import Edges, Leaves, Partial, Sample, consolidated
from gxmeter.energy.screen import Faults
from gxmeter.telemetry.model import Batch, Int64, PowerBatch

KERNEL_VERSION = 1
"""Counts up whenever the same input would give other leaves; part of every cache key."""

_CONSOLIDATE_EVERY = 64


def partial(batches: Iterable[Batch], limits: GapLimits, *, name: str = "") -> Partial:
    """Integrate one file.

    Memory: one batch, the leaves, and one or two samples per device, as long as no batch goes back in
    time behind an earlier one; rows may stand in any order inside a batch.

    Args:
        batches: the file's batches, in file order.
        limits: gap limit per device [ms].
        name: what the file is called.

    Raises:
        LateRecordError: a batch goes back in time; hand the file over as one batch (``gathered``).
    """
    table = KeyTable()
    faults = Faults(table)
    power = _PowerSums(table, faults, limits)
    intervals = IntervalSums(table, faults)
    samples = 0
    for batch in batches:
        samples += len(batch.key)
        if isinstance(batch, PowerBatch):
            power.add(batch)
        else:
            intervals.add(batch)
    power.finish()
    return Partial(
        name=name,
        keys=tuple(table.keys),
        power=consolidated(power.leaves),
        interval=consolidated(intervals.leaves),
        edges=power.edges(),
        ranges=intervals.ranges(),
        gaps=tuple(sorted(power.gaps)),
        samples=samples,
        findings=tuple(faults.findings()),
    )


def segments(samples: Samples, limit_ms: Int64) -> tuple[Leaves, Int64]:
    """Energy of the segments between neighbouring ordered samples of one device.

    Args:
        samples: ordered by device and (time, power).
        limit_ms: gap limit by device code [ms].

    Returns:
        Leaves (a key and slot may come several times) and the rows that begin a gap.
    """
    t0, p0, p1 = samples.ts_ms[:-1], samples.power_mw[:-1], samples.power_mw[1:]
    same = samples.device[1:] == samples.device[:-1]
    dt = np.diff(samples.ts_ms)
    gap = same & (dt > limit_ms[samples.device[:-1]])
    rows = np.nonzero(same & ~gap & (dt > 0))[0]
    t0, p0, p1, dt, key = t0[rows], p0[rows], p1[rows], dt[rows], samples.key[:-1][rows]
    slot = t0 // SLOT_MS
    half_uj = (p0 + p1) * dt
    covered_ms = dt.copy()
    x = (slot + 1) * SLOT_MS - t0
    cross = np.nonzero(x < dt)[0]
    xc, dc, pc0 = x[cross], dt[cross], p0[cross]
    boundary_mw = (pc0 * (dc - xc) + p1[cross] * xc) // dc
    head = (pc0 + boundary_mw) * xc
    tail = half_uj[cross] - head
    half_uj[cross] = head
    covered_ms[cross] = xc
    leaves = (Leaves(key, slot, half_uj, covered_ms), Leaves(key[cross], slot[cross] + 1, tail, dc - xc))
    return _joined(leaves), np.nonzero(gap)[0]


def _joined(parts: tuple[Leaves, Leaves]) -> Leaves:
    """Neighbouring rows of one key and slot added up, then the few tails: no sort of all segments."""
    main, tails = parts
    if not len(main):
        return main
    new = np.ones(len(main), np.bool_)
    new[1:] = (main.key[1:] != main.key[:-1]) | (main.slot[1:] != main.slot[:-1])
    starts = np.nonzero(new)[0]
    return Leaves(
        np.concatenate((main.key[starts], tails.key)),
        np.concatenate((main.slot[starts], tails.slot)),
        np.concatenate((np.add.reduceat(main.half_uj, starts), tails.half_uj)),
        np.concatenate((np.add.reduceat(main.covered_ms, starts), tails.covered_ms)),
    )


class _PowerSums:
    """Runs the ordered power samples of one file through the segments and keeps what joins files."""

    def __init__(self, table: KeyTable, faults: Faults, limits: GapLimits) -> None:
        self._table = table
        self._limits = limits
        self._order = SampleOrder(table, faults)
        self._first: dict[Device, tuple[Sample, ...]] = {}
        self._last: dict[Device, tuple[Sample, ...]] = {}
        self.leaves: list[Leaves] = []
        self.gaps: list[Gap] = []

    def add(self, batch: PowerBatch) -> None:
        self._integrate(self._order.push(batch))

    def finish(self) -> None:
        held = self._order.flush()
        self._integrate(held)
        self._last = self._at_instant(held, last=True)

    def edges(self) -> dict[Device, Edges]:
        return {device: Edges(self._first[device], last) for device, last in sorted(self._last.items())}

    def _integrate(self, samples: Samples) -> None:
        if not len(samples):
            return
        if len(self._first) < len(self._table.devices):
            self._first = self._at_instant(samples, last=False) | self._first
        limit_ms = np.array([self._limits.of(device) for device in self._table.devices], np.int64)
        leaves, gap_rows = segments(samples, limit_ms)
        self.leaves.append(leaves)
        if len(self.leaves) >= _CONSOLIDATE_EVERY:
            self.leaves = [consolidated(self.leaves)]
        for row in gap_rows.tolist():
            key = self._table.keys[samples.key[row]]
            start_ms, end_ms = samples.ts_ms[row : row + 2].tolist()
            self.gaps.append(Gap(key.run, key.site, key.device, start_ms, end_ms))

    def _at_instant(self, samples: Samples, *, last: bool) -> dict[Device, tuple[Sample, ...]]:
        """Every device's samples at its first or last instant among some ordered ones."""
        new = np.ones(len(samples), np.bool_)
        new[1:] = samples.device[1:] != samples.device[:-1]
        starts = np.nonzero(new)[0]
        lengths = np.diff(np.append(starts, len(samples)))
        at = samples.ts_ms[starts + lengths - 1 if last else starts]
        found: dict[Device, list[Sample]] = {}
        for row in np.nonzero(samples.ts_ms == np.repeat(at, lengths))[0].tolist():
            key = self._table.keys[samples.key[row]]
            sample = Sample(int(samples.ts_ms[row]), int(samples.power_mw[row]), key.run)
            found.setdefault(Device(key.site, key.device), []).append(sample)
        return {device: tuple(rows) for device, rows in found.items()}
