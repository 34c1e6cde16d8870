"""Scripts that meter themselves: ranks of one launch, and a training with many helpers of its own.

    python ranks.py rank SECONDS            one rank: a Meter around some seconds of work
    python ranks.py launch COUNT SECONDS    so many ranks on this host, as a launcher starts them
    python ranks.py fork COUNT SECONDS      a metered training with COUNT forked workers
    python ranks.py spawn COUNT SECONDS     the same with spawned workers
    python ranks.py forks COUNT SECONDS     a metered training that forks while its meter is still starting

Each says on standard output what its meter says, as one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from typing import NoReturn

import gxmeter

LOADED = ("ctypes", "subprocess", "psutil", "pynvml", "logging.handlers", "decimal", "json", "rapidfuzz")
"""Libraries that sensors load in the background, and that a worker may want as well."""


def _said(meter: gxmeter.Meter, begin_ns: int, end_ns: int, **more: object) -> str:
    result = meter.result
    return json.dumps(
        {
            "pid": os.getpid(),
            "begin_ns": begin_ns,
            "end_ns": end_ns,
            "journal": str(result.journal) if result.journal else None,
            "energy_uj": result.measured_uj,
            **more,
        }
    )


def _work(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(2000))
        time.sleep(0.01)


def rank(seconds: float) -> None:
    """One rank of a launch."""
    with gxmeter.Meter() as meter:
        begin_ns = time.monotonic_ns()
        _work(seconds)
        end_ns = time.monotonic_ns()
    print(_said(meter, begin_ns, end_ns, rank=os.environ.get("RANK")), flush=True)


def launch(count: int, seconds: float) -> None:
    """Start the ranks as torchrun does, and hand back the worst of their exit codes."""
    started = []
    for number in range(count):
        own = {
            "RANK": str(number),
            "LOCAL_RANK": str(number),
            "WORLD_SIZE": str(count),
            "LOCAL_WORLD_SIZE": str(count),
            "GROUP_RANK": "0",
            "GROUP_WORLD_SIZE": "1",
            "TORCHELASTIC_RUN_ID": "fault-ranks",
            "TORCHELASTIC_RESTART_COUNT": "0",
        }
        command = [sys.executable, __file__, "rank", str(seconds)]
        started.append(subprocess.Popen(command, env=os.environ | own))
    sys.exit(max(process.wait() for process in started))


def square(number: int) -> int:
    """A worker's task, long enough that every worker gets some."""
    time.sleep(0.01)
    return number * number


def workers(how: str, count: int, seconds: float) -> None:
    """A metered training that has its data made by many processes."""
    with gxmeter.Meter(run="workers", site="lab") as meter:
        begin_ns = time.monotonic_ns()
        context = multiprocessing.get_context(how)
        with context.Pool(count) as pool:
            total = sum(pool.map(square, range(20 * count), chunksize=1))
            _work(seconds)
            pool.close()
            pool.join()
        end_ns = time.monotonic_ns()
    print(_said(meter, begin_ns, end_ns, total=total), flush=True)


def forks(count: int, seconds: float) -> None:
    """A metered training that forks while its meter still loads its sensors; each child loads the same libraries."""
    children = []
    with gxmeter.Meter(run="forks", site="lab") as meter:
        begin_ns = time.monotonic_ns()
        for number in range(count):
            pid = os.fork()
            if pid == 0:
                _child(number)
            children.append(pid)
            time.sleep(0.02)
        _work(seconds)
        hung = _reap(children)
        end_ns = time.monotonic_ns()
    print(_said(meter, begin_ns, end_ns, hung=hung), flush=True)


def _child(number: int) -> NoReturn:
    """A forked worker: load what a sensor loads too, then run the interpreter's whole end."""
    for name in LOADED[number % len(LOADED) :]:
        importlib.import_module(name)
    sys.exit(0)


def _reap(children: list[int]) -> int:
    """Wait for the children; those that do not end within ten seconds are ended, and counted."""
    deadline, hung = time.monotonic() + 10, 0
    for pid in children:
        while os.waitpid(pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                hung += 1
                break
            time.sleep(0.01)
    return hung


def main(kind: str, *numbers: str) -> None:
    """Do as the command line says."""
    if kind == "rank":
        rank(float(numbers[0]))
    elif kind == "launch":
        launch(int(numbers[0]), float(numbers[1]))
    elif kind == "forks":
        forks(int(numbers[0]), float(numbers[1]))
    else:
        workers(kind, int(numbers[0]), float(numbers[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
