"""What the benches share: the machine in words, the cost of a process tree, and the tables in ``bench/README.md``."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "bench" / "README.md"
CACHE = ROOT / "out" / "bench"
"""Environments and scratch folders; ``make clean`` removes it."""

_NS_PER_MS = 1e6
_CPUCLOCK_SCHED = 2
"""Linux, ``include/linux/posix-timers.h``: the clock of the scheduler among a process's three."""
_KB_PER_MB = 1000


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process and its descendants have used so far.

    Attributes:
        cpu_ms: processor time [ms].
        pss_mb: memory, pages that several of them share counted in equal parts [MB of 10^6 bytes].
        processes: how many there are.
    """

    cpu_ms: float
    pss_mb: float
    processes: int


def cost_of(pid: int) -> Cost:
    """The cost of the process ``pid`` and of all that descend from it and still live."""
    pids = processes_of(pid)
    pss_kib = sum(_pss_kib(each) for each in pids)
    return Cost(sum(cpu_ms(each) for each in pids), pss_kib * 1.024 / _KB_PER_MB, len(pids))


def cpu_ms(pid: int) -> float:
    """Processor time of a process so far, its ended threads included [ms]; 0 where it is gone.

    Read from the process's own clock, which counts nanoseconds (``clock_getcpuclockid(3)``); the figures in
    ``/proc/PID/stat`` go in steps of 10 ms.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED) / _NS_PER_MS
    except OSError:
        return 0.0


def processes_of(pid: int) -> list[int]:
    """A process and all that descend from it and still live."""
    found = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:
            continue
        for child in children:
            found += processes_of(int(child))
    return found


def _pss_kib(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) if found else 0


def described() -> str:
    """Date, processor, cores, kernel and Python of this machine in one line."""
    today = dt.datetime.now(tz=dt.UTC).date()
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    virtual = "virtual machine" if "hypervisor" in Path("/proc/cpuinfo").read_text() else "bare metal"
    return (
        f"{today}, {model}, {os.cpu_count()} cores ({virtual}), Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_section(name: str, body: str, page: Path = README) -> None:
    """Put ``body`` between the markers of section ``name`` in ``bench/README.md`` or another page.

    Raises:
        ValueError: the page has no such markers.
    """
    begin, end = f"<!-- {name}: made by bench/{name}.py -->", f"<!-- end of {name} -->"
    text = page.read_text("utf-8")
    if begin not in text or end not in text:
        raise ValueError(f"{page.name} has no section {name}")
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    page.write_text(f"{before}{begin}\n\n{body.strip()}\n\n{end}{after}", "utf-8")


def quiet() -> str:
    """How busy the machine was in the last minute, for the line above a table."""
    load = os.getloadavg()[0]
    return f"load average before the run {load:.1f} on {os.cpu_count()} cores"
