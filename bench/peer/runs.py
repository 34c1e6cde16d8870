"""One run of the job under one tool, watched from outside: its moments, its cost, what it said afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.machine import CACHE, Cost, cost_of
from bench.peer.answers import ANSWERS, Answer, events
from bench.peer.environments import python_of

JOB = Path(__file__).with_name("job.py")
SETTLED_S = 3.0
"""From the job's start until the tool's background work is over and its cost is watched [s]."""

_KEPT = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH", "FAKENVML")
_DEADLINE_S = 60
_PRIVATE = "mount -t tmpfs none /dev/shm"
"""What processes of one host share is shared with no other run: no meter here waits for one elsewhere."""
_COVER = 'mount -t tmpfs none /sys/class && mkdir /sys/class/powercap && mount --bind "$0" /sys/class/powercap'


@dataclass(frozen=True, slots=True)
class Run:
    """What was seen of one run.

    Attributes:
        moments: of the job's events, launch and exit [ns, monotonic].
        cpu_ms_per_s: processor time of the whole process tree while the job sleeps [ms/s].
        pss_mb: memory of the tree [MB].
        processes: of the tree.
        answer: what the tool left.
    """

    moments: Mapping[str, int]
    cpu_ms_per_s: float
    pss_mb: float
    processes: int
    answer: Answer

    def seconds(self, start: str, end: str) -> float:
        """Time between two moments [s]."""
        return (self.moments[end] - self.moments[start]) / 1e9


def command_of(tool: str, seconds: float) -> list[str]:
    """How the job is run under the tool."""
    if tool == "gxmeter run":
        python = str(CACHE / "venv-gxmeter" / "bin" / "python")
        return [python, "-m", "gxmeter", "run", "--run", "bench", "--", python, str(JOB), "none", str(seconds)]
    if tool == "perun":
        perun = str(python_of("perun").with_name("perun"))
        return [perun, "monitor", "-f", "json", str(JOB), "none", str(seconds)]
    python = str(CACHE / f"venv-{'gxmeter' if tool == 'none' else tool}" / "bin" / "python")
    return [python, str(JOB), tool, str(seconds)]


def run(
    tool: str,
    seconds: float,
    *,
    environment: Mapping[str, str] | None = None,
    powercap: Path | None = None,
    kill_after_s: float | None = None,
) -> Run:
    """Run the job in a network namespace of its own without a network, and watch it.

    Args:
        tool: a key of ``ANSWERS``, or ``none``.
        seconds: how long the job sleeps [s].
        environment: more variables.
        powercap: a tree that is put in the place of ``/sys/class/powercap``, in a mount namespace of its own.
        kill_after_s: time after the job's start at which the process that was launched gets SIGKILL [s].
    """
    folder = CACHE / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "gxmeter.yaml").touch()
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    mounts = _PRIVATE if powercap is None else f"{_PRIVATE} && {_COVER}"
    inside = ["unshare", "-n", "-m", "sh", "-c", f'{mounts} && exec "$@"', str(powercap)]
    with (folder / "output.txt").open("wb") as output:
        launch_ns = time.monotonic_ns()
        child = subprocess.Popen(
            [*inside, *command_of(tool, seconds)],
            cwd=folder,
            env={**kept, "HOME": str(folder), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        before, after, watched_s = _watch(child, folder, seconds, kill_after_s)
        child.wait()
        exit_ns = time.monotonic_ns()
    _end_orphans(child.pid)
    moments = {name: int(event["at_ns"]) for name, event in events(folder).items()}
    answer = ANSWERS[tool](folder) if tool in ANSWERS else Answer()
    rate = (after.cpu_ms - before.cpu_ms) / watched_s if watched_s else 0.0
    return Run({"launch": launch_ns, **moments, "exit": exit_ns}, rate, after.pss_mb, after.processes, answer)


def _watch(
    child: subprocess.Popen[bytes], folder: Path, seconds: float, kill_after_s: float | None
) -> tuple[Cost, Cost, float]:
    """The tree's cost at the beginning and the end of the quiet middle of the job, and the time between [s]."""
    give_up_s = time.monotonic() + _DEADLINE_S
    while "started" not in (seen := events(folder)) and time.monotonic() < give_up_s and child.poll() is None:
        time.sleep(0.02)
    if "started" not in seen:
        raise RuntimeError(f"the job did not start; see {folder / 'output.txt'}")
    started_s = seen["started"]["at_ns"] / 1e9
    nothing = Cost(0.0, 0.0, 0)
    if kill_after_s is not None:
        time.sleep(max(0.0, started_s + kill_after_s - time.monotonic()))
        child.send_signal(signal.SIGKILL)
        return nothing, nothing, 0.0
    if seconds < SETTLED_S + 1:
        return nothing, nothing, 0.0
    time.sleep(max(0.0, started_s + SETTLED_S - time.monotonic()))
    before, began_s = cost_of(child.pid), time.monotonic()
    time.sleep(max(0.0, started_s + seconds - 0.5 - time.monotonic()))
    return before, cost_of(child.pid), time.monotonic() - began_s


def _end_orphans(session: int) -> None:
    """End what the launched process left behind in its own session."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                os.kill(int(path.parent.name), signal.SIGKILL)
        except OSError:
            continue
