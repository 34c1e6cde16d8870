"""Which energy of a job counts. A step tells the energy of whole nodes, so that steps beside each other tell it twice.

What SLURM adds up (``_internal_step_complete`` in ``src/slurmctld``): with ``PrologFlags=Contain`` the job's energy is
that of its ``extern`` step, which lives as long as the job on all of its nodes. Without, it is the sum of all steps,
and the batch script and the steps that it starts count the same nodes at the same time. So the job's own energy is
taken, unless it is the sum of steps that meet on a node; then the steps are taken that do not meet and tell the most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gxmeter.telemetry.slurm.lines import Record
from gxmeter.telemetry.text.remarks import Remarks

EXTERN, BATCH = "extern", "batch"


@dataclass(slots=True)
class Try:
    """One run of a job: its own line, where there is one, and its steps."""

    job: Record | None
    steps: list[Record] = field(default_factory=list)

    @property
    def first(self) -> Record:
        """A line of it."""
        return self.job or self.steps[0]


def tries(group: Sequence[Record]) -> list[Try]:
    """The runs of one job id: a job that was queued again stands several times, each with its own steps.

    A step belongs to the last run that had begun when it began.
    """
    lines = dict.fromkeys(group)
    jobs = [Try(line) for line in lines if not line.step]
    jobs.sort(key=lambda one: one.first.start_ms or 0)
    orphans = Try(None)
    for step in (line for line in lines if line.step):
        begun = [one for one in jobs if step.start_ms is None or (one.first.start_ms or 0) <= step.start_ms]
        (begun[-1] if begun else jobs[0] if jobs else orphans).steps.append(step)
    return [*jobs, *([orphans] if orphans.steps else [])]


def chosen(one: Try, remarks: Remarks) -> list[Record]:
    """The lines whose energy counts; empty where nothing was measured.

    ``remarks`` gets ``slurm-steps-summed`` and ``slurm-energy-of-steps``.
    """
    steps = [step for step in one.steps if step.measured]
    extern = [step for step in steps if step.step == EXTERN]
    apart = extern[:1] or _apart(steps)
    if one.job is None or not one.job.measured:
        if apart:
            remarks.add("slurm-energy-of-steps", row=one.first.row, found=one.first.job)
        return apart
    if one.job.joules == _sum(steps) and one.job.joules != _sum(apart):
        found = f"{one.first.job}: {one.job.joules} J, {_sum(apart)} J"
        remarks.add("slurm-steps-summed", row=one.job.row, found=found)
        return apart
    return [one.job]


def _sum(lines: Sequence[Record]) -> int:
    return sum(line.joules or 0 for line in lines)


def _apart(steps: list[Record]) -> list[Record]:
    """Steps that do not meet on a node and tell the most: all, the batch script's, the others, or the greatest one."""
    batch = [step for step in steps if step.step == BATCH]
    others = [step for step in steps if step.step != BATCH]
    greatest = [max(steps, key=lambda step: step.joules or 0)] if steps else []
    candidates = [lines for lines in (steps, others, batch, greatest) if not meet(lines)]
    return max(candidates, key=_sum)


def meet(lines: Sequence[Record]) -> bool:
    """Whether two lines tell the energy of one node at one time; a line that names no nodes may be on any."""
    if not all(line.nodes for line in lines):
        lines = [_anywhere(line) for line in lines]
    last_ms: defaultdict[str, int] = defaultdict(lambda: -1)
    for line in sorted(lines, key=lambda line: (line.start_ms or 0, line.end_ms or 0)):
        start_ms, end_ms = line.start_ms or 0, line.end_ms or 0
        for node in line.nodes:
            if start_ms < last_ms[node] and end_ms > start_ms:
                return True
            last_ms[node] = max(last_ms[node], end_ms)
    return False


def _anywhere(line: Record) -> Record:
    return replace(line, nodes=("",))
