"""The kernel: power samples and interval records of one file to exact energy per half-hour slot, run, site and device.

The rule for a segment stands in ``segments``. One longer than its device's gap limit is a gap. That limit depends on
the periods of all files, so without limits given the kernel decides only what is sure (up to 60 s: energy, beyond
1,800 s: a gap) and keeps the few segments between for ``merge.close``: one pass over the samples is enough. The
function is pure: the same batches and limits give the same partial.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gxmeter.energy.intervals import IntervalSums
from gxmeter.energy.keys import KeyTable
from gxmeter.energy.model import MAX_GAP_LIMIT_MS, MIN_GAP_LIMIT_MS, Device, Gap, GapLimits
from gxmeter.energy.ordering import SampleOrder, Samples
from gxmeter.energy.partial import Edges, Leaves, Partial, Sample, Segments, all_segments, consolidated, told_as_gaps
from gxmeter.energy.periods import PeriodCounts
from gxmeter.energy.screen import Faults
from gxmeter.energy.segments import integrated, segments_of
from gxmeter.telemetry.model import Batch, Int64, PowerBatch

KERNEL_VERSION = 1
"""Counts up whenever the same input would give other leaves; part of every cache key."""

MAX_PENDING = 2_000_000
"""How many segments of one file may wait for their gap limit: about 80 MB."""

_CONSOLIDATE_EVERY = 64


def partial(batches: Iterable[Batch], *, name: str = "", limits: GapLimits | None = None) -> Partial:
    """Integrate one file.

    Memory: one batch, the leaves, the segments that wait, and one or two samples per device, as long as no batch
    goes back in time behind an earlier one; rows may stand in any order inside a batch.

    Args:
        batches: the file's batches, in file order.
        name: what the file is called.
        limits: gap limit per device [ms]; None leaves segments of more than 60 s open until the limits are known.

    Raises:
        LateRecordError: a batch goes back in time; hand the file over as one batch (``gathered``).
    """
    table = KeyTable()
    faults = Faults(table)
    periods = PeriodCounts(table)
    power = _PowerSums(table, faults, periods, limits)
    intervals = IntervalSums(table, faults, periods)
    samples = 0
    for batch in batches:
        samples += len(batch.key)
        if isinstance(batch, PowerBatch):
            power.add(batch)
        else:
            intervals.add(batch)
    power.finish()
    edges = power.edges()
    return Partial(
        name=name,
        keys=tuple(table.keys),
        power=consolidated(power.leaves),
        interval=consolidated(intervals.leaves),
        edges=edges,
        ranges=intervals.ranges(),
        periods=periods.result({device: (edge.start_ms, edge.end_ms) for device, edge in edges.items()}),
        pending=all_segments(power.pending),
        gaps=tuple(sorted(power.gaps)),
        samples=samples,
        findings=tuple(faults.findings()),
        limits=limits,
        needs_limit=power.needs_limit,
    )


class _PowerSums:
    """Runs the ordered power samples of one file through the segments and keeps what joins files."""

    def __init__(self, table: KeyTable, faults: Faults, periods: PeriodCounts, limits: GapLimits | None) -> None:
        self._table = table
        self._periods = periods
        self._limits = limits
        self._order = SampleOrder(table, faults)
        self._first: dict[Device, tuple[Sample, ...]] = {}
        self._last: dict[Device, tuple[Sample, ...]] = {}
        self._sure_ms: Int64 = np.zeros(0, np.int64)
        self._most_ms: Int64 = np.zeros(0, np.int64)
        self.leaves: list[Leaves] = []
        self.pending: list[Segments] = []
        self.needs_limit = False
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
        self._know_limits()
        parts = segments_of(samples, self._sure_ms, self._most_ms)
        self._periods.add(parts.device, parts.period_ms)
        self.leaves.append(integrated(parts.energy))
        if len(self.leaves) >= _CONSOLIDATE_EVERY:
            self.leaves = [consolidated(self.leaves)]
        self._wait(parts.pending)
        self.gaps += told_as_gaps(parts.gaps, self._table.keys)

    def _know_limits(self) -> None:
        """By device code: up to where a segment is surely integrated, beyond where it surely is a gap [ms]."""
        devices = self._table.devices
        if len(self._sure_ms) == len(devices):
            return
        if self._limits is None:
            self._sure_ms = np.full(len(devices), MIN_GAP_LIMIT_MS, np.int64)
            self._most_ms = np.full(len(devices), MAX_GAP_LIMIT_MS, np.int64)
        else:
            self._sure_ms = self._most_ms = np.array([self._limits.of(device) for device in devices], np.int64)

    def _wait(self, pending: Segments) -> None:
        if self.needs_limit or not len(pending):
            return
        self.pending.append(pending)
        if sum(map(len, self.pending)) > MAX_PENDING:
            self.pending = []
            self.needs_limit = True

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
