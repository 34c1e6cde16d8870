"""The job of ``bench/overhead.py``: a fixed amount of arithmetic; prints what it and its meter have used as JSON.

``overhead_job.py none`` works without a meter, ``inside`` under a ``gxmeter.Meter`` of its own process, ``around``
under the ``gxmeter run`` that is its parent.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time

BLOCKS = 12_000
"""About 6 s on a server core of 2023; the work is the same in every run, whatever it takes."""

BLOCK = bytes(range(256)) * 1024
SETTLE_S = 2.5
"""The meter's background work (CodeCarbon's import) is over by then [s]; the ratios are of steady running."""

_CPUCLOCK_PERTHREAD, _CPUCLOCK_SCHED = 4, 2


def work() -> None:
    """Half in C with the interpreter's lock released, half in Python with it held."""
    digest = hashlib.sha256()
    total = 0
    for _ in range(BLOCKS):
        digest.update(BLOCK)
        for number in range(2000):
            total += number * number
    if not digest.hexdigest() or not total:
        raise AssertionError


def used_ns(mode: str) -> int:
    """Processor time of the meter so far [ns]: its threads here, or the parent process."""
    if mode == "around":
        return time.clock_gettime_ns((~os.getppid() << 3) | _CPUCLOCK_SCHED)
    if mode == "none":
        return 0
    threads = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    clocks = [
        (~thread.native_id << 3) | _CPUCLOCK_PERTHREAD | _CPUCLOCK_SCHED for thread in threads if thread.native_id
    ]
    return sum(time.clock_gettime_ns(clock) for clock in clocks)


def main(mode: str) -> None:
    """Work once, and say what it took."""
    meter, start_ns = None, 0
    if mode == "inside":
        from gxmeter.meter.session import Meter  # noqa: PLC0415

        began_ns = time.perf_counter_ns()
        meter = Meter(run="bench").start()
        start_ns = time.perf_counter_ns() - began_ns
    time.sleep(SETTLE_S)
    meter_ns, wall_ns, job_ns = used_ns(mode), time.perf_counter_ns(), time.thread_time_ns()
    work()
    job_ns, wall_ns = time.thread_time_ns() - job_ns, time.perf_counter_ns() - wall_ns
    meter_ns = used_ns(mode) - meter_ns
    if meter is not None:
        meter.stop()
    answer = {
        "wall_s": wall_ns / 1e9,
        "job_cpu_s": job_ns / 1e9,
        "meter_ms_per_s": meter_ns / 1e6 / (wall_ns / 1e9),
        "start_ms": start_ns / 1e6,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
