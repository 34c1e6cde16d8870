"""Faults that last: a meter stopped for a minute, a sensor that answers after half a minute.

They are begun before the first test of this folder and judged here, after the last, so that the waiting costs
nothing (``conftest.py``, ``long_runs``).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.faults.case import Case
from tests.faults.host import Host
from tests.faults.job import Job
from tests.faults.long import LongRuns
from tests.faults.sensors import LABELS, WATTS, Changing

Scenario = Callable[[str], Case]


def test_a_meter_stopped_for_a_minute_loses_nothing(case: Scenario, long_runs: LongRuns) -> None:
    row = case("sigstop-meter")
    job, stopped_ns = long_runs.stopped()
    row.seconds = (job.life_ns[1] - job.life_ns[0]) / 1e9
    row.ran()
    job.unharmed(row, job.end())
    assert stopped_ns >= 60_000_000_000
    for label in LABELS:
        row.loses_at_most_one(job.spans(label), job.life_ns, job.period_s)
        row.at_known_watts(job.spans(label), WATTS[label])
    assert job.journal.longest_s >= 60
    assert job.journal.faults == set()
    row.sees(job.journal, "sampling-stalled")


def test_a_sensor_that_blocks_for_half_a_minute_loses_nothing(case: Scenario, long_runs: LongRuns) -> None:
    row = case("sensor-blocks")
    job = long_runs.blocked()
    row.seconds = (job.life_ns[1] - job.life_ns[0]) / 1e9
    row.ran()
    job.unharmed(row, job.end())
    for label in LABELS:
        row.loses_at_most_one(job.spans(label), job.life_ns, job.period_s)
        row.at_known_watts(job.spans(label), WATTS[label])
    assert job.journal.end == "stop"
    row.sees(job.journal, "sampling-stalled")


def test_a_child_that_ends_while_a_sensor_blocks_is_not_kept_waiting(case: Scenario, host: Host) -> None:
    row = case("sensor-blocks-at-end")
    fake = Changing(host.folder)
    job = Job(host, seconds=4, env=fake.env).begin().until_child().until_recorded(2)
    fake.block(30)
    blocked_ns = time.monotonic_ns()
    code = job.end(60)
    after_s = (time.monotonic_ns() - job.life_ns[1]) / 1e9
    row.ran()
    job.unharmed(row, code)
    assert after_s < 4, f"the shell had to wait {after_s:.1f} s for the meter"
    assert "did not finish in time" in job.stderr
    row.notes("at the end: the meter did not finish in time")
    for label in LABELS:
        row.loses_at_most_one(job.spans(label), (job.life_ns[0], blocked_ns), job.period_s)
    row.sees(job.journal, "journal-no-end")
