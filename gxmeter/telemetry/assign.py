"""Fleet telemetry gets its runs: what a device drew while a job had it is the job's, the rest keeps the run it had.

A power sample belongs to the job that has its device at its instant, and the energy up to the next sample goes with it
(the kernel's rule). An interval of energy belongs to the job at its start; one that reaches over a change of jobs is
counted by name. Time that several jobs share keeps the run it had: whose the energy is cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.jobs import NOBODY, SEVERAL, JobTable, kept_table
from gxmeter.telemetry.model import Batch, DeviceInfo, Int64, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.options import ReadOptions

_SHOWN = 2
"""How many names are shown as examples [count]."""


def with_jobs(reading: Reading, options: ReadOptions, *, file: str) -> Reading:
    """The reading with the runs of the table that was declared, if one was.

    Raises:
        InputError: ``jobs-changed``; what :func:`gxmeter.telemetry.jobs.jobs_from` raises.
    """
    if options.jobs is None:
        return reading
    return assigned(reading, kept_table(options.jobs, options.time_zone), file=file)


def assigned(reading: Reading, jobs: JobTable, *, file: str) -> Reading:
    """The reading with the runs of a table of jobs.

    ``reading.findings`` gets the table's, ``jobs-no-device`` or ``jobs-no-host`` where the table has jobs for none of
    the devices, ``jobs-open`` where jobs had not ended yet, ``jobs-shared-time`` and ``jobs-interval-across``.

    Args:
        reading: as its reader opened it.
        jobs: who ran where.
        file: how findings call the file.
    """
    reading.batches = _streamed(reading, reading.batches, jobs, file)
    return reading


@dataclass(slots=True)
class _Seen:
    """What was met while the runs of a file were assigned."""

    jobs: JobTable
    devices: set[str] = field(default_factory=set)
    running: set[int] = field(default_factory=set)
    shared: int = 0
    across: int = 0

    def count(self, runs: Int64, instants: Int64) -> None:
        """Count the rows of a batch, each with its run's number and its instant [Unix ms]."""
        self.shared += int((runs == SEVERAL).sum())
        for run in self.jobs.running.keys() & set(np.unique(runs).tolist()):
            if (instants[runs == run] >= self.jobs.running[run]).any():
                self.running.add(run)

    def findings(self, reading: Reading, file: str) -> Iterator[Finding]:
        """What is remarkable about it."""
        if not self.devices and reading.devices:
            yield _nowhere(list(reading.devices.values()), self.jobs, file)
        if self.running:
            names = _few([self.jobs.runs[run] for run in sorted(self.running)])
            yield finding("jobs-open", file=file, count=len(self.running), found=names)
        if self.shared:
            yield finding("jobs-shared-time", file=file, count=self.shared)
        if self.across:
            yield finding("jobs-interval-across", file=file, count=self.across)


def _nowhere(devices: list[DeviceInfo], jobs: JobTable, file: str) -> Finding:
    """Why no device is in the table: the data may name no host at all, or other names than the table does."""
    hosts = list(dict.fromkeys(info.host for info in devices if info.host))
    code = "jobs-no-device" if hosts else "jobs-no-host"
    found = _few(hosts or [info.device for info in devices])
    return finding(code, file=file, count=len(devices), found=found, expected=_few(list(jobs.places)) or "-")


def _few(names: list[str]) -> str:
    """Some names as examples.

    >>> _few(["n1", "n2"]), _few(["n1", "n2", "n3"])
    ('n1, n2', 'n1, n2, …')
    """
    return ", ".join([*names[:_SHOWN], *(["…"] if len(names) > _SHOWN else [])])


def _streamed(reading: Reading, batches: Iterator[Batch], jobs: JobTable, file: str) -> Iterator[Batch]:
    seen = _Seen(jobs)
    for batch in batches:
        instants = batch.ts_ms if isinstance(batch, PowerBatch) else batch.start_ms
        runs = _runs(batch, instants, reading, jobs, seen.devices)
        seen.count(runs, instants)
        if not isinstance(batch, PowerBatch):
            seen.across += int((runs != _runs(batch, batch.end_ms - 1, reading, jobs, seen.devices)).sum())
        keys, key = _rekeyed(batch, runs, jobs)
        yield replace(batch, keys=keys, key=key)
    reading.findings += [*jobs.findings, *seen.findings(reading, file)]


def _runs(batch: Batch, instants: Int64, reading: Reading, jobs: JobTable, known: set[str]) -> Int64:
    """The number of the run of each row."""
    found = np.full(len(instants), NOBODY, np.int64)
    for code, key in enumerate(batch.keys):
        times = jobs.times(reading.devices[key.site, key.device])
        if times is not None:
            known.add(key.device)
            rows = np.nonzero(batch.key == code)[0]
            found[rows] = jobs.numbers(times, instants[rows])
    return found


def _rekeyed(
    batch: Batch, runs: Int64, jobs: JobTable
) -> tuple[tuple[SeriesKey, ...], np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """Keys with the runs, and the code of each row."""
    pairs = batch.key.astype(np.int64) * (len(jobs.runs) + 1) + np.maximum(runs, NOBODY) + 1
    distinct, codes = np.unique(pairs, return_inverse=True)
    places: dict[SeriesKey, int] = {}
    new = np.empty(len(distinct), np.int32)
    for i, pair in enumerate(distinct.tolist()):
        code, run = divmod(pair, len(jobs.runs) + 1)
        key = batch.keys[code]
        named = key._replace(run=jobs.runs[run - 1]) if run else key
        new[i] = places.setdefault(named, len(places))
    return tuple(places), new[codes.reshape(-1)]
