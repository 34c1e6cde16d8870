"""Files that repeat each other's records: allowed when the shared records are identical, and then counted once.

Copies and log rotations often overlap. Where two files cover the same time of a device, the power samples or
interval records of that time are compared one by one; if they agree, the later file is read again from the
instant where the earlier one ends. If they do not, nothing is done here and ``merge.close`` refuses the later file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

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

RecordSet = set[tuple[int, int, int, str]]
"""Start and end [Unix ms] (equal for a sample), power [mW] or energy [half-uJ], and run."""

Read = Callable[[int], Iterable[Batch]]
"""The batches of a file by its index, from the beginning."""


@dataclass(slots=True)
class Repeat:
    """What a file repeats: per device the instant [Unix ms] from which its samples or records are new.

    ``others``: names of the files that hold the repeated part. ``touch``: per device the instant at which an earlier
    file ends and this one's first record, which begins up to :data:`TOUCH_MS` before it, is taken to begin.
    """

    power: dict[Device, int] = field(default_factory=dict)
    interval: dict[Device, int] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    touch: dict[Device, int] = field(default_factory=dict)


class _Piece(NamedTuple):
    """The extent of a device in one file [Unix ms]; sorts in order of time and name."""

    start_ms: int
    end_ms: int
    name: str
    file: int


def cut(batches: Iterable[Batch], repeat: Repeat) -> Iterator[Batch]:
    """The batches without the samples and records that a file repeats; other devices untouched."""
    for batch in batches:
        if isinstance(batch, PowerBatch):
            kept = batch.ts_ms >= _begin(batch, repeat.power)
            yield replace(batch, key=batch.key[kept], ts_ms=batch.ts_ms[kept], power_mw=batch.power_mw[kept])
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


def _touched(batch: IntervalBatch, touch: Mapping[Device, int]) -> Int64:
    """The starts, a record that begins before an earlier file's end moved to it; never beyond its own end."""
    ends_ms = _begin(batch, touch)
    return np.where((batch.start_ms < ends_ms) & (batch.end_ms > ends_ms), ends_ms, batch.start_ms)


def _begin(batch: Batch, from_ms: Mapping[Device, int]) -> Int64:
    """For each row the instant from which its device's rows are kept."""
    return np.array([from_ms.get(Device(k.site, k.device), -NEVER_MS) for k in batch.keys], np.int64)[batch.key]


def repeats(parts: Sequence[Partial], read: Read) -> dict[int, Repeat]:
    """Where files repeat records of earlier files identically, by file index.

    Args:
        parts: the files' partials.
        read: the batches of a file by its index, from the beginning.
    """
    found: dict[int, Repeat] = {}
    for device in sorted({device for part in parts for device in part.edges}):
        for earlier, later in _shared_samples(parts, device):
            # A sample at the very end of the shared time belongs to both files.
            until_ms = min(earlier.end_ms, later.end_ms) + 1
            if _same(read, device, (earlier, later), until_ms=until_ms, kind=PowerBatch):
                _note(found, earlier, later).power[device] = _resume_ms(earlier, later)
    for device in sorted({device for part in parts for device in part.ranges}):
        for earlier, later in _shared_records(parts, device):
            if earlier.end_ms - later.start_ms <= TOUCH_MS < later.end_ms - later.start_ms:
                found.setdefault(later.file, Repeat()).touch[device] = earlier.end_ms
                continue
            until_ms = min(earlier.end_ms, later.end_ms)
            if _same(read, device, (earlier, later), until_ms=until_ms, kind=IntervalBatch):
                _note(found, earlier, later).interval[device] = _resume_ms(earlier, later)
    return found


def _shared_samples(parts: Sequence[Partial], device: Device) -> Iterator[tuple[_Piece, _Piece]]:
    extents = ((i, p.name, p.edges[device]) for i, p in enumerate(parts) if device in p.edges)
    for earlier, later in _neighbours(_Piece(e.start_ms, e.end_ms, name, i) for i, name, e in extents):
        if not follows(parts[earlier.file].edges[device], parts[later.file].edges[device]):
            yield earlier, later


def _shared_records(parts: Sequence[Partial], device: Device) -> Iterator[tuple[_Piece, _Piece]]:
    extents = ((i, p.name, p.ranges[device]) for i, p in enumerate(parts) if p.ranges.get(device))
    for earlier, later in _neighbours(_Piece(r[0].start_ms, r[-1].end_ms, name, i) for i, name, r in extents):
        both = (*parts[earlier.file].ranges[device], *parts[later.file].ranges[device])
        if later.start_ms < earlier.end_ms and overlapping(sorted(both)):
            yield earlier, later


def _neighbours(pieces: Iterable[_Piece]) -> Iterator[tuple[_Piece, _Piece]]:
    """Each piece with the one among those before it that reaches furthest."""
    latest: _Piece | None = None
    for piece in sorted(pieces):
        if latest is not None:
            yield latest, piece
        if latest is None or piece.end_ms > latest.end_ms:
            latest = piece


def _resume_ms(earlier: _Piece, later: _Piece) -> int:
    return NEVER_MS if later.end_ms <= earlier.end_ms else earlier.end_ms


def _note(found: dict[int, Repeat], earlier: _Piece, later: _Piece) -> Repeat:
    repeat = found.setdefault(later.file, Repeat())
    repeat.others.add(earlier.name)
    return repeat


def _same(
    read: Read, device: Device, pieces: tuple[_Piece, _Piece], *, until_ms: int, kind: type[PowerBatch | IntervalBatch]
) -> bool:
    """Whether two files hold the same samples or records of a device from the later one's start until an instant."""
    earlier, later = pieces
    first, second = (_records(read(p.file), device, later.start_ms, until_ms, kind=kind) for p in (earlier, later))
    return first == second


def _records(
    batches: Iterable[Batch], device: Device, low_ms: int, until_ms: int, *, kind: type[PowerBatch | IntervalBatch]
) -> RecordSet:
    found: RecordSet = set()
    for batch in batches:
        if isinstance(batch, kind):
            start_ms, end_ms, amount = _columns(batch)
            mine = np.array([Device(k.site, k.device) == device for k in batch.keys], np.bool_)
            reaches_in = (end_ms > low_ms) | (start_ms >= low_ms)
            rows = np.nonzero(mine[batch.key] & (start_ms < until_ms) & reaches_in)[0]
            for row in rows.tolist():
                run = batch.keys[batch.key[row]].run
                found.add((int(start_ms[row]), int(end_ms[row]), int(amount[row]), run))
    return found


def _columns(batch: Batch) -> tuple[Int64, Int64, Int64]:
    """Start, end and amount of each row; a sample begins and ends in its instant."""
    if isinstance(batch, PowerBatch):
        return batch.ts_ms, batch.ts_ms, batch.power_mw
    return batch.start_ms, batch.end_ms, batch.half_uj
