"""Jobs cut at the edges of an export: ``sacct --truncate`` moves times to its window and leaves the energy whole.

Nothing in the output says so. But then several jobs begin at one full hour, the first instant of all, or end at the
last.
Two such exports of neighbouring months would count a job that reaches over both twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gxmeter.core.calendar import instant
from gxmeter.telemetry.slurm.lines import Record
from gxmeter.telemetry.text.remarks import Remarks

MANY = 3
"""So many jobs that are not of one array do not begin or end in one second, at a full hour, by chance [jobs]."""

_HOUR_MS = 3_600_000


@dataclass(slots=True)
class Edges:
    """The first begin and the last end of all jobs [Unix ms], and which jobs have them."""

    first_ms: int | None = None
    last_ms: int | None = None
    first: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)

    def add(self, job: Record) -> None:
        """Look at a job; the tasks of an array are one."""
        name = job.job.partition("_")[0].partition("+")[0]
        if job.start_ms is not None and (self.first_ms is None or job.start_ms <= self.first_ms):
            if job.start_ms != self.first_ms:
                self.first_ms, self.first = job.start_ms, {}
            self.first[name] = job.row
        if job.end_ms is not None and (self.last_ms is None or job.end_ms >= self.last_ms):
            if job.end_ms != self.last_ms:
                self.last_ms, self.last = job.end_ms, {}
            self.last[name] = job.row

    def name(self, remarks: Remarks) -> None:
        """Say ``slurm-truncated`` where it looks so."""
        for edge_ms, jobs in ((self.first_ms, self.first), (self.last_ms, self.last)):
            if edge_ms is not None and len(jobs) >= MANY and edge_ms % _HOUR_MS == 0:
                at = instant(edge_ms) if edge_ms >= 0 else str(edge_ms)
                remarks.add("slurm-truncated", row=min(jobs.values()), count=len(jobs), at=at)
