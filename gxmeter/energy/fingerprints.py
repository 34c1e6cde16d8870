"""Digests of the records in stretches of a file: two files hold the same records there if their digests are equal.

So files are compared wherever each of them lies, and only a digest travels. Records are taken as a set: neither their
order in the file nor a record that stands there twice makes a difference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from gxmeter.energy.model import Device
from gxmeter.telemetry.model import Batch, Int64, PowerBatch

POWER, INTERVAL = "power", "interval"

MAX_ROWS = 4_000_000
"""How many records are held at once [rows], 32 bytes each and a few times that while they are sorted."""


class Window(NamedTuple):
    """A stretch of time of a device: records of one kind that reach into [``low_ms``, ``until_ms``) [Unix ms]."""

    kind: str
    device: Device
    low_ms: int
    until_ms: int


class _Rows(NamedTuple):
    """Records as columns: start and end [Unix ms] (equal for a sample), power [mW] or energy [half-uJ], run code."""

    start_ms: Int64
    end_ms: Int64
    amount: Int64
    run: Int64

    def at(self, rows: Int64) -> _Rows:
        """The records at some rows."""
        return _Rows(*(column[rows] for column in self))


def fingerprints(
    read: Callable[[], Iterable[Batch]], windows: Sequence[Window], *, max_rows: int = MAX_ROWS
) -> list[str]:
    """The digest of the records in each window, in their order.

    The file is read once; windows that together hold too many records are left to another reading.

    Args:
        read: the batches of the file, from the beginning.
        windows: what to take the digests of.
        max_rows: how many records are held at once, unless a single window has more [rows].
    """
    found: dict[Window, str] = {}
    wanted = list(dict.fromkeys(windows))
    while wanted:
        runs: dict[str, int] = {}
        taken = _collected(read(), wanted, runs, max_rows)
        found |= {window: _digest(parts, list(runs)) for window, parts in taken.items()}
        wanted = [window for window in wanted if window not in taken]
    return [found[window] for window in windows]


def _collected(
    batches: Iterable[Batch], windows: Sequence[Window], runs: dict[str, int], max_rows: int
) -> dict[Window, list[_Rows]]:
    """The records of the first windows that fit."""
    taken: dict[Window, list[_Rows]] = {window: [] for window in windows}
    total = 0
    for batch in batches:
        for window, rows in _inside(batch, taken, runs):
            taken[window].append(rows)
            total += len(rows.run)
        while total > max_rows and len(taken) > 1:
            _, dropped = taken.popitem()
            total -= sum(len(rows.run) for rows in dropped)
    return taken


def _inside(batch: Batch, windows: Iterable[Window], runs: dict[str, int]) -> Iterator[tuple[Window, _Rows]]:
    """The records of a batch that lie in some windows, by window."""
    kind = POWER if isinstance(batch, PowerBatch) else INTERVAL
    mine = [window for window in windows if window.kind == kind]
    number = {device: i for i, device in enumerate(dict.fromkeys(window.device for window in mine))}
    of_key = np.array([number.get(Device(key.site, key.device), -1) for key in batch.keys], np.int64)
    run_of_key = np.array([runs.setdefault(key.run, len(runs)) for key in batch.keys], np.int64)
    device = of_key[batch.key]
    wanted = np.nonzero(device >= 0)[0]
    wanted = wanted[np.argsort(device[wanted], kind="stable")]
    rows = _columns(batch, run_of_key).at(wanted)
    edges = np.searchsorted(device[wanted], np.arange(len(number) + 1))
    for window in mine:
        own = slice(*edges[number[window.device] :][:2].tolist())
        start_ms, end_ms = rows.start_ms[own], rows.end_ms[own]
        reaches_in = (end_ms > window.low_ms) | (start_ms >= window.low_ms)
        inside = np.nonzero(reaches_in & (start_ms < window.until_ms))[0]
        if len(inside):
            yield window, rows.at(inside + own.start)


def _columns(batch: Batch, run_of_key: Int64) -> _Rows:
    """A sample begins and ends in its instant."""
    run = run_of_key[batch.key]
    if isinstance(batch, PowerBatch):
        return _Rows(batch.ts_ms, batch.ts_ms, batch.power_mw, run)
    return _Rows(batch.start_ms, batch.end_ms, batch.half_uj, run)


def _digest(parts: Sequence[_Rows], runs: Sequence[str]) -> str:
    """SHA-256 of the names of the runs and of the different records, sorted."""
    if not parts:
        return ""
    start_ms, end_ms, amount, run = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    used = sorted(np.unique(run).tolist(), key=runs.__getitem__)
    rank = np.zeros(len(runs), np.int64)
    rank[used] = np.arange(len(used))
    rows = _Rows(start_ms, end_ms, amount, rank[run])
    rows = rows.at(np.lexsort(rows[::-1]))
    new = np.ones(len(run), np.bool_)
    new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in rows])
    digest = hashlib.sha256(json.dumps([runs[code] for code in used]).encode())
    for column in rows.at(np.nonzero(new)[0]):
        digest.update(column.astype("<i8").tobytes())
    return digest.hexdigest()
