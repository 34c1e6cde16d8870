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


class PeriodCounts:
    """Counts the periods of one file by device code while batches go by.

    Memory: a number per device, and one per device and different length between 6 s and 180 s.
    """

    def __init__(self, table: KeyTable) -> None:
        """Share the file's table of keys."""
        self._table = table
        self._short: Int64 = np.zeros(0, np.int64)
        self._long: dict[int, Counter[int]] = {}

    def add(self, device: Int64, length_ms: Int64) -> None:
        """Count periods, given as device codes and lengths [ms]."""
        long = length_ms > SHORT_MS
        self.add_short(np.bincount(device[~long], minlength=len(self._table.devices)))
        self.add_long(device[long], length_ms[long])

    def add_short(self, counts: Int64) -> None:
        """Count periods of up to 6 s: how many by device code."""
        self._short = np.concatenate((self._short, np.zeros(len(counts) - len(self._short), np.int64))) + counts

    def add_long(self, device: Int64, length_ms: Int64) -> None:
        """Count periods of more than 6 s."""
        packed, counts = np.unique(device * (LONG_MS + 1) + np.minimum(length_ms, LONG_MS), return_counts=True)
        for value, count in zip(packed.tolist(), counts.tolist(), strict=True):
            code, period_ms = divmod(value, LONG_MS + 1)
            self._long.setdefault(code, Counter())[period_ms] += count

    def result(self, spans: Mapping[Device, tuple[int, int]]) -> dict[Device, Periods]:
        """The periods of every device; ``spans``: first and last instant of those with power samples [Unix ms]."""
        short = self._short.tolist()
        found = {}
        for code, device in enumerate(self._table.devices):
            counts = dict(self._long.get(code, {}))
            if code < len(short) and short[code]:
                counts[SHORT_MS] = short[code]
            found[device] = Periods(counts, *spans.get(device, (None, None)))
        return found
