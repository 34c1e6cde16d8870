"""Reader of MLPerf Training power logs: the folder of one run's logs, or one log.

Each log is one node, read every few seconds: ``:::MLLOG {"time_ms": ..., "key": "power_reading", "value": watts}``.
Device and host are the name in a reading's metadata, else that of the file (``node_7.txt`` is ``node_7``).

Boundary and grade. A reading covers the whole ``node``; on the DC side without the losses of its power supplies, which
is said. The DC side is a device of its own on the same host (``node_7.dc``, method ``mlperf-dc``): where both sides of
a run are read, the AC side counts and they are never added (``energy/double_meters.py``). Grade B: the rules for
training take a node's own readings (mlcommons/logging converts IPMI and BIOS logs) and name no analyser and no class,
unlike those for inference, so grade A would have to be declared.

What counts is the readings, from the first to the last. The network's estimate, the submitter's sum, the run's start
and stop and the system's description are compared and named; nothing of them is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.mlperf.events import (
    EFFICIENCY,
    ESTIMATE,
    MARK,
    READING,
    START,
    STOP,
    Event,
    NotANumberError,
    events,
    milliwatts,
)
from gxmeter.telemetry.mlperf.folder import AC, DC, Folder, beginning, folder_of, other_side, run_window, side_of
from gxmeter.telemetry.mlperf.remarks import Estimate, Seen, findings
from gxmeter.telemetry.model import DeviceInfo, PowerBatch, Reading, SeriesKey
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions
from gxmeter.telemetry.text import table
from gxmeter.telemetry.text.numbers import number
from gxmeter.telemetry.text.remarks import Remarks

FORMAT = "mlperf-power"
PATTERNS = ("node_*", "power_*")
"""Which files of a folder make it a folder of power logs."""
FOLDERS = True
"""A run's logs lie together, with what the submitter says of them."""
BESIDE = ("../*.txt", "../../systems/*.json")
"""What it looks at outside the folder: the log of the run and the description of the system."""
OPTIONS = ("encoding", "boundary", "grade", "columns")
"""``columns`` may declare the role ``side``: ``ac`` or ``dc``."""

SIDE = "side"


def read(path: Path, *, run: str, site: str, options: ReadOptions = NO_OPTIONS) -> Reading:
    """Open the folder of a run's power logs, or one log.

    Args:
        path: the folder, or one log; then no file beside it is read.
        run: the run's id: the logs name none.
        site: the site's id.
        options: ``encoding``; the role ``side`` of ``columns`` (``ac`` or ``dc``) where nothing tells it.

    Raises:
        InputError: ``mlperf-no-logs``, ``mlperf-not-a-log``, ``mlperf-archive``, ``mlperf-side-unknown-word``.
        OSError: the path cannot be read.
    """
    folder = folder_of(path, options.encoding) if path.is_dir() else None
    if folder is None and MARK not in beginning(path, options.encoding):
        raise InputError("mlperf-not-a-log", file=path.name)
    side, told = _side(path, folder, options)
    logs = [path] if folder is None else [*folder.logs, *folder.estimates]
    reading = Reading(format=FORMAT, batches=iter(()), findings=told)
    job = _Job(reading, _about(folder, side, site), run, options.encoding)
    reading.batches = _stream(job, path.name, folder, logs)
    return reading


def _side(path: Path, folder: Folder | None, options: ReadOptions) -> tuple[str, list[Finding]]:
    """Which side was read, and what is to be said of how that is known."""
    declared = options.column(SIDE).lower()
    if declared not in {"", AC, DC}:
        raise InputError("mlperf-side-unknown-word", file=path.name, found=declared)
    known = declared or (folder.side if folder else "")
    named = known or side_of(path if folder else path.parent, folder or Folder())
    if not named:
        return "", [finding("mlperf-side-unknown", file=path.name)]
    told = [] if known else [finding("mlperf-side-told", file=path.name, found=named.upper())]
    if named == DC:
        other = other_side(path)
        beside = finding("mlperf-dc-beside-ac", file=path.name, other=other.name) if other else None
        told.append(beside or finding("mlperf-dc-side", file=path.name))
    return named, told


def _about(folder: Folder | None, side: str, site: str) -> DeviceInfo:
    """What holds for every node of the folder."""
    system = folder.system if folder else {}
    count, name = (str(system.get(key, "")) for key in ("accelerators_per_node", "accelerator_model_name"))
    return DeviceInfo(
        device="",
        site=site,
        host="",
        kind="node",
        name=f"{count}x {name}" if count and name else name,
        boundary="node",
        method=f"mlperf-{side}" if side else "mlperf-power",
        grade="B",
    )


@dataclass(slots=True)
class _Job:
    """What a pass over the logs needs and gathers."""

    reading: Reading
    about: DeviceInfo
    run: str
    encoding: str
    seen: Seen = field(default_factory=Seen)

    def key_of(self, host: str) -> SeriesKey:
        """The series of a node, described once."""
        device = f"{host}.{DC}" if self.about.method.endswith(DC) else host
        self.reading.devices.setdefault((self.about.site, device), replace(self.about, device=device, host=host))
        return SeriesKey(self.run, self.about.site, device)


def _stream(job: _Job, name: str, folder: Folder | None, logs: list[Path]) -> Iterator[PowerBatch]:
    job.seen.tally.window = run_window(folder) if folder else None
    for log in logs:
        yield from _Log(job, log).batches()
    if not job.reading.records and not job.seen.estimates and not any(f.level == "must" for f in job.reading.findings):
        raise InputError("mlperf-no-power", file=name)
    job.reading.findings += findings(name, folder, job.seen)


@dataclass(slots=True)
class _Log:
    """The pass over one log: readings that wait to be handed on, and the instant of its mark of the end [Unix ms]."""

    job: _Job
    path: Path
    hosts: list[str] = field(default_factory=list)
    ts_ms: list[int] = field(default_factory=list)
    power_mw: list[int] = field(default_factory=list)
    last_ms: int | None = None
    stop_ms: int | None = None

    def batches(self) -> Iterator[PowerBatch]:
        """The log's readings, streamed."""
        remarks = Remarks(self.path.name)
        for event in events(self.path, remarks, self.job.encoding):
            if event.key == READING:
                self._take(event, remarks)
            else:
                self._note(event, remarks)
            if len(self.ts_ms) >= table.CHUNK_ROWS:
                yield self._batch()
        if self.ts_ms:
            yield self._batch()
        self.job.reading.findings += remarks.findings()
        self._close()

    def _take(self, event: Event, remarks: Remarks) -> None:
        """Keep a reading; one without a number or an instant is named and left out."""
        self.job.reading.records += 1
        try:
            power_mw = milliwatts(event)
        except NotANumberError as error:
            remarks.add("mlperf-value-faulty", row=event.row, found=str(error))
            return
        if power_mw is None or event.time_ms is None:
            remarks.add("mlperf-reading-missing", row=event.row)
            return
        self.hosts.append(str(event.metadata.get("host") or self.path.name.split(".")[0]))
        self.ts_ms.append(event.time_ms)
        self.power_mw.append(power_mw)

    def _note(self, event: Event, remarks: Remarks) -> None:
        """Remember what else a log says."""
        if event.key == ESTIMATE:
            self._estimate(event, remarks)
        elif event.key == STOP:
            self.stop_ms = event.time_ms
        elif event.key == EFFICIENCY:
            if number(str(event.value)) != 1:
                remarks.add("mlperf-conversion-declared", row=event.row, found=str(event.value))
        elif event.key != START:
            remarks.add("mlperf-key-unused", row=event.row, key=event.key)

    def _estimate(self, event: Event, remarks: Remarks) -> None:
        try:
            value_mw = milliwatts(event)
        except NotANumberError as error:
            remarks.add("mlperf-value-faulty", row=event.row, found=str(error))
            return
        if value_mw is not None:
            self.job.seen.estimates.append(Estimate(self.path.name, value_mw, event.time_ms))

    def _batch(self) -> PowerBatch:
        """The waiting readings, each node's in order of time."""
        hosts = sorted(set(self.hosts))
        codes = {host: i for i, host in enumerate(hosts)}
        key = np.array([codes[host] for host in self.hosts], np.int32)
        ts_ms, power_mw = np.array(self.ts_ms, np.int64), np.array(self.power_mw, np.int64)
        order = np.lexsort((power_mw, ts_ms, key))
        batch = PowerBatch(tuple(self.job.key_of(host) for host in hosts), key[order], ts_ms[order], power_mw[order])
        for host, code in codes.items():
            mine = batch.key == code
            self.job.seen.tally.add(host, batch.ts_ms[mine], batch.power_mw[mine])
        self.last_ms = max(int(ts_ms.max()), self.last_ms or int(ts_ms.max()))
        self.hosts, self.ts_ms, self.power_mw = [], [], []
        return batch

    def _close(self) -> None:
        seen, name = self.job.seen, self.path.name
        if self.last_ms is None and not any(one.file == name for one in seen.estimates):
            seen.empty.append(name)
        if self.last_ms is not None and self.stop_ms is not None and self.stop_ms < self.last_ms:
            seen.stops[name] = (self.stop_ms, self.last_ms)
