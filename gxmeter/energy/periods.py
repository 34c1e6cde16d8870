"""The first pass: how often a device is sampled, and from that how long a segment may be.

The gap limit of a device is the greater of 60 s and ten median periods, at most 1,800 s. Periods are the
times between neighbouring instants of the device over all files together (for interval records: their
lengths), so the limit does not depend on how the samples were cut into files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gxmeter.energy.keys import KeyTable
from gxmeter.energy.model import MAX_GAP_LIMIT_MS, MIN_GAP_LIMIT_MS, Device, GapLimits
from gxmeter.energy.ordering import SampleOrder, Samples
from gxmeter.energy.screen import Faults, interval_rows
from gxmeter.telemetry.model import Batch, Int64, IntervalBatch, PowerBatch

PERIODS_PER_LIMIT = 10
"""How many median periods a segment may last."""

_LONG_MS = MAX_GAP_LIMIT_MS // PERIODS_PER_LIMIT  # a longer period gives the greatest limit in any case


@dataclass(frozen=True, slots=True)
class Periods:
    """Periods of one device in one file: how often each length came [ms], and first and last instant, if any."""

    counts: Counter[int]
    start_ms: int | None
    end_ms: int | None


def periods(batches: Iterable[Batch]) -> dict[Device, Periods]:
    """Count the periods of one file.

    Memory: one batch, and a count per device and different length up to 180 s.

    Raises:
        LateRecordError: a batch goes back in time; hand the file over as one batch.
    """
    table = KeyTable()
    order = SampleOrder(table, Faults(table))
    counting = _Counting(table)
    for batch in batches:
        if isinstance(batch, PowerBatch):
            counting.add_samples(order.push(batch))
        else:
            counting.add_intervals(batch)
    counting.add_samples(order.flush())
    return counting.result()


def gap_limits(files: Sequence[dict[Device, Periods]]) -> GapLimits:
    """The gap limit of every device over all files, the time between neighbouring files included."""
    limits: dict[Device, int] = {}
    for device in sorted({device for file in files for device in file}):
        mine = [file[device] for file in files if device in file]
        counts: Counter[int] = Counter()
        for one in mine:
            counts.update(one.counts)
        spans = sorted((p.start_ms, p.end_ms) for p in mine if p.start_ms is not None and p.end_ms is not None)
        for (_, end_ms), (start_ms, _) in pairwise(spans):
            if start_ms > end_ms:
                counts[min(start_ms - end_ms, _LONG_MS)] += 1
        limits[device] = limit_of(counts)
    return GapLimits(by_device=limits)


def limit_of(counts: Counter[int]) -> int:
    """The gap limit [ms] from how often each period [ms] came; the lower one of two medians counts.

    >>> limit_of(Counter({1_000: 9, 500_000: 1})), limit_of(Counter({15_000: 3})), limit_of(Counter())
    (60000, 150000, 60000)
    """
    middle = (counts.total() - 1) // 2
    for period_ms in sorted(counts):
        middle -= counts[period_ms]
        if middle < 0:
            return min(max(MIN_GAP_LIMIT_MS, PERIODS_PER_LIMIT * period_ms), MAX_GAP_LIMIT_MS)
    return MIN_GAP_LIMIT_MS


class _Counting:
    """Counts by device code while batches go by."""

    def __init__(self, table: KeyTable) -> None:
        self._table = table
        self._counts: dict[int, Counter[int]] = {}
        self._spans: dict[int, tuple[int, int]] = {}

    def add_samples(self, samples: Samples) -> None:
        dt = np.diff(samples.ts_ms)
        rows = np.nonzero((samples.device[1:] == samples.device[:-1]) & (dt > 0))[0]
        self._count(samples.device[rows], np.minimum(dt[rows], _LONG_MS))
        new = np.ones(len(samples), np.bool_)
        new[1:] = samples.device[1:] != samples.device[:-1]
        starts = np.nonzero(new)[0]
        ends = np.append(starts[1:], len(samples)) - 1 if len(starts) else starts
        rows_of = (samples.device[starts], samples.ts_ms[starts], samples.ts_ms[ends])
        for code, start_ms, end_ms in zip(*(column.tolist() for column in rows_of), strict=True):
            first_ms = self._spans.get(code, (start_ms, 0))[0]
            self._spans[code] = (first_ms, end_ms)

    def add_intervals(self, batch: IntervalBatch) -> None:
        key = self._table.codes(batch.keys)[batch.key]
        span = (batch.start_ms, batch.end_ms)
        good = interval_rows(Faults(self._table), key, span, batch.half_uj)
        length_ms = np.minimum(batch.end_ms[good] - batch.start_ms[good], _LONG_MS)
        self._count(self._table.device_of[key[good]], length_ms)

    def _count(self, device: Int64, length_ms: Int64) -> None:
        packed, counts = np.unique(device * (_LONG_MS + 1) + length_ms, return_counts=True)
        for value, count in zip(packed.tolist(), counts.tolist(), strict=True):
            code, period_ms = divmod(value, _LONG_MS + 1)
            self._counts.setdefault(code, Counter())[period_ms] += count

    def result(self) -> dict[Device, Periods]:
        return {
            device: Periods(self._counts.get(code, Counter()), *self._spans.get(code, (None, None)))
            for code, device in enumerate(self._table.devices)
        }
