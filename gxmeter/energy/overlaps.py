"""Files that repeat each other's records: allowed when the shared records are identical, and then counted once.

Copies and log rotations often overlap. Where two files cover the same time of a device, the power samples or
interval records of that time are compared; if they agree, the later file is read again from the instant where the
earlier one ends. If they do not, nothing is done here and ``merge.close`` refuses the later file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from gxmeter.energy.fingerprints import INTERVAL, POWER, Window
from gxmeter.energy.model import Device
from gxmeter.energy.neighbours import follows, overlapping
from gxmeter.energy.partial import Partial
from gxmeter.telemetry.model import Batch, Int64, IntervalBatch, PowerBatch

NEVER_MS = 2**62
"""A cut later than any instant: nothing of the device remains."""

TOUCH_MS = 2
"""Records of two files that share no more time than this follow each other [ms].

A journal places its intervals in the calendar by its own reading of the clock in whole milliseconds, so each place is
up to 2 ms early; a meter that takes a device over at once may seem to begin before the one before it has ended.
"""


@dataclass(frozen=True, slots=True)
class Repeat:
    """What a file repeats: per device the instant [Unix ms] from which its samples or records are new.

    ``others``: names of the files that hold the repeated part. ``touch``: per device the instant at which an earlier
    file ends and this one's first record, which begins up to :data:`TOUCH_MS` before it, is taken to begin.
    """

    power: dict[Device, int] = field(default_factory=dict)
    interval: dict[Device, int] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    touch: dict[Device, int] = field(default_factory=dict)


class Piece(NamedTuple):
    """The extent of a device in one file [Unix ms]; sorts in order of time and name. ``file``: its place among all."""

    start_ms: int
    end_ms: int
    name: str
    file: int


class Shared(NamedTuple):
    """Time of a device that two files share: the stretch in which their records are compared."""

    window: Window
    earlier: Piece
    later: Piece

    @property
    def touches(self) -> bool:
        """Whether the later file's records follow the earlier's, but for the precision of their clocks."""
        start_ms, end_ms, _, _ = self.later
        return self.window.kind == INTERVAL and self.earlier.end_ms - start_ms <= TOUCH_MS < end_ms - start_ms


def cut(batches: Iterable[Batch], repeat: Repeat) -> Iterator[Batch]:
    """The batches without the samples and records that a file repeats; other devices untouched."""
    for batch in batches:
        if isinstance(batch, PowerBatch):
            yield _cut_samples(batch, repeat.power) if repeat.power else batch
        elif repeat.interval or repeat.touch:
            start_ms = _touched(batch, repeat.touch)
            kept = start_ms >= _begin(batch, repeat.interval)
            yield replace(
                batch,
                key=batch.key[kept],
                start_ms=start_ms[kept],
                end_ms=batch.end_ms[kept],
                half_uj=batch.half_uj[kept],
            )
        else:
            yield batch


def _cut_samples(batch: PowerBatch, from_ms: Mapping[Device, int]) -> PowerBatch:
    kept = batch.ts_ms >= _begin(batch, from_ms)
    return replace(batch, key=batch.key[kept], ts_ms=batch.ts_ms[kept], power_mw=batch.power_mw[kept])


def _touched(batch: IntervalBatch, touch: Mapping[Device, int]) -> Int64:
    """The starts, a record that begins before an earlier file's end moved to it; never beyond its own end."""
    ends_ms = _begin(batch, touch)
    return np.where((batch.start_ms < ends_ms) & (batch.end_ms > ends_ms), ends_ms, batch.start_ms)


def _begin(batch: Batch, from_ms: Mapping[Device, int]) -> Int64:
    """For each row the instant from which its device's rows are kept."""
    return np.array([from_ms.get(Device(k.site, k.device), -NEVER_MS) for k in batch.keys], np.int64)[batch.key]


def shared(parts: Sequence[Partial]) -> list[Shared]:
    """Where files share time, in order of device: each file with the one before it that reaches furthest."""
    power: dict[Device, list[Piece]] = defaultdict(list)
    interval: dict[Device, list[Piece]] = defaultdict(list)
    for i, part in enumerate(parts):
        for device, edges in part.edges.items():
            power[device].append(Piece(edges.start_ms, edges.end_ms, part.name, i))
        for device, ranges in part.ranges.items():
            if ranges:
                interval[device].append(Piece(ranges[0].start_ms, ranges[-1].end_ms, part.name, i))
    found = [one for device in sorted(power) for one in _shared_samples(parts, device, power[device])]
    return found + [one for device in sorted(interval) for one in _shared_records(parts, device, interval[device])]


def repeats(places: Iterable[Shared], same: Callable[[Shared], bool]) -> dict[int, Repeat]:
    """Where files repeat records of earlier files identically, by file index.

    Args:
        places: where files share time.
        same: whether two files hold the same records there.
    """
    found: dict[int, Repeat] = {}
    for place in places:
        window, earlier, later = place
        if place.touches:
            found.setdefault(later.file, Repeat()).touch[window.device] = earlier.end_ms
        elif same(place):
            repeat = found.setdefault(later.file, Repeat())
            repeat.others.add(earlier.name)
            begins = repeat.power if window.kind == POWER else repeat.interval
            begins[window.device] = NEVER_MS if later.end_ms <= earlier.end_ms else earlier.end_ms
    return found


def _shared_samples(parts: Sequence[Partial], device: Device, pieces: Iterable[Piece]) -> Iterator[Shared]:
    for earlier, later in _neighbours(pieces):
        if not follows(parts[earlier.file].edges[device], parts[later.file].edges[device]):
            # A sample at the very end of the shared time belongs to both files.
            until_ms = min(earlier.end_ms, later.end_ms) + 1
            yield Shared(Window(POWER, device, later.start_ms, until_ms), earlier, later)


def _shared_records(parts: Sequence[Partial], device: Device, pieces: Iterable[Piece]) -> Iterator[Shared]:
    for earlier, later in _neighbours(pieces):
        both = (*parts[earlier.file].ranges[device], *parts[later.file].ranges[device])
        if later.start_ms < earlier.end_ms and overlapping(sorted(both)):
            until_ms = min(earlier.end_ms, later.end_ms)
            yield Shared(Window(INTERVAL, device, later.start_ms, until_ms), earlier, later)


def _neighbours(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, Piece]]:
    """Each piece with the one among those before it that reaches furthest."""
    latest: Piece | None = None
    for piece in sorted(pieces):
        if latest is not None:
            yield latest, piece
        if latest is None or piece.end_ms > latest.end_ms:
            latest = piece
