"""Interval energy: counters' deltas, metered hours and bills, split exactly at slot edges.

An interval is already energy over a known time: it has no gap limit and does not pass the trapezoid. With
energy d [half-uJ] over T [ms], the part up to x ms after the start is ``E(x) = (d // T) * x + (d % T) * x // T``
(the same rule as for declared energy, see ``spread``); a slot gets ``E(b) - E(a)``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gxmeter.core.calendar import SLOT_MS
from gxmeter.energy.keys import KeyTable
from gxmeter.energy.model import Device
from gxmeter.energy.ordering import LateRecordError
from gxmeter.energy.partial import Leaves, Range, consolidated
from gxmeter.energy.periods import PeriodCounts, lengths_of
from gxmeter.energy.screen import Faults, Mask, interval_rows
from gxmeter.energy.spread import spread_half_uj
from gxmeter.telemetry.model import Int64, IntervalBatch

_INT64_LENGTH_MS = 2**31
"""Up to this length [ms] the product (d % T) * x stays below T * T = 2^62 and fits int64."""

_CONSOLIDATE_EVERY = 64


class IntervalSums:
    """Adds the interval records of one file up.

    Memory: the leaves, and three numbers per stretch that intervals of one run cover without a hole.
    """

    def __init__(self, table: KeyTable, faults: Faults, periods: PeriodCounts) -> None:
        """Share the file's table of keys, its list of faults and its periods; a record's period is its length."""
        self._table = table
        self._faults = faults
        self._periods = periods
        self._last_end: Int64 = np.zeros(0, np.int64)
        self._stretches: list[tuple[Int64, Int64, Int64]] = []
        self.leaves: list[Leaves] = []

    def add(self, batch: IntervalBatch) -> None:
        """Take a batch; an interval that begins before an earlier one of its device has ended is refused.

        Raises:
            LateRecordError: the batch goes back behind an earlier one.
        """
        rows = self._ordered(batch)
        grown = len(self._table.devices) - len(self._last_end)
        self._last_end = np.concatenate((self._last_end, np.full(grown, -1, np.int64)))
        if not len(rows):
            return
        key = self._table.codes(batch.keys)[batch.key[rows]]
        start_ms, end_ms, half_uj = batch.start_ms[rows], batch.end_ms[rows], batch.half_uj[rows]
        device = self._table.device_of[key]
        if (start_ms < self._last_end[device]).any():
            raise LateRecordError
        np.maximum.at(self._last_end, device, end_ms)
        self._periods.add(lengths_of(device, end_ms - start_ms, devices=len(self._table.devices)))
        free = _not_overlapping(device, start_ms, end_ms)
        self._faults.add("interval-overlap", ~free, key, half_uj, start_ms)
        key, start_ms, end_ms, half_uj = key[free], start_ms[free], end_ms[free], half_uj[free]
        self.leaves.append(split(key, start_ms, end_ms, half_uj=half_uj))
        if len(self.leaves) >= _CONSOLIDATE_EVERY:
            self.leaves = [consolidated(self.leaves)]
        self._stretches.append(_coalesced(key, start_ms, end_ms))

    def ranges(self) -> dict[Device, tuple[Range, ...]]:
        """Covered time per device, touching stretches of one run joined."""
        found: dict[Device, list[Range]] = {}
        for code, start_ms, end_ms in self._rows():
            key = self._table.keys[code]
            mine = found.setdefault(Device(key.site, key.device), [])
            if mine and mine[-1].run == key.run and mine[-1].end_ms == start_ms:
                mine[-1] = mine[-1]._replace(end_ms=end_ms)
            else:
                mine.append(Range(start_ms, end_ms, key.run))
        return {device: tuple(ranges) for device, ranges in sorted(found.items())}

    def _rows(self) -> Iterator[tuple[int, int, int]]:
        for key, start_ms, end_ms in self._stretches:
            yield from zip(key.tolist(), start_ms.tolist(), end_ms.tolist(), strict=True)

    def _ordered(self, batch: IntervalBatch) -> Int64:
        """Rows that can be, ordered by device, time, energy and key."""
        key = self._table.codes(batch.keys)[batch.key]
        good = np.nonzero(interval_rows(self._faults, key, (batch.start_ms, batch.end_ms), batch.half_uj))[0]
        key = key[good]
        columns = (self._table.rank[key], batch.half_uj[good], batch.end_ms[good], batch.start_ms[good])
        return good[np.lexsort((*columns, self._table.device_of[key]))]


def _not_overlapping(device: Int64, start_ms: Int64, end_ms: Int64) -> Mask:
    """Which ordered intervals begin at or after the end of all earlier ones of their device."""
    free = np.ones(len(device), np.bool_)
    if not ((device[1:] == device[:-1]) & (start_ms[1:] < end_ms[:-1])).any():
        return free
    until: dict[int, int] = {}
    for row, (code, start, end) in enumerate(
        zip(device.tolist(), start_ms.tolist(), end_ms.tolist(), strict=True),
    ):
        free[row] = start >= until.get(code, start)
        until[code] = max(end, until.get(code, end))
    return free


def _coalesced(key: Int64, start_ms: Int64, end_ms: Int64) -> tuple[Int64, Int64, Int64]:
    new = np.ones(len(key), np.bool_)
    new[1:] = (key[1:] != key[:-1]) | (start_ms[1:] != end_ms[:-1])
    starts = np.nonzero(new)[0]
    ends = np.append(starts[1:], len(key)) - 1 if len(starts) else starts
    return key[starts], start_ms[starts], end_ms[ends]


def split(key: Int64, start_ms: Int64, end_ms: Int64, *, half_uj: Int64) -> Leaves:
    """Split intervals at slot edges; the parts of each add up to its energy.

    Args:
        key: key code of each interval.
        start_ms: its start [Unix ms].
        end_ms: its end [Unix ms], after the start.
        half_uj: its energy [half-uJ].
    """
    first = start_ms // SLOT_MS
    counts = (end_ms - 1) // SLOT_MS - first + 1
    row = np.repeat(np.arange(len(key)), counts)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    slot = first[row] + nth
    begin, length = start_ms[row], (end_ms - start_ms)[row]
    a = np.maximum(slot * SLOT_MS - begin, 0)
    b = np.minimum((slot + 1) * SLOT_MS - begin, length)
    energy = half_uj[row]
    short = length <= _INT64_LENGTH_MS
    safe = np.where(short, length, 1)
    whole, rest = energy // safe, energy % safe
    part = whole * (b - a) * short + rest * b // safe - rest * a // safe
    for i in np.nonzero(~short)[0].tolist():
        part[i] = spread_half_uj(int(energy[i]), 0, int(length[i]), int(a[i]), int(b[i]))
    return Leaves(key[row], slot, part, b - a)
