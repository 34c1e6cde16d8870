"""How often a device is sampled, and from that how long a segment may be.

The gap limit of a device is the greater of 60 s and ten median periods, at most 1,800 s. Periods are the
times between neighbouring instants of the device over all files together (for interval records: their
lengths), so the limit does not depend on how the samples were cut into files. As only the median matters, periods
that lead to the smallest limit are counted as one, and so are those that lead to the greatest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gxmeter.energy.keys import KeyTable
from gxmeter.energy.model import MAX_GAP_LIMIT_MS, MIN_GAP_LIMIT_MS, Device, GapLimits
from gxmeter.telemetry.model import Int64

PERIODS_PER_LIMIT = 10
"""How many median periods a segment may last."""

SHORT_MS = MIN_GAP_LIMIT_MS // PERIODS_PER_LIMIT
"""Periods up to this length [ms] all lead to the smallest limit and count as this long."""

LONG_MS = MAX_GAP_LIMIT_MS // PERIODS_PER_LIMIT
"""Periods from this length on [ms] all lead to the greatest limit and count as this long."""

PACK = LONG_MS + 1
"""A device code and a length [ms] as one number: code times this, plus length or ``LONG_MS`` if that is less."""

_FRESH = 4_000_000
"""How many periods gather before they are counted."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Periods of one device in one file.

    Attributes:
        counts: how often each length came [ms], 6,000 for all up to it and 180,000 for all from it on.
        start_ms, end_ms: first and last instant of its power samples [Unix ms], None where there are none.
    """

    counts: Mapping[int, int]
    start_ms: int | None = None
    end_ms: int | None = None


def gap_limits(files: Iterable[Mapping[Device, Periods]]) -> GapLimits:
    """The gap limit of every device over all files, the time between neighbouring files included."""
    by_device: dict[Device, list[Periods]] = defaultdict(list)
    for file in files:
        for device, one in file.items():
            by_device[device].append(one)
    return GapLimits(by_device={device: limit_of(_together(by_device[device])) for device in sorted(by_device)})


def _together(files: list[Periods]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for one in files:
        counts.update(one.counts)
    spans = sorted((p.start_ms, p.end_ms) for p in files if p.start_ms is not None and p.end_ms is not None)
    for (_, end_ms), (start_ms, _) in pairwise(spans):
        if start_ms > end_ms:
            counts[min(max(start_ms - end_ms, SHORT_MS), LONG_MS)] += 1
    return counts


def limit_of(counts: Mapping[int, int]) -> int:
    """The gap limit [ms] from how often each period [ms] came; the lower one of two medians counts.

    >>> limit_of({6_000: 9, 180_000: 1}), limit_of({15_000: 3}), limit_of({})
    (60000, 150000, 60000)
    """
    middle = (sum(counts.values()) - 1) // 2
    for period_ms in sorted(counts):
        middle -= counts[period_ms]
        if middle < 0:
            return min(max(MIN_GAP_LIMIT_MS, PERIODS_PER_LIMIT * period_ms), MAX_GAP_LIMIT_MS)
    return MIN_GAP_LIMIT_MS


class Lengths(NamedTuple):
    """Some periods: by device code how many are of up to 6 s; of each other one its device and length as one number."""

    short: Int64
    long: Int64


def lengths_of(device: Int64, length_ms: Int64, *, devices: int) -> Lengths:
    """Periods from device codes and lengths [ms]; ``devices``: how many there are."""
    long = length_ms > SHORT_MS
    packed = device[long] * PACK + np.minimum(length_ms[long], LONG_MS)
    return Lengths(np.bincount(device[~long], minlength=devices), packed)


class PeriodCounts:
    """Counts the periods of one file by device code while batches go by.

    Memory: a number per device, one per device and different length between 6 s and 180 s, and 32 MB.
    """

    def __init__(self, table: KeyTable) -> None:
        """Share the file's table of keys."""
        self._table = table
        self._short: Int64 = np.zeros(0, np.int64)
        self._fresh: list[Int64] = []
        self._long: tuple[Int64, Int64] = (np.zeros(0, np.int64), np.zeros(0, np.int64))

    def add(self, lengths: Lengths) -> None:
        """Count periods."""
        missing = np.zeros(len(lengths.short) - len(self._short), np.int64)
        self._short = np.concatenate((self._short, missing)) + lengths.short
        self._fresh.append(lengths.long)
        if sum(map(len, self._fresh)) >= _FRESH:
            self._count()

    def _count(self) -> None:
        """Count what has gathered, and add it to what is counted: sorting a lot at once is cheapest."""
        packed, counts = np.unique(np.concatenate(self._fresh), return_counts=True)
        self._fresh = []
        values, sums = np.concatenate((self._long[0], packed)), np.concatenate((self._long[1], counts))
        order = np.argsort(values, kind="stable")  # two sorted runs: merged, not sorted
        values, sums = values[order], sums[order]
        starts = np.nonzero(np.diff(values, prepend=-1))[0]
        self._long = (values[starts], np.add.reduceat(sums, starts) if len(starts) else sums)

    def result(self, spans: Mapping[Device, tuple[int, int]]) -> dict[Device, Periods]:
        """The periods of every device; ``spans``: first and last instant of those with power samples [Unix ms]."""
        if self._fresh:
            self._count()
        counts: list[dict[int, int]] = [{SHORT_MS: n} if n else {} for n in self._short.tolist()]
        counts += [{} for _ in range(len(self._table.devices) - len(counts))]
        codes, lengths_ms = np.divmod(self._long[0], PACK)
        for code, length_ms, n in zip(codes.tolist(), lengths_ms.tolist(), self._long[1].tolist(), strict=True):
            counts[code][length_ms] = n
        named = zip(self._table.devices, counts, strict=True)
        return {device: Periods(mine, *spans.get(device, (None, None))) for device, mine in named}
