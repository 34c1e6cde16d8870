"""Who ran where and when: a table of jobs, from SLURM's accounting or from a plain table.

The plain table has the columns ``start``, ``end``, ``run`` and ``host`` or ``device`` (or both: ``device`` where it is
not empty). A run has a place from its start up to its end, which is not its own any more. A job of SLURM that still ran
when the table was made has its nodes until another job begins there, else from its start on: what it draws is no
idling, and whoever hands in a newer table learns its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_file
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import DeviceInfo, Int64
from gxmeter.telemetry.options import JobsFile
from gxmeter.telemetry.slurm.choice import tries
from gxmeter.telemetry.slurm.groups import Groups
from gxmeter.telemetry.slurm.lines import OPEN, opened, records
from gxmeter.telemetry.text.columns import Chunk
from gxmeter.telemetry.text.instants import Clock
from gxmeter.telemetry.text.remarks import Remarks
from gxmeter.telemetry.text.table import Table, table

NOBODY, SEVERAL = -1, -2
"""Instead of a run's number: no job was there; several were, and whose the energy is cannot be told."""

_PENDING = "PENDING"
_RUNNING = (OPEN - {_PENDING}) | {""}
"""States of a job that has begun and not ended; a table without states tells it by the missing end alone."""


class Job(NamedTuple):
    """A run on a host or device, from ``start_ms`` up to ``end_ms`` [Unix ms]; None: it still ran."""

    place: str
    start_ms: int
    end_ms: int | None
    run: str


_Span = tuple[int, int | None, int]
"""Start and end [Unix ms], and number of a run on a place."""


class Times(NamedTuple):
    """Consecutive stretches of time of a place: each begins at ``start_ms[i]`` and holds run number ``run[i]``."""

    start_ms: Int64
    run: Int64


@dataclass(frozen=True, slots=True)
class JobTable:
    """Jobs by place.

    Attributes:
        runs: names of the runs, by their numbers.
        places: the stretches of each host or device.
        short: places by their first name without a domain, where that is one place only.
        running: since when the runs, by their numbers, are there that had not ended [Unix ms].
        findings: what was wrong or remarkable.
    """

    runs: tuple[str, ...]
    places: Mapping[str, Times]
    short: Mapping[str, str]
    running: Mapping[int, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def times(self, info: DeviceInfo) -> Times | None:
        """The jobs of a device: under its id, its host, or the host without its domain; None: there are none."""
        for name in (info.device, info.host):
            if name and name in self.places:
                return self.places[name]
        place = self.short.get(_short(info.host))
        return None if place is None else self.places[place]

    def numbers(self, times: Times, ts_ms: Int64) -> Int64:
        """The number of the run at each instant, :data:`NOBODY` or :data:`SEVERAL`."""
        at = np.searchsorted(times.start_ms, ts_ms, side="right") - 1
        return np.where(at >= 0, times.run[np.maximum(at, 0)], NOBODY)


def _short(host: str) -> str:
    """A host's name without its domain; an address stays whole.

    >>> _short("GPU01.example.jp"), _short("10.0.0.7")
    ('gpu01', '10.0.0.7')
    """
    first = host.partition(".")[0]
    return host if first.isdecimal() else first.lower()


def table_of(jobs: Iterable[Job], *, file: str) -> JobTable:
    """Jobs in any order as a table; finding ``jobs-overlap`` where runs share a place: that time is nobody's."""
    numbers: dict[str, int] = {}
    by_place: defaultdict[str, list[_Span]] = defaultdict(list)
    running: dict[int, int] = {}
    for job in jobs:
        run = numbers.setdefault(job.run, len(numbers))
        by_place[job.place].append((job.start_ms, job.end_ms, run))
        if job.end_ms is None:
            running[run] = min(job.start_ms, running.get(run, job.start_ms))
    places = {place: _times(spans) for place, spans in sorted(by_place.items())}
    short: dict[str, str] = {}
    for place in places:
        # Two places of one short name: neither is meant by it.
        short[_short(place)] = "" if _short(place) in short else place
    shared = [place for place, times in places.items() if SEVERAL in times.run]
    findings = [finding("jobs-overlap", file=file, count=len(shared), found=shared[0])] if shared else []
    told = {name: place for name, place in short.items() if place}
    return JobTable(tuple(numbers), places, told, running, tuple(findings))


def _times(spans: list[_Span]) -> Times:
    """Spans of runs, some of which may overlap, as stretches that follow each other."""
    edges: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for span in spans:
        start_ms, _, run = span
        end_ms = _end_ms(span, spans)
        edges[start_ms].append((run, 1))
        if end_ms is not None:
            edges[end_ms].append((run, -1))
    present: dict[int, int] = {}
    starts, runs = [], []
    for edge_ms in sorted(edges):
        for run, change in edges[edge_ms]:
            present[run] = present.get(run, 0) + change
            if not present[run]:
                del present[run]
        starts.append(edge_ms)
        runs.append(NOBODY if not present else SEVERAL if len(present) > 1 else next(iter(present)))
    return Times(np.array(starts, np.int64), np.array(runs, np.int64))


def _end_ms(span: _Span, spans: list[_Span]) -> int | None:
    """The end of a span [Unix ms]: its own, else where the next other run of the place begins, if one does."""
    start_ms, end_ms, run = span
    if end_ms is not None:
        return end_ms
    return min((start for start, _, other in spans if start > start_ms and other != run), default=None)


def jobs_file(path: Path) -> JobsFile:
    """A table of jobs as an option.

    Raises:
        InputError: ``source-unreadable``.
    """
    try:
        return JobsFile(str(path), sha256_file(path))
    except OSError as error:
        raise InputError("source-unreadable", file=str(path), reason=error.strerror or str(error)) from error


@lru_cache(maxsize=4)
def kept_table(file: JobsFile, zone: str) -> JobTable:
    """The table of an option; read once for all the files that it is declared for.

    Raises:
        InputError: ``jobs-changed``: it is not the file any more that was declared; ``source-unreadable``; what
            :func:`jobs_from` raises.
    """
    if jobs_file(Path(file.path)) != file:
        raise InputError("jobs-changed", file=file.path)
    return jobs_from(Path(file.path), zone=zone)


def jobs_from(path: Path, *, zone: str = "", encoding: str = "") -> JobTable:
    """Read a table of jobs: the output of ``sacct --parsable2`` or a plain table.

    Args:
        path: the file.
        zone: IANA name of the zone of times without one.
        encoding: as declared; empty: told from the bytes.

    Raises:
        InputError: ``jobs-columns``; what the readers of text raise.
        OSError: the file cannot be read.
    """
    remarks, clock = Remarks(path.name), Clock(zone)
    try:
        jobs = list(_from_slurm(path, encoding, clock, remarks))
    except InputError as error:
        if error.findings[0].code != "slurm-not-sacct":
            raise
        jobs = list(_from_table(table(path, remarks, encoding=encoding, keep_torn=False), path, clock, remarks))
    made = table_of(jobs, file=path.name)
    return replace(made, findings=(*remarks.findings(), *clock.findings(path.name), *made.findings))


def _from_slurm(path: Path, encoding: str, clock: Clock, remarks: Remarks) -> Iterator[Job]:
    output = opened(path, encoding)
    missing = output.missing("Start", "End", "NodeList")
    if missing:
        raise InputError("slurm-columns-missing", file=path.name, found=", ".join(missing))
    for groups in Groups(remarks).of(records(output, clock, remarks)):
        for job in (one.job for group in groups for one in tries(group) if one.job is not None):
            if job.start_ms is None or (job.end_ms is None and job.state == _PENDING):
                continue
            if job.end_ms is None and job.state not in _RUNNING:
                remarks.add("jobs-row-faulty", row=job.row, found=job.job)
            elif job.end_ms is None or job.end_ms > job.start_ms:
                yield from (Job(node, job.start_ms, job.end_ms, f"slurm-{job.leader}") for node in job.nodes)


def _from_table(opened_table: Table, path: Path, clock: Clock, remarks: Remarks) -> Iterator[Job]:
    names = {name.lower(): name for name in opened_table.header}
    missing = [name for name in ("start", "end", "run") if name not in names]
    if missing or not {"host", "device"} & names.keys():
        found = ", ".join([*missing, *([] if {"host", "device"} & names.keys() else ["host"])])
        raise InputError("jobs-columns", file=path.name, found=found)
    for chunk in opened_table.chunks:
        yield from _rows(chunk, names, clock, remarks)


def _rows(chunk: Chunk, names: dict[str, str], clock: Clock, remarks: Remarks) -> Iterator[Job]:
    empty = [""] * len(chunk)
    columns = {name: chunk.columns[names[name]] if name in names else empty for name in ("host", "device", "run")}
    rows = list(chunk.rows)
    start_ms, starts = clock.milliseconds(chunk.columns[names["start"]], series=[("start", row) for row in rows])
    end_ms, ends = clock.milliseconds(chunk.columns[names["end"]], series=[("end", row) for row in rows])
    for i, row in enumerate(rows):
        place, run = columns["device"][i] or columns["host"][i], columns["run"][i]
        if place and run and starts[i] and ends[i] and start_ms[i] < end_ms[i]:
            yield Job(place, int(start_ms[i]), int(end_ms[i]), run)
        else:
            remarks.add("jobs-row-faulty", row=row, found=f"{place} {run}".strip())
