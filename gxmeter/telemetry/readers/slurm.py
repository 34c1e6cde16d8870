"""Reader of SLURM's accounting: the output of ``sacct --parsable2`` with the energy of jobs.

One finished job is energy over its time, shared equally among its nodes: what each of them used is not told, the sum is
exact. A device is a node (``gpu01.slurm`` on the host ``gpu01``), so that two jobs on one node at one time are seen:
SLURM tells the energy of the whole node to each of them. A run is a job (``slurm-4711``) unless one is given.

What measured the energy is not in the output; the role ``plugin`` of ``columns`` declares it (``AcctGatherEnergyType``
of slurm.conf). A node's own controller (``ipmi``, ``xcc``, ``pm_counters``) is grade B at boundary ``node``; ``rapl``
sees processors and memory only: grade D1 at boundary ``device``; ``gpu`` sees GPUs only, by polled power as far as we
know: grade C2 at boundary ``device``. Where nothing is declared, the boundary is ``node`` and the grade the weaker D1,
and a finding says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gxmeter.core.errors import InputError
from gxmeter.core.findings import finding
from gxmeter.telemetry.model import DeviceInfo, IntervalBatch, Reading, SeriesKey
from gxmeter.telemetry.options import NO_OPTIONS, ReadOptions
from gxmeter.telemetry.slurm.choice import Try, chosen, tries
from gxmeter.telemetry.slurm.edges import Edges
from gxmeter.telemetry.slurm.groups import Groups
from gxmeter.telemetry.slurm.lines import OPEN, Output, Record, opened, records
from gxmeter.telemetry.text.instants import Clock
from gxmeter.telemetry.text.remarks import Remarks

FORMAT = "slurm"
NAMES_RUNS = True
"""Its records say whose they are."""
OPTIONS = ("time_zone", "encoding", "boundary", "grade", "columns")
"""``columns`` may declare the role ``plugin``: what measures the nodes."""

PLUGIN = "plugin"
PLUGINS = {
    "": ("node", "D1"),
    "ipmi": ("node", "B"),
    "xcc": ("node", "B"),
    "pm_counters": ("node", "B"),
    "rapl": ("device", "D1"),
    "gpu": ("device", "C2"),
}
"""Boundary and grade by the plugin that measures (acct_gather.conf(5))."""

MAX_NODE_W = 100_000
"""Greatest believable mean power of a node [W]; several times what any has."""

HALF_UJ_PER_J = 2_000_000
_MAX_HALF_UJ = 2**62


def read(path: Path, *, run: str, site: str, options: ReadOptions = NO_OPTIONS) -> Reading:
    """Open an output of ``sacct``.

    Args:
        path: the file, plain or packed.
        run: the run of all jobs; empty: each job is its own, ``slurm-`` and its number.
        site: the site's id.
        options: ``time_zone`` of the cluster; the role ``plugin`` of ``columns``.

    Raises:
        InputError: ``slurm-not-sacct``, ``slurm-columns-missing``, ``slurm-plugin-unknown-word``.
        OSError: the file cannot be read.
    """
    plugin = options.column(PLUGIN).lower().rpartition("/")[2]
    if plugin not in PLUGINS:
        raise InputError("slurm-plugin-unknown-word", file=path.name, found=plugin, expected=_known())
    output = opened(path, options.encoding)
    missing = output.missing("Start", "End")
    if len(output.missing("ConsumedEnergyRaw", "ConsumedEnergy")) > 1:
        missing.append("ConsumedEnergyRaw")
    if missing:
        raise InputError("slurm-columns-missing", file=path.name, found=", ".join(missing))
    reading = Reading(format=FORMAT, batches=iter(()))
    if not plugin and not (options.boundary and options.grade):
        reading.findings.append(finding("slurm-plugin-not-told", file=path.name, expected=_known()))
    if output.missing("NodeList"):
        reading.findings.append(finding("slurm-no-nodes", file=path.name))
    reading.batches = _Pass(reading, run, site, plugin, Clock(options.time_zone)).batches(output)
    return reading


def _known() -> str:
    return ", ".join(name for name in PLUGINS if name)


class _Use(NamedTuple):
    """Who used a node, and when [Unix ms]."""

    start_ms: int
    end_ms: int
    job: str


@dataclass(slots=True)
class _Pass:
    """The pass over one output."""

    reading: Reading
    run: str
    site: str
    plugin: str
    clock: Clock
    steps_seen: bool = False
    first: Record | None = None
    edges: Edges = field(default_factory=Edges)
    _rows: list[tuple[SeriesKey, int, int, int]] = field(default_factory=list)
    _last: dict[str, _Use] = field(default_factory=dict)

    def batches(self, output: Output) -> Iterator[IntervalBatch]:
        """The energy of the jobs, streamed."""
        remarks = Remarks(output.name)
        for groups in Groups(remarks).of(records(output, self.clock, remarks)):
            used = [record for group in groups for record in self._group(tries(group), remarks)]
            for record in used:
                self._share(record, remarks)
            self._name_shared(used, remarks)
            if self._rows:
                yield self._batch()
        if self.first is not None and not self.steps_seen:
            remarks.add("slurm-no-steps", row=self.first.row)
        self.edges.name(remarks)
        self.reading.findings += [*remarks.findings(), *self.clock.findings(output.name)]

    def _group(self, runs: list[Try], remarks: Remarks) -> list[Record]:
        """The lines of a job that count, of all its tries; a try that is not there is named."""
        jobs = [one.job for one in runs if one.job is not None]
        lost = max((job.restarts for job in jobs if not job.sluid), default=0) + 1 - len(jobs)
        if jobs and lost > 0:
            remarks.add("slurm-tries-missing", row=jobs[-1].row, found=jobs[-1].job, count=lost)
        for job in jobs:
            self.edges.add(job)
        return [record for one in runs for record in self._of(one, remarks)]

    def _of(self, one: Try, remarks: Remarks) -> list[Record]:
        """The lines of a run of a job that count; what does not is named."""
        self.reading.records += len(one.steps) + (one.job is not None)
        self.steps_seen = self.steps_seen or bool(one.steps)
        first = one.first
        if one.job is not None and one.job.start_ms is None:
            remarks.add("slurm-not-begun", row=first.row, found=first.job)
            return []
        if one.job is not None and (one.job.state in OPEN or one.job.end_ms is None):
            remarks.add("slurm-not-ended", row=first.row, found=first.job)
            return []
        found = chosen(one, remarks)
        if not found:
            remarks.add("slurm-not-measured", row=first.row, found=first.job)
        self.first = self.first or next(iter(found), None)
        return found

    def _share(self, record: Record, remarks: Remarks) -> None:
        """Give each node of a line its share, as exact as integers are."""
        start_ms, end_ms, joules = record.start_ms or 0, record.end_ms or 0, record.joules or 0
        nodes = record.nodes or ("",)
        if end_ms <= start_ms:
            remarks.add("slurm-no-time", row=record.row, found=record.job)
            return
        count = len(record.nodes) or record.count or 1
        total = joules * HALF_UJ_PER_J
        if joules * 1000 > MAX_NODE_W * count * (end_ms - start_ms) or total // len(nodes) >= _MAX_HALF_UJ:
            remarks.add("slurm-energy-implausible", row=record.row, found=f"{record.job}: {joules} J")
            return
        if len(nodes) > 1:
            remarks.add("slurm-nodes-equal", row=record.row)
        run = self.run or f"slurm-{record.leader}"
        for i, node in enumerate(nodes):
            share = total * (i + 1) // len(nodes) - total * i // len(nodes)
            self._rows.append((SeriesKey(run, self.site, self._device(node, record)), start_ms, end_ms, share))

    def _device(self, node: str, record: Record) -> str:
        """The id of a node, described once; of a job, where nobody tells its nodes."""
        device = f"{node or record.job}.slurm"
        boundary, grade = PLUGINS[self.plugin]
        self.reading.devices.setdefault(
            (self.site, device),
            DeviceInfo(
                device=device,
                site=self.site,
                host=node,
                kind="node" if node else "job",
                name="",
                boundary=boundary,
                method=f"slurm-{self.plugin}" if self.plugin else "slurm",
                grade=grade,
            ),
        )
        return device

    def _name_shared(self, used: Sequence[Record], remarks: Remarks) -> None:
        """Name jobs on a node that another one was using: each tells the energy of the whole node."""
        for record in sorted(used, key=lambda record: (record.start_ms or 0, record.end_ms or 0)):
            start_ms, end_ms = record.start_ms or 0, record.end_ms or 0
            others = (self._last[node] for node in record.nodes if node in self._last)
            shared = [
                last for last in others if last.job != record.job and start_ms < last.end_ms and last.start_ms < end_ms
            ]
            if shared:
                remarks.add("slurm-node-shared", row=record.row, found=f"{shared[0].job}, {record.job}")
            for node in record.nodes:
                if node not in self._last or self._last[node].end_ms < end_ms:
                    self._last[node] = _Use(start_ms, end_ms, record.job)

    def _batch(self) -> IntervalBatch:
        """The waiting rows in the order of time."""
        rows, self._rows = sorted(self._rows, key=lambda row: row[1:3]), []
        keys = {key: i for i, key in enumerate(dict.fromkeys(row[0] for row in rows))}
        columns = (np.array([row[i] for row in rows], np.int64) for i in (1, 2, 3))
        start_ms, end_ms, half_uj = columns
        return IntervalBatch(tuple(keys), np.array([keys[row[0]] for row in rows], np.int32), start_ms, end_ms, half_uj)
