"""The kernel: power samples and interval records of one file to exact energy per half-hour slot, run, site and device.

The rule for a segment stands in ``segments``. One longer than its device's gap limit is a gap. That limit depends on
the periods of all files, so without limits given the kernel decides only what is sure (up to 60 s: energy, beyond
1,800 s: a gap) and keeps the few segments between for ``merge.close``: one pass over the samples is enough. The
function is pure: the same batches and limits give the same partial.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from gxmeter.energy.forms import Forms
from gxmeter.energy.intervals import IntervalSums
from gxmeter.energy.keys import KeyTable
from gxmeter.energy.model import MAX_GAP_LIMIT_MS, MIN_GAP_LIMIT_MS, Device, Gap, GapLimits
from gxmeter.energy.ordering import SampleOrder, Samples
from gxmeter.energy.partial import Edges, Leaves, Partial, Sample, Segments, all_segments, consolidated, told_as_gaps
from gxmeter.energy.periods import PeriodCounts
from gxmeter.energy.screen import Faults, power_rows
from gxmeter.energy.segments import Bounds, Taken, taken
from gxmeter.telemetry.model import Batch, PowerBatch

if TYPE_CHECKING:
    from gxmeter.energy.compiled import CompiledRows

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
    """Runs the power samples of one file through either form of the kernel and keeps what joins files."""

    def __init__(self, table: KeyTable, faults: Faults, periods: PeriodCounts, limits: GapLimits | None) -> None:
        self._table = table
        self._faults = faults
        self._periods = periods
        self._limits = limits
        self._bounds = Bounds(np.zeros(0, np.int64), np.zeros(0, np.int64))
        self._order = SampleOrder(table, faults)
        self._forms = Forms()
        self._compiled: CompiledRows | None = None
        self._first: dict[Device, tuple[Sample, ...]] = {}
        self._last: dict[Device, tuple[Sample, ...]] = {}
        self.leaves: list[Leaves] = []
        self.pending: list[Segments] = []
        self.needs_limit = False
        self.gaps: list[Gap] = []

    def add(self, batch: PowerBatch) -> None:
        if self._forms.compiled(len(batch.key)) and self._take_compiled(batch):
            return
        if self._compiled and not len(self._order.held):
            self._order.held = self._compiled.release()
        self._take(self._order.push(batch))

    def finish(self) -> None:
        if self._compiled:
            if not len(self._order.held):
                self._order.held = self._compiled.release()
            self.leaves.append(self._compiled.finish())
        held = self._order.flush()
        self._take(held)
        self._last = self._at_instant(held, last=True)

    def edges(self) -> dict[Device, Edges]:
        return {device: Edges(self._first[device], last) for device, last in sorted(self._last.items())}

    def _take_compiled(self, batch: PowerBatch) -> bool:
        """Take a batch in the compiled form if it can be taken so."""
        from gxmeter.energy.compiled import IMPLAUSIBLE, CompiledRows  # noqa: PLC0415 - heavy, loaded for many rows

        codes = self._table.codes(batch.keys)
        self._know_limits()
        self._compiled = self._compiled or CompiledRows()
        if len(self._order.held):
            if not self._compiled.load(self._order.held, len(self._table.devices)):
                return False
            self._order.flush()
        outcome = self._compiled.take(batch, codes, self._table.device_of, self._bounds)
        if isinstance(outcome, Taken):
            self._book(outcome)
        elif outcome == IMPLAUSIBLE:
            good = power_rows(self._faults, codes[batch.key], batch.ts_ms, batch.power_mw)
            self.add(PowerBatch(batch.keys, batch.key[good], batch.ts_ms[good], batch.power_mw[good]))
        return isinstance(outcome, Taken) or outcome == IMPLAUSIBLE

    def _take(self, samples: Samples) -> None:
        if len(samples):
            self._know_limits()
            self._book(taken(samples, self._bounds))

    def _book(self, found: Taken) -> None:
        if len(self._first) < len(self._table.devices):
            self._first = self._at_instant(found.first, last=False) | self._first
        self._periods.add(found.periods)
        self.leaves.append(found.leaves)
        if len(self.leaves) >= _CONSOLIDATE_EVERY:
            self.leaves = [consolidated(self.leaves)]
        self._wait(found.pending)
        self.gaps += told_as_gaps(found.gaps, self._table.keys)

    def _know_limits(self) -> None:
        devices = self._table.devices
        if len(self._bounds.sure_ms) == len(devices):
            return
        if self._limits is None:
            shape = len(devices)
            self._bounds = Bounds(
                np.full(shape, MIN_GAP_LIMIT_MS, np.int64), np.full(shape, MAX_GAP_LIMIT_MS, np.int64)
            )
        else:
            limit_ms = np.array([self._limits.of(device) for device in devices], np.int64)
            self._bounds = Bounds(limit_ms, limit_ms)

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
