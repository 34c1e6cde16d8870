"""Files that repeat each other's samples: allowed when the shared samples are identical, and then counted once.

Copies and log rotations often overlap by some lines. Where two files cover the same time of a device, the
samples of that time are compared one by one; if they agree, the later file is read again from the instant
where the earlier one ends. If they do not, nothing is done here and ``merge.close`` refuses the later file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gxmeter.energy.model import Device
from gxmeter.energy.neighbours import follows
from gxmeter.energy.partial import Partial
from gxmeter.telemetry.model import Batch, PowerBatch

NEVER_MS = 2**62
"""A cut later than any instant: nothing of the device remains."""

SampleSet = set[tuple[int, int, str]]


def cut(batches: Iterable[Batch], from_ms: Mapping[Device, int]) -> Iterator[Batch]:
    """The batches without power samples before a device's instant [Unix ms]; other devices untouched."""
    for batch in batches:
        if isinstance(batch, PowerBatch):
            begin = np.array([from_ms.get(Device(k.site, k.device), -NEVER_MS) for k in batch.keys], np.int64)
            kept = batch.ts_ms >= begin[batch.key]
            yield replace(batch, key=batch.key[kept], ts_ms=batch.ts_ms[kept], power_mw=batch.power_mw[kept])
        else:
            yield batch


def repeats(parts: Sequence[Partial], read: Callable[[int], Iterable[Batch]]) -> dict[int, dict[Device, int]]:
    """Where files repeat samples of earlier files identically: file index -> device -> instant to read from.

    Args:
        parts: the files' partials.
        read: the batches of a file by its index, from the beginning.
    """
    cuts: dict[int, dict[Device, int]] = {}
    for device in sorted({device for part in parts for device in part.edges}):
        pieces = sorted(
            (p.edges[device].start_ms, p.edges[device].end_ms, p.name, i)
            for i, p in enumerate(parts)
            if device in p.edges
        )
        latest = pieces[0]
        for piece in pieces[1:]:
            before, after = parts[latest[3]].edges[device], parts[piece[3]].edges[device]
            if not follows(before, after):
                low_ms, high_ms = after.start_ms, min(before.end_ms, after.end_ms)
                pair = (_samples(read(i), device, low_ms, high_ms) for i in (latest[3], piece[3]))
                if next(pair) != next(pair):
                    continue
                contained = after.end_ms <= before.end_ms
                cuts.setdefault(piece[3], {})[device] = NEVER_MS if contained else before.end_ms
            if piece[1] > latest[1]:
                latest = piece
    return cuts


def _samples(batches: Iterable[Batch], device: Device, low_ms: int, high_ms: int) -> SampleSet:
    found: SampleSet = set()
    for batch in batches:
        if isinstance(batch, PowerBatch):
            mine = np.array([Device(k.site, k.device) == device for k in batch.keys], np.bool_)
            rows = np.nonzero(mine[batch.key] & (batch.ts_ms >= low_ms) & (batch.ts_ms <= high_ms))[0]
            for row in rows.tolist():
                found.add((int(batch.ts_ms[row]), int(batch.power_mw[row]), batch.keys[batch.key[row]].run))
    return found
