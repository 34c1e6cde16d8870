"""Running a piece of work in a process of its own and counting what it and all its descendants use."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machine import ROOT, cpu_ms, processes_of

_POLL_S = 0.05
_KIB_PER_MB = 1_000_000 / 1_024
_MS_PER_S = 1_000


@dataclass(frozen=True, slots=True)
class Spent:
    """What one piece of work took.

    Attributes:
        wall_s: from start to end [s].
        cpu_s: processor time of all its processes [s].
        peak_mb: greatest resident memory of any one of them [MB of 10^6 bytes].
        answer: what it said; empty with ``failed`` set to the end of its standard error.
        failed: empty where it went well.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    answer: dict[str, Any]
    failed: str = ""


def spend(python: Path, work: str, folder: Path) -> Spent:
    """Run ``bench.fleet.work`` with an interpreter and watch it.

    Memory is polled from the kernel's own high-water mark; a process that has ended between two polls has no more.
    """
    with tempfile.TemporaryDirectory() as place:
        said, errors = Path(place) / "answer.json", Path(place) / "errors"
        command = [str(python), "-m", "bench.fleet.work", work, str(folder), str(said)]
        begin = time.monotonic()
        with errors.open("wb") as stream:
            child = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=stream)
            used, peak_mb, status, own_s = _watched(child.pid)
        wall_s = time.monotonic() - begin
        child.returncode = status
        if status or not said.exists():
            return Spent(wall_s, 0.0, peak_mb, {}, errors.read_text("utf-8", "replace")[-600:] or f"status {status}")
        # A process that its parent has waited for is in the parent's own account; of others the last poll counts.
        return Spent(wall_s, max(used, own_s), peak_mb, json.loads(said.read_text("utf-8")))


def _watched(pid: int) -> tuple[float, float, int, float]:
    """Processor time by polling [s], peak memory [MB], exit status, processor time by the system's account [s]."""
    used_ms: dict[int, float] = {}
    peak_mb = 0.0
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            own_s = usage.ru_utime + usage.ru_stime
            return sum(used_ms.values()) / _MS_PER_S, peak_mb, os.waitstatus_to_exitcode(status), own_s
        for each in processes_of(pid):
            used_ms[each] = max(used_ms.get(each, 0.0), cpu_ms(each))
            peak_mb = max(peak_mb, _peak_mb(each))
        time.sleep(_POLL_S)


def _peak_mb(pid: int) -> float:
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found.group(1)) / _KIB_PER_MB if found else 0.0
