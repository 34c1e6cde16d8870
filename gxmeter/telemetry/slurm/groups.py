"""Lines gathered by job, as the file goes by: one chunk at a time, the job in which a chunk ends with the next one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gxmeter.telemetry.slurm.lines import Record
from gxmeter.telemetry.text.remarks import Remarks


@dataclass(slots=True)
class Groups:
    """Gathers lines; remembers by a number which jobs have gone by, so that no energy is taken twice.

    Attributes:
        remarks: gets ``slurm-line-again`` for jobs that stand twice, ``slurm-step-late`` for steps far from their job.
    """

    remarks: Remarks
    _jobs: set[int] = field(default_factory=set)
    _lines: set[int] = field(default_factory=set)

    def of(self, chunks: Iterable[list[Record]]) -> Iterator[list[list[Record]]]:
        """All lines of each job that a chunk holds, for chunk after chunk."""
        waiting: list[Record] = []
        for chunk in chunks:
            if waiting:
                *groups, waiting = _by_job(waiting)
                yield self._fresh_ones(groups)
            waiting += chunk
        yield self._fresh_ones(_by_job(waiting))

    def _fresh_ones(self, groups: list[list[Record]]) -> list[list[Record]]:
        return [fresh for group in groups if (fresh := self._fresh(group))]

    def _fresh(self, group: list[Record]) -> list[Record]:
        """The lines of a job without those that have gone by in an earlier chunk."""
        job = hash(group[0].key)
        again = job in self._jobs
        self._jobs.add(job)
        kept = [record for record in group if not again or self._is_new(record, group)]
        self._lines |= {hash((record.key, record.start_ms, record.state)) for record in kept if not record.step}
        return kept

    def _is_new(self, record: Record, group: list[Record]) -> bool:
        if not record.step:
            if hash((record.key, record.start_ms, record.state)) not in self._lines:
                return True
            self.remarks.add("slurm-line-again", row=record.row, found=record.job)
            return False
        if any(not other.step for other in group):
            return True
        self.remarks.add("slurm-step-late", row=record.row, found=f"{record.job}.{record.step}")
        return False


def _by_job(records: list[Record]) -> list[list[Record]]:
    """The lines of each job; the job of the last line stands last."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        groups.setdefault(record.key, []).append(record)
    last = groups.pop(records[-1].key) if records else []
    return [*groups.values(), *([last] if last else [])]
