"""Reader of CodeCarbon's ``emissions.csv`` (versions 2 and 3): energy of CPU, GPU and RAM per run, cumulative.

A row is written at ``flush()`` and ``stop()`` and tells the run's energies since its start [kWh] and its duration [s];
its timestamp is the local time of writing, cut to the second, without a zone. The rows of one ``run_id`` are readings
of counters that began at 0 at the timestamp less the duration. The file says neither host nor method: what is not known
is graded as the weakest method that it may be. Emissions, water and mean powers are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.codecarbon_rows import FORMAT, PARTS, RowReader, RunRows, refuse_foreign
from gxmeter.telemetry.counters import Counters
from gxmeter.telemetry.model import DeviceInfo, IntervalBatch, Reading, SeriesKey
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions, rank
from gxmeter.telemetry.text.cells import Cells
from gxmeter.telemetry.text.remarks import Remarks
from gxmeter.telemetry.text.table import Table, table

PATTERNS = ("*emissions*.csv", "*emissions*.csv.gz", "*emissions*.csv.bak*")
"""Which files of a folder are read; CodeCarbon renames a file with other columns to ``.bak``."""

_COUNTERS_ONLY_BEFORE = (3, 3)
"""Up to here CodeCarbon read GPUs by their energy counter only; from 3.3 on by power where they have none."""

_TOUCH_MS = 2_000
"""Two runs that follow each other may seem to overlap by this much [ms]: ends are cut to the second."""


def read(path: Path, *, run: str, site: str, options: ReadOptions = NO_OPTIONS) -> Reading:
    """Open a table of CodeCarbon.

    Args:
        path: the file, plain or compressed.
        run: whose energy it is; empty: each ``run_id`` is a run.
        site: where the machine stands.
        options: ``time_zone``, ``host``; ``columns`` with the roles ``run`` and ``host`` (columns) and ``cpu_method``
            (rapl, load) and ``gpu_method`` (counter, power).

    Raises:
        InputError: ``codecarbon-task-file``, ``codecarbon-foreign``, ``column-role-unknown``, ``column-not-there``,
            ``column-value-unknown``; what :func:`~gxmeter.telemetry.text.table.table` raises.
    """
    remarks = Remarks(path.name)
    found = table(path, remarks, encoding=options.encoding, keep_torn=False)
    refuse_foreign(path.name, found.header, options)
    cells = Cells.of(remarks, options)
    reading = Reading(format=FORMAT, batches=iter(()))
    counters = Counters(path.name, half_uj_per_count=1)
    reading.batches = _Runs(reading, cells, counters, options, SeriesKey(run, site, "")).batches(found)
    return reading


@dataclass(slots=True)
class _Runs:
    """The runs of one file as counters that begin at 0; every run has counters of its own."""

    reading: Reading
    cells: Cells
    counters: Counters
    options: ReadOptions
    owner: SeriesKey
    _device: dict[SeriesKey, SeriesKey] = field(default_factory=dict)
    _ends: dict[SeriesKey, int] = field(default_factory=dict)
    _started: set[SeriesKey] = field(default_factory=set)

    def batches(self, found: Table) -> Iterator[IntervalBatch]:
        """Energy between the rows of each run."""
        rows = RowReader(self.cells)
        for chunk in found.chunks:
            usable = rows.read(chunk)
            self.reading.records += len(usable.rows)
            yield self._intervals(usable)
        self.reading.findings += [*self._said(), *self.cells.findings(), *self.counters.findings()]

    def _intervals(self, rows: RunRows) -> IntervalBatch:
        """The energy of a chunk. Rows of one second are one reading: the larger one, since they are cumulative."""
        readings: dict[tuple[SeriesKey, int], int] = {}
        for part in PARTS:
            measured = np.nonzero(rows.measured[part])[0]
            for at in measured[np.lexsort((rows.duration_ms[measured], rows.end_ms[measured]))].tolist():
                counter, end_ms = self._counter(rows, part, at), int(rows.end_ms[at])
                if counter not in self._started:
                    self._started.add(counter)
                    readings[counter, self._start_ms(counter, rows, at)] = 0
                self._ends[self._device[counter]] = max(end_ms, self._ends.get(self._device[counter], end_ms))
                readings[counter, end_ms] = max(int(rows.half_uj[part][at]), readings.get((counter, end_ms), 0))
        return self._by_device(self._pushed(readings))

    def _counter(self, rows: RunRows, part: str, at: int) -> SeriesKey:
        """The counter of a part in a run."""
        run_id = rows.run_id[at]
        host = rows.text(self.options.column("host"), at) or self.options.host
        device = ".".join(name for name in (host, f"codecarbon-{part}") if name)
        if rows.text("tracking_mode", at) == "process":
            device = f"{device}.{run_id}"  # Processes stand beside each other on one machine.
        run = rows.text(self.options.column("run"), at) or self.owner.run or run_id
        key = SeriesKey(run, self.owner.site, device)
        counter = key._replace(device=f"{device} ({run_id})")
        self._device[counter] = key
        self._describe(rows, part, at, key, host)
        return counter

    def _start_ms(self, counter: SeriesKey, rows: RunRows, at: int) -> int:
        """When a run began [Unix ms]; one that follows another closely begins at its end, not before it."""
        end_ms = int(rows.end_ms[at])
        start_ms = end_ms - int(rows.duration_ms[at])
        before_ms = self._ends.get(self._device[counter], start_ms)
        if start_ms < before_ms <= start_ms + _TOUCH_MS:
            return min(before_ms, end_ms - 1)
        return start_ms

    def _pushed(self, readings: dict[tuple[SeriesKey, int], int]) -> IntervalBatch:
        counters = tuple(dict.fromkeys(counter for counter, _ in readings))
        place = {counter: i for i, counter in enumerate(counters)}
        return self.counters.push(
            counters,
            np.array([place[counter] for counter, _ in readings], np.int32),
            np.array([ts_ms for _, ts_ms in readings], np.int64),
            np.array(list(readings.values()), np.int64),
        )

    def _by_device(self, batch: IntervalBatch) -> IntervalBatch:
        """Energy of a run's counters as energy of the devices that they count."""
        keys = tuple(dict.fromkeys(self._device[counter] for counter in batch.keys))
        codes = np.array([keys.index(self._device[counter]) for counter in batch.keys], np.int32)
        return IntervalBatch(keys, codes[batch.key], batch.start_ms, batch.end_ms, batch.half_uj)

    def _describe(self, rows: RunRows, part: str, at: int, key: SeriesKey, host: str) -> None:
        """Note a device; one that was read in two ways takes the weaker grade."""
        method, grade = self._method(part, rows.text("codecarbon_version", at))
        known = self.reading.devices.get((key.site, key.device))
        if known is not None and rank(known.grade) >= rank(grade):
            return
        self.reading.devices[key.site, key.device] = DeviceInfo(
            device=key.device,
            site=key.site,
            host=host,
            kind=part,
            name=rows.text(f"{part}_model", at),
            boundary="device",
            method=method,
            grade=grade,
        )

    def _method(self, part: str, version: str) -> tuple[str, str]:
        """Method and grade of a part, the weaker one where the file leaves it open."""
        if part == "ram":
            return "codecarbon-ram-model", "E2"
        if part == "cpu":
            measured = self.options.column("cpu_method") == "rapl"
            return ("codecarbon-rapl", "D1") if measured else ("codecarbon-cpu-load", "E1")
        told = self.options.column("gpu_method")
        by_counter = told == "counter" or (not told and _version(version) < _COUNTERS_ONLY_BEFORE)
        return ("codecarbon-nvml-counter", "C1") if by_counter else ("codecarbon-nvml-power", "C2")

    def _said(self) -> Iterator[Finding]:
        """What the file does not say."""
        file = self.cells.remarks.file
        devices = self.reading.devices.values()
        if any(info.kind == "cpu" for info in devices) and not self.options.column("cpu_method"):
            yield finding("codecarbon-method-unknown", file=file)
        if any(not info.host for info in devices):
            yield finding("codecarbon-host-unknown", file=file)


def _version(text: str) -> tuple[int, ...]:
    """A version's first two numbers; a version that is not told is taken for a late one.

    >>> _version("2.8.4") < (3, 3) <= _version("3.3.2") <= _version("")
    True
    """
    parts = text.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else _COUNTERS_ONLY_BEFORE
