"""From series in the order of the files to batches in the order of time, device by device."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gxmeter.core.findings import Finding
from gxmeter.telemetry.counters import MAX_POWER_MW, Counters
from gxmeter.telemetry.gpu_limits import MAX_GPU_MW
from gxmeter.telemetry.model import Batch, Int64, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.prometheus.answers import Pairs, SeriesText
from gxmeter.telemetry.prometheus.blanks import blanks
from gxmeter.telemetry.prometheus.digits import Integers, Mask, integers
from gxmeter.telemetry.prometheus.index import Cluster, Device, Entry, clusters
from gxmeter.telemetry.prometheus.metrics import Metric
from gxmeter.telemetry.prometheus.notes import Notes
from gxmeter.telemetry.prometheus.series import differing
from gxmeter.telemetry.prometheus.together import Held, Joined, joined

BATCH_ROWS = 1 << 16
"""Samples that are collected before a batch is handed on [rows]: many series are short."""

_REPEATS_FROM = 30
_REPEATS_SHARE = 4
_CHANGES = 5


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some rows for one batch."""

    keys: tuple[SeriesKey, ...]
    key: np.typing.NDArray[np.int32]
    ts_ms: Int64
    value: Int64


class Outbox:
    """Collects rows of one metric after the other and hands them on in batches."""

    def __init__(self, file: str) -> None:
        """Start empty; ``file`` is what findings call the source."""
        self._file = file
        self._rows: dict[tuple[str, Metric], list[_Rows]] = {}
        self._counters: dict[str, Counters] = {}
        self._size = 0

    def put(self, name: str, metric: Metric, rows: _Rows) -> None:
        """Take rows; of one device in order of time."""
        self._rows.setdefault((name, metric), []).append(rows)
        self._size += len(rows.ts_ms)

    def full(self) -> Iterator[Batch]:
        """Batches, once there is enough for them."""
        if self._size >= BATCH_ROWS:
            yield from self.rest()

    def rest(self) -> Iterator[Batch]:
        """What is left, as batches."""
        taken, self._rows, self._size = self._rows, {}, 0
        for (name, metric), parts in taken.items():
            rows = _one(parts)
            if not metric.is_counter:
                yield PowerBatch(rows.keys, rows.key, rows.ts_ms, rows.value)
                continue
            if name not in self._counters:
                most_mw = MAX_GPU_MW if metric.kind == "gpu" else MAX_POWER_MW
                self._counters[name] = Counters(self._file, half_uj_per_count=1, max_power_mw=most_mw)
            yield self._counters[name].push(rows.keys, rows.key, rows.ts_ms, rows.value)

    def findings(self) -> list[Finding]:
        """What the counters have done."""
        return [item for counters in self._counters.values() for item in counters.findings()]


def _one(parts: Sequence[_Rows]) -> _Rows:
    codes = {key: i for i, key in enumerate(dict.fromkeys(key for part in parts for key in part.keys))}
    key = [np.array([codes[one] for one in part.keys], np.int32)[part.key] for part in parts if part.keys]
    return _Rows(
        tuple(codes),
        np.concatenate(key) if key else np.zeros(0, np.int32),
        np.concatenate([part.ts_ms for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


class Names(NamedTuple):
    """What findings call the source, and the run of time that no single run has."""

    file: str
    run: str


class Flow:
    """Takes every series that counts once, in the order of the files.

    A series that stands alone in its time is streamed; those that interlock are held until the last one has come.
    Memory: the window of one file, and the series that wait, 16 bytes a sample.
    """

    def __init__(
        self, chosen: Mapping[Device, Sequence[Entry]], reading: Reading, notes: Notes, *, names: Names
    ) -> None:
        """Lay out what is to come."""
        self._queues = {device: deque(clusters(entries)) for device, entries in chosen.items()}
        self._cluster: dict[int, Cluster] = {}
        for queue in self._queues.values():
            for cluster in queue:
                self._cluster |= {id(entry): cluster for entry in cluster.entries}
        self._held: dict[int, list[Held]] = {}
        self._reading = reading
        self._notes = notes
        self._file, self._run = names

    def take(self, entry: Entry, one: SeriesText, outbox: Outbox, file: str) -> Iterator[Batch]:
        """Read a series; give what can be given now."""
        cluster = self._cluster.get(id(entry))
        if cluster is None:
            return
        queue = self._queues[entry.series.key.site, entry.series.key.device]
        cluster.waiting -= 1
        if cluster is queue[0] and len(cluster.entries) == 1:
            for pairs in one.pairs():
                held = self._numbers(entry, pairs, file)
                self._put(outbox, entry, _Rows((entry.series.key,), _zeros(held.ts_ms), held.ts_ms, held.value))
                yield from outbox.full()
        else:
            windows = [self._numbers(entry, pairs, file) for pairs in one.pairs()]
            self._held.setdefault(id(cluster), []).append(_whole(entry, windows))
        while queue and not queue[0].waiting:
            self._close(queue.popleft(), outbox)
            yield from outbox.full()

    def rest(self, outbox: Outbox) -> Iterator[Batch]:
        """What still waits because a file was torn before the last of its series, and what was collected."""
        for queue in self._queues.values():
            while queue:
                self._close(queue.popleft(), outbox)
        yield from outbox.rest()

    def _close(self, cluster: Cluster, outbox: Outbox) -> None:
        """Put the series of a cluster together; nothing is left of one that was streamed."""
        parts = self._held.pop(id(cluster), [])
        if not parts:
            return
        found = joined(parts, self._run)
        self._tell(found)
        self._put(outbox, cluster.entries[0], _Rows(found.keys, found.key, found.ts_ms, found.value))

    def _put(self, outbox: Outbox, entry: Entry, rows: _Rows) -> None:
        self._reading.records += len(rows.ts_ms)
        outbox.put(entry.series.name, entry.series.metric, rows)

    def _tell(self, found: Joined) -> None:
        file = self._file
        for left_out, kept, count in found.twice:
            device = kept.key.device
            labels = differing([left_out, kept])
            if labels:
                self._notes.count("prometheus-series-twice", file, count, device, labels=labels)
            else:
                self._notes.count("prometheus-repeated", file, count, device)
        if found.shared:
            device = found.keys[0].device
            self._notes.count("prometheus-run-shared", file, 1, device, runs=", ".join(found.shared))

    def _numbers(self, entry: Entry, pairs: Pairs, file: str) -> Held:
        """The samples of a window that are readings."""
        metric = entry.series.metric
        numbers = integers(pairs.values, metric.scale)
        is_gpu_power = metric.kind == "gpu" and not metric.is_counter
        good = numbers.good & (numbers.values <= MAX_GPU_MW) if is_gpu_power else numbers.good
        if not good.all():
            self._left_out(entry, pairs, numbers, good, file=file)
        ts_ms, value = pairs.ts_ms[good], numbers.values[good]
        if not metric.is_counter and _repeats(ts_ms, value):
            self._notes.count("prometheus-values-repeat", file, 1, entry.series.key.device, metric=entry.series.name)
        return Held(entry.series, ts_ms, value)

    def _left_out(self, entry: Entry, pairs: Pairs, numbers: Integers, good: Mask, *, file: str) -> None:
        """Name the samples that are no readings."""
        name, device = entry.series.name, entry.series.key.device
        odd = np.nonzero(~good & ~numbers.missing)[0].tolist()
        blank = set(blanks(name, entry.series.metric, pairs.values, odd))
        self._notes.count("prometheus-value-missing", file, int(numbers.missing.sum()) + len(blank), metric=name)
        for code, is_number in (("prometheus-value-faulty", False), ("prometheus-power-impossible", True)):
            rows = [row for row in odd if row not in blank and bool(numbers.good[row]) == is_number]
            if rows:
                found = pairs.values[rows[0]]
                self._notes.count(code, file, len(rows), f"{device}: {found}" if is_number else found, metric=name)


def _zeros(ts_ms: Int64) -> np.typing.NDArray[np.int32]:
    return np.zeros(len(ts_ms), np.int32)


def _whole(entry: Entry, windows: Sequence[Held]) -> Held:
    """A series in order of time."""
    if not windows:
        empty = np.zeros(0, np.int64)
        return Held(entry.series, empty, empty)
    ts_ms = np.concatenate([window.ts_ms for window in windows])
    value = np.concatenate([window.value for window in windows])
    order = np.argsort(ts_ms, kind="stable")
    return Held(entry.series, ts_ms[order], value[order])


def _repeats(ts_ms: Int64, value: Int64) -> bool:
    """Whether a good part of the values, at even steps, repeats the one before: no new reading was there."""
    if len(value) < _REPEATS_FROM:
        return False
    steps, changes = np.diff(ts_ms), int(np.count_nonzero(np.diff(value)))
    even = int((steps == np.sort(steps)[len(steps) // 2]).sum())
    repeated = len(value) - 1 - changes
    return even * 10 >= len(steps) * 9 and changes >= _CHANGES and repeated * _REPEATS_SHARE >= len(value)
