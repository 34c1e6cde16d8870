"""The training of the fault tests: it works in small steps, says each one, and ends with a code that is known.

    python worker.py --seconds 3 --code 7 --state state.json

Its state file is its own account of what it felt: when it began and ended on the monotonic clock, how many steps it
did, and the longest pause between two of them. It is written whole before the first step and after the last one.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

STEP_S = 0.02
"""A step: a short computation, then sleep up to this [s]."""


def write(path: Path, state: dict[str, object]) -> None:
    """Put the state down whole; a reader never sees half of it."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(state))
    beside.replace(path)


def work(seconds: float, state: dict[str, object], path: Path) -> None:
    """Do the steps and say them."""
    steps, longest_ns = round(seconds / STEP_S), 0
    last_ns = time.monotonic_ns()
    for step in range(steps):
        hashlib.sha256(bytes(20_000)).hexdigest()
        time.sleep(STEP_S)
        now_ns = time.monotonic_ns()
        longest_ns, last_ns = max(longest_ns, now_ns - last_ns), now_ns
        print(f"step {step}", flush=True)
    write(path, state | {"end_ns": last_ns, "steps": steps, "longest_ns": longest_ns})


def eat(megabytes: int) -> None:
    """Take memory and touch it, a megabyte at a time, until somebody stops this."""
    taken = []
    for _ in range(megabytes):
        taken.append(bytearray(os.urandom(1024) * 1024))
        time.sleep(0.002)
    print(len(taken))


def main() -> int:
    """The whole training."""
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=3)
    options.add_argument("--code", type=int, default=0)
    options.add_argument("--state", type=Path, required=True)
    options.add_argument("--checkpoint", action="store_true", help="on SIGTERM say 'saved' and end with code 5")
    options.add_argument("--eat", type=int, default=0, help="megabytes to take after the work")
    options.add_argument("--group", type=Path, help="control group to enter before anything else")
    chosen = options.parse_args()
    if chosen.group:
        (chosen.group / "cgroup.procs").write_text(str(os.getpid()))
    if chosen.checkpoint:
        signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"saved\n"), os._exit(5)))
    state: dict[str, object] = {"pid": os.getpid(), "begin_ns": time.monotonic_ns()}
    write(chosen.state, state)
    work(chosen.seconds, state, chosen.state)
    if chosen.eat:
        eat(chosen.eat)
    return chosen.code


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
