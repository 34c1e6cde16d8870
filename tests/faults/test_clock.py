"""A wall clock that is set while it is measured, and a meter that stood still: no energy moves, none is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gxmeter.core.journal import ClockChange
from tests.faults.case import Case
from tests.faults.host import Host
from tests.faults.job import Job
from tests.faults.sensors import LABELS, WATTS, gpus

Scenario = Callable[[str], Case]
HOUR_MS = 3_600_000


def _faketime() -> str:
    """Debian's library that moves the wall clock of a process."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("needs libfaketime (Debian: libfaketime)")
    return str(found[0])


@pytest.mark.parametrize(("name", "shift"), [("clock-forward", "+3600"), ("clock-back", "-7200")])
def test_a_clock_that_is_set_moves_no_interval(case: Scenario, host: Host, name: str, shift: str) -> None:
    row = case(name)
    clock = host.folder / "clock"
    clock.write_text("+0\n")
    fake = {
        "LD_PRELOAD": _faketime(),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    job = Job(host, seconds=5, env=gpus() | fake, before=["env", "-u", "LD_PRELOAD"]).begin()
    job.until_child().until_recorded(3)
    clock.write_text(f"{shift}\n")
    code = job.end()
    row.ran()
    job.unharmed(row, code)
    (change,) = job.journal.records(ClockChange)
    assert isinstance(change, ClockChange)
    assert change.shift_ms == pytest.approx(int(shift) * 1000, abs=1000)
    for label in LABELS:
        row.loses_at_most_one(job.spans(label), job.life_ns, job.period_s)
        row.at_known_watts(job.spans(label), WATTS[label])
    assert job.journal.faults == set()
    row.sees(job.journal, "clock: step")
    _placed_by_the_first_clock(job)


def _placed_by_the_first_clock(job: Job) -> None:
    """The reader puts every interval where the clock was when the run began."""
    from gxmeter.telemetry.readers.gxmeter import read

    reading = read(job.journal.folder, run="x", site="x")
    starts = [int(ms) for batch in reading.batches for ms in (*batch.start_ms, *batch.end_ms)]
    now_ms = time.time_ns() // 1_000_000
    assert all(abs(ms - now_ms) < HOUR_MS // 10 for ms in starts)
