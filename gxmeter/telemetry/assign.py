"""Fleet telemetry gets its runs: what a device drew while a job had it is the job's, the rest keeps the run it had.

A power sample belongs to the job that has its device at its instant, and the energy up to the next sample goes with it
(the kernel's rule). An interval of energy belongs to the job at its start; one that reaches over a change of jobs is
counted by name. Time that several jobs share keeps the run it had: whose the energy is cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gxmeter.core.findings import finding
from gxmeter.telemetry.jobs import NOBODY, SEVERAL, JobTable, kept_table
from gxmeter.telemetry.model import Batch, Int64, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.options import ReadOptions


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

    ``reading.findings`` gets the table's, ``jobs-no-device`` where the table has jobs for none of the devices,
    ``jobs-shared-time`` and ``jobs-interval-across``.

    Args:
        reading: as its reader opened it.
        jobs: who ran where.
        file: how findings call the file.
    """
    reading.batches = _streamed(reading, reading.batches, jobs, file)
    return reading


def _streamed(reading: Reading, batches: Iterator[Batch], jobs: JobTable, file: str) -> Iterator[Batch]:
    known: set[str] = set()
    shared = across = 0
    for batch in batches:
        instants = batch.ts_ms if isinstance(batch, PowerBatch) else batch.start_ms
        runs = _runs(batch, instants, reading, jobs, known)
        shared += int((runs == SEVERAL).sum())
        if not isinstance(batch, PowerBatch):
            across += int((runs != _runs(batch, batch.end_ms - 1, reading, jobs, known)).sum())
        keys, key = _rekeyed(batch, runs, jobs)
        yield replace(batch, keys=keys, key=key)
    reading.findings += jobs.findings
    if not known and reading.devices:
        reading.findings.append(finding("jobs-no-device", file=file, count=len(reading.devices)))
    if shared:
        reading.findings.append(finding("jobs-shared-time", file=file, count=shared))
    if across:
        reading.findings.append(finding("jobs-interval-across", file=file, count=across))


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
