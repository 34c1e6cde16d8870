"""The process engine: real worker processes, killed and interrupted; the digits stay."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gxmeter.core.errors import GxmeterError, InputError
from gxmeter.core.findings import Finding
from gxmeter.energy.engines import EngineChoice, started
from gxmeter.energy.integrate import integrate
from gxmeter.energy.model import Source
from gxmeter.energy.tasks import Answer, Task
from tests.engines.conftest import Fleet, Struck

TWO = EngineChoice("process", workers=2)


def kill_a_worker() -> None:
    os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)


def kill_oneself(task: Task) -> Answer[str]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError(task)


def test_processes_give_the_same_digits_and_findings(fleet: Fleet) -> None:
    seen: list[tuple[int, int]] = []
    result = integrate(fleet.sources, engine=TWO, progress=lambda done, total: seen.append((done, total)))
    assert result == fleet.local
    assert result.findings == fleet.local.findings
    assert list(result.leaves) == list(fleet.local.leaves)
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


def test_a_killed_worker_changes_nothing_but_is_told(long_fleet: Fleet) -> None:
    notices: list[Finding] = []
    struck = Struck(kill_a_worker)
    result = integrate(long_fleet.sources, engine=TWO, progress=struck, notice=notices.append)
    assert result == long_fleet.local
    assert [item.code for item in notices] == ["engine-worker-replaced"]
    assert notices[0].en.split(" while reading ")[1].split(";")[0] in {
        f"l{i}, l{j}" for i in range(6) for j in range(6)
    }
    assert len(struck.seen) == len(long_fleet.sources)


def test_a_file_that_kills_every_worker_is_named(fleet: Fleet) -> None:
    notices: list[Finding] = []
    with started(TWO, notices.append) as engine, pytest.raises(GxmeterError) as caught:
        list(engine.each(kill_oneself, [Task(fleet.sources[0])]))
    assert caught.value.code == "engine-worker-lost"
    assert fleet.sources[0].label in str(caught.value)
    assert len(notices) == 1


def test_all_unreadable_files_are_named_at_once_and_in_order(broken: list[Source]) -> None:
    faults = []
    for engine in (EngineChoice(), TWO):
        with pytest.raises(InputError) as caught:
            integrate(broken, engine=engine)
        faults.append(caught.value.findings)
    assert faults[0] == faults[1]
    assert [(item.code, item.file) for item in faults[0]] == [
        ("parquet-unreadable", "a.parquet"),
        ("source-unreadable", "gone"),
        ("parquet-unreadable", "z.parquet"),
    ]


def test_an_interrupt_stops_the_workers(long_fleet: Fleet, tmp_path: Path) -> None:
    """Ctrl-C reaches the whole foreground group of a terminal, workers too."""
    paths = [str(source.path) for source in long_fleet.sources]
    command = [sys.executable, "-m", "gxmeter", "energy", "--format", "gxmeter", "--no-cache", "--engine", "process"]
    with (tmp_path / "out").open("w") as out:
        child = subprocess.Popen([*command, "--workers", "2", *paths], stdout=out, stderr=out, start_new_session=True)
        workers = wait_for_children(child.pid)
        os.killpg(child.pid, signal.SIGINT)
        assert child.wait(timeout=20) != 0
    assert_gone(workers)


def test_workers_do_not_outlive_a_killed_command(long_fleet: Fleet) -> None:
    paths = [str(source.path) for source in long_fleet.sources]
    command = [sys.executable, "-m", "gxmeter", "energy", "--format", "gxmeter", "--no-cache", "--engine", "process"]
    child = subprocess.Popen([*command, "--workers", "2", *paths], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    workers = wait_for_children(child.pid)
    child.kill()
    child.wait()
    assert_gone(workers)


def wait_for_children(pid: int) -> list[int]:
    """Its workers, once both have been started (multiprocessing's resource tracker comes first)."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        spawned = [int(one) for one in text if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
        if len(spawned) == 2:
            return spawned
        time.sleep(0.02)
    raise AssertionError("no workers were started")


def assert_gone(pids: list[int]) -> None:
    until = time.monotonic() + 15
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until, f"still there: {pids}"
        time.sleep(0.05)
