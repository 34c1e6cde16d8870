"""A segment's numbers as rows: place in the calendar, energy in half-microjoules.

An interval's length is the monotonic clock's, its place in the calendar the wall clock's at the start of the
journal; so intervals of a journal touch but never overlap, even where the wall clock was set back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from gxmeter.core.findings import finding
from gxmeter.core.journal import SUSPEND, ClockChange, Head, Interval
from gxmeter.core.journal_decode import Segment
from gxmeter.telemetry.journal_devices import NODE, Owner, counting
from gxmeter.telemetry.model import IntervalBatch, Reading, SeriesKey

_NS_PER_MS = 1_000_000
_LAST_MS = 253_402_300_799_999
"""End of the year 9999 [Unix ms]: the calendar knows no later instant."""


@dataclass(slots=True)
class _Rows:
    """Rows of one batch under construction."""

    key: list[int] = field(default_factory=list)
    start_ms: list[int] = field(default_factory=list)
    end_ms: list[int] = field(default_factory=list)
    half_uj: list[int] = field(default_factory=list)

    def add(self, index: int, start_ms: int, end_ms: int, energy_uj: int) -> None:
        self.key.append(index)
        self.start_ms.append(start_ms)
        self.end_ms.append(end_ms)
        self.half_uj.append(2 * energy_uj)


def batches(segment: Segment, reading: Reading, owner: Owner) -> Iterator[IntervalBatch]:
    """The segment's numbers; a component has no row where it has no number or does not count.

    In an interval in which the whole machine has a number its parts have none: the whole holds them.
    """
    head = segment.head
    if head is None:
        return
    rows, asleep_ms = _Rows(), 0
    counts = [part.index for part in counting(segment)]
    wholes = [part.index for part in counting(segment) if part.boundary == NODE]
    for row, record in segment.records:
        if isinstance(record, ClockChange) and record.reason == SUSPEND:
            asleep_ms += record.shift_ms
        if not isinstance(record, Interval):
            continue
        start_ms = _place(head, record.start_mono_ns) + asleep_ms
        end_ms = _place(head, record.end_mono_ns) + asleep_ms
        if not 0 <= start_ms < end_ms <= _LAST_MS:
            reading.findings.append(finding("journal-time-implausible", file=head.journal, row=row, found=end_ms))
            continue
        for index, energy_uj in _numbers(record, wholes) or _numbers(record, counts):
            rows.add(index, start_ms, end_ms, energy_uj)
    reading.records += len(rows.key)
    if rows.key:
        yield _arrays(rows, tuple(SeriesKey(owner.run, owner.site, p.device) for p in segment.components()))


def _numbers(record: Interval, indexes: Sequence[int]) -> list[tuple[int, int]]:
    """Index and energy [uJ] of those components that have a number in an interval."""
    known = ((index, record.energy_uj[index]) for index in indexes if index < len(record.energy_uj))
    return [(index, energy_uj) for index, energy_uj in known if energy_uj is not None]


def _arrays(rows: _Rows, keys: tuple[SeriesKey, ...]) -> IntervalBatch:
    return IntervalBatch(
        keys=keys,
        key=np.array(rows.key, dtype=np.int32),
        start_ms=np.array(rows.start_ms, dtype=np.int64),
        end_ms=np.array(rows.end_ms, dtype=np.int64),
        half_uj=np.array(rows.half_uj, dtype=np.int64),
    )


def _place(head: Head, mono_ns: int) -> int:
    """Calendar place of a monotonic moment [Unix ms]."""
    return head.anchor_utc_ms + (mono_ns - head.anchor_mono_ns) // _NS_PER_MS
