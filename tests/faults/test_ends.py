"""Violent and polite ends: of the meter, of the child, of both. The child's end is its own; the record stays whole."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.case import Case
from tests.faults.groups import MemoryGroup
from tests.faults.host import Host
from tests.faults.job import Job
from tests.faults.sensors import LABELS, gpus

Scenario = Callable[[str], Case]
SIDE_BY_SIDE = 4
LIFE_S = 3.0
"""How long a child lives whose meter is killed; its meter began before it, so it is always killed in time [s]."""

READABLE = {"journal-no-end", "journal-torn-tail"}
"""All that a reader may object to in a journal whose meter was killed."""


def _killed_at(host: Host, number: int, delay_s: float) -> tuple[Job, int]:
    """A job whose meter is killed so long after its start; the moment of the kill."""
    job = Job(host, f"kill{number}", seconds=LIFE_S, period_s=0.5, env=gpus()).begin()
    time.sleep(delay_s)
    killed_ns = time.monotonic_ns()
    job.signal(signal.SIGKILL)
    assert job.end() == -signal.SIGKILL
    return job, killed_ns


def _after_kill(case: Case, job: Job, killed_ns: int) -> None:
    """What a kill must not do: harm the child, spoil the journal, lose more than the running interval."""
    if job.state:
        job.unharmed(case, job.end_of_orphan())
    case.ran()
    for journal in job.journals:
        if journal.segments[0].head is None:
            continue
        assert journal.faults <= READABLE, journal.faults
        case.sees(journal, "journal-no-end")
    if not job.state or job.state["begin_ns"] > killed_ns:
        return
    for label in LABELS:
        case.loses_at_most_one(job.spans(label), (job.state["begin_ns"], killed_ns), job.period_s)


def _kill_often(case: Case, new_host: Callable[..., Host], times: int) -> None:
    """Kill at moments drawn over the start and the first seconds of a run, some runs side by side."""
    draw = random.Random(20260401)
    delays = [draw.uniform(0.1, LIFE_S) for _ in range(times)]
    hosts = [new_host(f"node{number}") for number in range(SIDE_BY_SIDE)]

    def one_host(number: int) -> None:
        for index in range(number, times, SIDE_BY_SIDE):
            _after_kill(case, *_killed_at(hosts[number], index, delays[index]))

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for done in [pool.submit(one_host, number) for number in range(SIDE_BY_SIDE)]:
            done.result()
    assert case.runs == times
    assert case.codes == {7}, "no kill hit a running child"


def test_sigkill_of_the_meter_at_random_moments(case: Scenario, new_host: Callable[..., Host]) -> None:
    _kill_often(case("sigkill-meter"), new_host, 20)


@pytest.mark.nightly
def test_sigkill_of_the_meter_at_two_hundred_random_moments(case: Scenario, new_host: Callable[..., Host]) -> None:
    _kill_often(case("sigkill-meter"), new_host, 200)


def _whole(case: Case, job: Job, until_ns: int) -> None:
    """The record ended well and has numbers up to a moment."""
    assert job.journal.end is not None
    assert job.journal.faults == set()
    for label in LABELS:
        case.loses_at_most_one(job.spans(label), (job.state["begin_ns"], until_ns), job.period_s)


def test_sigkill_of_the_child(case: Scenario, host: Host) -> None:
    row = case("sigkill-child")
    job = Job(host, seconds=30, env=gpus()).begin().until_child().until_recorded(2)
    killed_ns = time.monotonic_ns()
    os.kill(job.state["pid"], signal.SIGKILL)
    code = job.end()
    row.felt(code, 0)
    row.ran()
    assert code == 128 + signal.SIGKILL
    _whole(row, job, killed_ns)
    row.sees(job.journal, "child-killed")


def test_sigterm_to_the_meter_alone_reaches_the_child(case: Scenario, host: Host) -> None:
    row = case("sigterm-meter")
    job = Job(host, seconds=30, child=["--checkpoint"], env=gpus()).begin().until_child().until_recorded(2)
    sent_ns = time.monotonic_ns()
    job.signal(signal.SIGTERM)
    code = job.end(10)
    row.felt(code, 0)
    row.ran()
    assert code == 5
    assert job.stdout.endswith("saved\n")
    _whole(row, job, sent_ns)
    row.sees(job.journal, "signal-passed")


def test_sigterm_to_the_whole_group_ends_both_in_order(case: Scenario, host: Host) -> None:
    row = case("sigterm-group")
    job = Job(host, seconds=30, child=["--checkpoint"], env=gpus()).begin().until_child().until_recorded(2)
    sent_ns = time.monotonic_ns()
    os.killpg(job.pid, signal.SIGTERM)
    code = job.end(10)
    row.felt(code, 0)
    row.ran()
    assert code == 5
    assert job.stdout.count("saved\n") >= 1
    _whole(row, job, sent_ns)
    row.sees(job.journal, "signal-passed")


@pytest.fixture
def memory_group(tmp_path: Path) -> MemoryGroup:
    group = MemoryGroup.make(64 << 20)
    if isinstance(group, str):
        pytest.skip(group)
    with contextlib.closing(group):
        yield group


def test_oom_kill_of_the_child(case: Scenario, host: Host, memory_group: MemoryGroup) -> None:
    row = case("oom-kill")
    child = ["--eat", "256", "--group", str(memory_group.folder)]
    job = Job(host, seconds=2, child=child, env=gpus()).begin().until_child()
    code = job.end()
    row.felt(code, job.state.get("longest_ns", 0))
    row.ran()
    assert memory_group.kills == 1
    assert code == 128 + signal.SIGKILL
    _whole(row, job, job.state["end_ns"])
    row.sees(job.journal, "child-killed")
