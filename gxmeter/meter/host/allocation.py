"""What of this host is ours: the processors, the memory and the GPUs that the scheduler gave to this job.

Asked are, in this order, for processors and for memory each:

1. The control groups (``cgroups.py``): what the kernel enforces. Of several limits on the way up the tightest counts.
2. SLURM, where it runs the job without control groups: ``SLURM_JOB_CPUS_PER_NODE``, ``SLURM_CPUS_ON_NODE``,
   ``SLURM_MEM_PER_NODE``, ``SLURM_MEM_PER_CPU`` (sbatch(1) and srun(1), "Output environment variables"); only on a
   node where its daemon started us (``SLURMD_NODENAME``), since a login shell may carry the others.

The CPU affinity (sched_getaffinity(2)) is never asked. Launchers pin every rank to a few CPUs of the job, so the
elected meter of a host would see one rank's CPUs and lose the others', and a pinned process leaves the rest of the
host to nobody in particular. Where a pin is a right of its own, a control group or SLURM says so too.
Weights (``cpu.weight``, ``cpu.shares``) and throttling (``memory.high``) give no right to a part and are not asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gxmeter.core.journal import Facts
from gxmeter.meter.host.cgroups import (
    V1,
    V2,
    Cgroup,
    Limit,
    cpu_limits,
    cpu_list,
    cpuset,
    find_cgroups,
    memory_limits,
    small_text,
)
from gxmeter.meter.host.per_node import of_node, whole_number

SLURM, NONE = "slurm", "none"
"""Sources beside the control groups; ``none`` where nothing limits us."""

GPU_VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "SLURM_STEP_GPUS",
    "SLURM_JOB_GPUS",
)
"""Who may say which GPUs are ours, the innermost first (CUDA C++ Programming Guide, "CUDA Environment Variables";
NVIDIA Container Toolkit, "Specialized Configurations"; ROCm, "GPU isolation techniques"; sbatch(1), srun(1))."""

_MILLI = 1000
_KIB, _MIB = 1 << 10, 1 << 20
_MAX_TEXT = 300
_GPU_TEXT = re.compile(r"[A-Za-z0-9,:/_.\- ]*")
_MEM_TOTAL = re.compile(r"^MemTotal:\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Allocation:
    """What of this host is ours.

    Attributes:
        source: who says so: ``cgroup-v2``, ``cgroup-v1``, ``slurm``, joined with ``+`` where several do, or ``none``
            where nothing limits us.
        cpus: numbers of our CPUs, or None where they are not limited by number.
        cpu_quota_milli: our limit of CPU time [1/1000 CPU] where it is less than our CPUs have, or None.
        cpu_groups: the groups that limit CPU time, outermost first; the last is the one whose limit counts.
        cpus_host: CPUs of the host.
        memory_bytes: our limit of memory [bytes], or None.
        memory_groups: as ``cpu_groups``, of memory.
        memory_host_bytes: memory of the host [bytes], or None where it cannot be read.
        gpus: the text of the variable that says which GPUs are ours, or None where none does.
        gpus_from: that variable's name. Its numbers may be CUDA's, NVML's or SLURM's, which may differ.
        cgroup: path of our control group, or None where there is none.
    """

    source: str = NONE
    cpus: tuple[int, ...] | None = None
    cpu_quota_milli: int | None = None
    cpu_groups: tuple[str, ...] = ()
    cpus_host: int = 1
    memory_bytes: int | None = None
    memory_groups: tuple[str, ...] = ()
    memory_host_bytes: int | None = None
    gpus: str | None = None
    gpus_from: str | None = None
    cgroup: str | None = None

    def share_cpu(self) -> tuple[int, int] | None:
        """Our part of the host's CPU time as numerator and denominator; None where all of it is ours.

        >>> Allocation(cpus=(0, 1, 2, 3), cpus_host=64).share_cpu()
        (4, 64)
        >>> Allocation(cpu_quota_milli=2500, cpus_host=64).share_cpu()
        (2500, 64000)
        """
        if self.cpu_quota_milli is not None:
            return self.cpu_quota_milli, self.cpus_host * _MILLI
        return None if self.cpus is None else (len(self.cpus), self.cpus_host)

    def share_ram(self) -> tuple[int, int] | None:
        """Our part of the host's memory as numerator and denominator [bytes]; None where all of it is ours."""
        if self.memory_bytes is None or self.memory_host_bytes is None:
            return None
        return self.memory_bytes, self.memory_host_bytes

    @property
    def facts(self) -> Facts:
        """For the journal's head: what is ours and who says so; empty where the whole host is."""
        cpus = None if self.cpus is None else _as_list(self.cpus)
        limited = (
            ("cpus", cpus and _shortened(cpus)),
            ("cpu_quota_milli", self.cpu_quota_milli),
            ("memory_bytes", self.memory_bytes),
            ("gpus", self.gpus if self.gpus is None else _shortened(self.gpus)),
            ("gpus_from", self.gpus_from),
        )
        kept = tuple((name, value) for name, value in limited if value is not None)
        if not kept:
            return ()
        host = (("cpus_host", self.cpus_host), ("memory_host_bytes", self.memory_host_bytes), ("cgroup", self.cgroup))
        around = ((name, _shortened(v) if isinstance(v, str) else v) for name, v in host if v is not None)
        return (("source", self.source), *kept, *around)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one source says of one resource; nothing where ``source`` is None."""

    source: str | None = None
    cpus: tuple[int, ...] | None = None
    amount: int | None = None
    groups: tuple[str, ...] = ()


def read_allocation(environ: Mapping[str, str], root: Path = Path("/"), pid: str = "self") -> Allocation:
    """What of this host is ours; never raises, and what cannot be read does not limit.

    Args:
        environ: the environment.
        root: where the file systems ``/proc`` and ``/sys`` are found.
        pid: the process that is asked for, as in ``/proc``.
    """
    groups = find_cgroups(("memory", "cpu", "cpuset"), root, pid)
    ours = cpuset(groups["cpuset"]) if "cpuset" in groups else None
    host = _host_cpus(root, ours)
    memory_host = _host_memory(root)
    processors = _cpus_by_group(groups, ours, host)
    if processors.source is None:
        processors = _cpus_by_slurm(environ, host)
    memory = _memory_by_group(groups.get("memory"), memory_host)
    if memory.source is None:
        memory = _memory_by_slurm(environ, host, memory_host)
    gpus_from = next((name for name in GPU_VARIABLES if _is_gpu_text(environ.get(name))), None)
    sources = [name for name in (V2, V1, SLURM) if name in {processors.source, memory.source}]
    known = list(groups.values())
    return Allocation(
        source="+".join(sources) or NONE,
        cpus=processors.cpus,
        cpu_quota_milli=processors.amount,
        cpu_groups=processors.groups,
        cpus_host=host,
        memory_bytes=memory.amount,
        memory_groups=memory.groups,
        memory_host_bytes=memory_host,
        gpus=environ[gpus_from] if gpus_from else None,
        gpus_from=gpus_from,
        cgroup=next((group.path for group in known if group.path != "/"), known[0].path if known else None),
    )


def _cpus_by_group(groups: Mapping[str, Cgroup], ours: tuple[int, ...] | None, host: int) -> _Part:
    """The CPU set where it is narrower than the host, and the quota where it is narrower than that."""
    limited = ours is not None and len(ours) < host
    cpus = ours if limited else None
    group = groups.get("cpu")
    limits = [] if group is None else cpu_limits(group)
    quota = _tightest(limits, (len(cpus) if cpus else host) * _MILLI)
    by = group if quota.amount is not None else groups.get("cpuset") if limited else None
    return _Part(by.version, cpus, quota.amount, quota.groups) if by else _Part()


def _memory_by_group(group: Cgroup | None, host: int | None) -> _Part:
    part = _tightest([] if group is None else memory_limits(group), host)
    return _Part(group.version, None, part.amount, part.groups) if group and part.amount is not None else _Part()


def _tightest(limits: list[Limit], host: int | None) -> _Part:
    """The tightest limit below what the host has, and the groups around it; the outermost of equal ones.

    The outermost, because its limit is what all groups in it have together.
    """
    real = [limit for limit in limits if host is None or limit.amount < host]
    if host is None or not real:
        return _Part()
    amount = min(limit.amount for limit in real)
    last = next(place for place, limit in enumerate(real) if limit.amount == amount)
    return _Part(None, None, amount, tuple(limit.group for limit in real[: last + 1]))


def _cpus_by_slurm(environ: Mapping[str, str], host: int) -> _Part:
    """The CPUs of the job on this node: a count, for which ones they are is not said."""
    count = _slurm_cpus(environ)
    if count is None or count >= host:
        return _Part()
    return _Part(SLURM, None, count * _MILLI, (_slurm_job(environ),))


def _memory_by_slurm(environ: Mapping[str, str], cpus_host: int, host: int | None) -> _Part:
    """The memory of the job on this node; zero means all of it (sbatch(1), ``--mem``)."""
    if not _on_slurm_node(environ) or host is None:
        return _Part()
    per_node, per_cpu = (whole_number(environ.get(name)) for name in ("SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU"))
    amount = (per_node or (per_cpu or 0) * (_slurm_cpus(environ) or cpus_host)) * _MIB
    return _Part(SLURM, None, amount, (_slurm_job(environ),)) if 0 < amount < host else _Part()


def _slurm_cpus(environ: Mapping[str, str]) -> int | None:
    """CPUs of the whole job on this node where all its nodes have as many, else those of the step."""
    if not _on_slurm_node(environ):
        return None
    of_job = of_node(environ.get("SLURM_JOB_CPUS_PER_NODE"), None)
    return of_job or whole_number(environ.get("SLURM_CPUS_ON_NODE")) or None


def _on_slurm_node(environ: Mapping[str, str]) -> bool:
    return "SLURMD_NODENAME" in environ and whole_number(environ.get("SLURM_JOB_ID")) is not None


def _slurm_job(environ: Mapping[str, str]) -> str:
    return f"slurm-{environ['SLURM_JOB_ID']}"


def _host_cpus(root: Path, ours: tuple[int, ...] | None) -> int:
    """CPUs of the host: those online; those present where ours are not among them (a container's own ``online``)."""
    folder = root / "sys" / "devices" / "system" / "cpu"
    online, present = (cpu_list(small_text(folder / name)) for name in ("online", "present"))
    if ours is not None and not set(ours) <= set(online):
        return max(len(present), len(ours))
    return len(online) or os.cpu_count() or 1


def _host_memory(root: Path) -> int | None:
    found = _MEM_TOTAL.search(small_text(root / "proc" / "meminfo"))
    return int(found[1]) * _KIB if found else None


def _is_gpu_text(text: str | None) -> bool:
    return text is not None and _GPU_TEXT.fullmatch(text) is not None


def _as_list(cpus: tuple[int, ...]) -> str:
    """CPU numbers as the kernel writes them: ``0-3,8``."""
    parts: list[list[int]] = []
    for cpu in cpus:
        if parts and cpu == parts[-1][1] + 1:
            parts[-1][1] = cpu
        else:
            parts.append([cpu, cpu])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def _shortened(text: str) -> str:
    """A text as the journal takes it; the end of a longer one is left out, visibly."""
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "..."
