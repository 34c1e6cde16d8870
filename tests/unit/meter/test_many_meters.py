"""Many meters on one host, each with a real thread and a real journal: every device is recorded by one at a time.

The sensors give a known power, so the journals say both what was counted twice (intervals of one device that
overlap) and what was lost (stretches that none has).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from meter_helpers import ROOT, environment, segments

from gxmeter.core.journal import Head, Interval
from gxmeter.meter.host.cgroups import find_cgroups

PERIOD_S = 0.1
WATTS = {"cpu": 100, "ram": 20, "gpu": 300}

STEADY = """
import os, sys, time
from gxmeter.meter.sensors.base import Opened, Part, Sample
from gxmeter.meter.session import Meter
WATTS = {"cpu": 100, "ram": 20, "gpu": 300}

class Steady:
    name, quick, poll_s, methods = "steady", True, None, {"steady": "C1"}
    def __init__(self, *labels):
        self.parts = tuple(Part(x, x[:3], x, "steady", uuid="GPU-" + x if x[0] == "g" else None) for x in labels)
    def open(self, taken=frozenset()):
        return Opened("1", self.parts)
    def start(self): pass
    def poll(self): pass
    def close(self): pass
    def read(self, elapsed_ns):
        return [Sample(elapsed_ns * WATTS[part.kind] // 1000, "steady") for part in self.parts]

def meter(*labels, **options):
    return Meter(workspace="ws", period_s=0.1, sensors=[Steady(*labels)], **options)
"""

RANK = (
    STEADY
    + """
with meter(*sys.argv[2:]) as mine:
    assert mine.wait_ready(20)
    print("ready", os.getpid(), mine.counting, flush=True)
    end = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < end:
        time.sleep(0.02)
print("done", mine.result.counting, mine.result.run, flush=True)
"""
)

Ranks = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a workspace, and with a claims folder of its own: other tests of this host do not meet these."""
    (tmp_path / "ws" / "sites").mkdir(parents=True)
    (tmp_path / "ws" / "gxmeter.yaml").write_text("schema: gxmeter-workspace/1\n")
    (tmp_path / "ws" / "sites" / "lab.yaml").write_text("id: lab\n")
    (tmp_path / "claims").mkdir()
    return tmp_path


@pytest.fixture
def run(place: Path) -> Iterator[Ranks]:
    """Start Python code in a process of its own; all are killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: str, env: dict[str, str] | None = None, **how: object) -> subprocess.Popen[str]:
        own = environment({"GXMETER_CLAIMS": str(place / "claims"), "GXMETER_LANG": "en", **(env or {})})
        command = [sys.executable, "-c", code, *arguments]
        process = subprocess.Popen(command, cwd=place, env=own, stdout=subprocess.PIPE, text=True, **how)  # type: ignore[call-overload]
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def torchrun(rank: int, world: int) -> dict[str, str]:
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(world),
        "LOCAL_RANK": str(rank),
        "LOCAL_WORLD_SIZE": str(world),
        "GROUP_RANK": "0",
        "GROUP_WORLD_SIZE": "1",
        "TORCHELASTIC_RUN_ID": "job-7",
    }


def line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


Stretch = tuple[int, int, int, int]
"""Start and end [ns, monotonic], energy [uJ], process."""


def stretches(place: Path) -> dict[str, list[Stretch]]:
    """What all journals together have of every device, in the order of time."""
    found: dict[str, list[Stretch]] = defaultdict(list)
    for part in (part for journal in journals(place) for part in segments(journal) if part.head is not None):
        devices = [component.device for component in part.components()]
        for record in (record for _, record in part.records if isinstance(record, Interval)):
            for device, energy in zip(devices, record.energy_uj, strict=False):
                if energy is not None:
                    found[device].append((record.start_mono_ns, record.end_mono_ns, energy, part.head.pid))
    return {device: sorted(parts) for device, parts in found.items()}


def overlap_ms(parts: list[Stretch]) -> float:
    """The longest time that two journals both have [ms]."""
    return max(((a[1] - b[0]) / 1e6 for a, b in pairwise(parts)), default=0.0)


def missing_ms(parts: list[Stretch]) -> float:
    """Time between the first and the last interval that no journal has [ms]."""
    return sum(max(0, b[0] - a[1]) / 1e6 for a, b in pairwise(parts))


def kind_of(device: str) -> str:
    return device.rpartition(".")[2][:3]


def journals(place: Path) -> list[Path]:
    return sorted((place / "ws" / "telemetry" / "journals").glob("*"))


def heads(place: Path) -> list[Head]:
    firsts = [segments(journal)[0].head for journal in journals(place)]
    return [head for head in firsts if head is not None]


def test_of_eight_ranks_exactly_one_counts_the_host(place: Path, run: Ranks) -> None:
    ranks = [run(RANK, "1.5", "cpu0", "ram", "gpu0", env=torchrun(rank, 8)) for rank in range(8)]
    ready = [line(rank) for rank in ranks]
    assert sorted(told[2] for told in ready) == ["False"] * 7 + ["True"]
    done = [line(rank) for rank in ranks]
    assert {told[2] for told in done} == {"torchrun-job-7"}
    found = stretches(place)
    assert {kind_of(device) for device in found} == {"cpu", "ram", "gpu"}
    for device, parts in found.items():
        assert overlap_ms(parts) <= 0
        for start, end, energy, _ in parts:
            assert energy == (end - start) * WATTS[kind_of(device)] // 1000
    assert {dict(head.launch)["world"] for head in heads(place)} == {8}
    assert {head.run for head in heads(place)} == {"torchrun-job-7"}


def test_when_the_one_that_counts_is_killed_another_goes_on(place: Path, run: Ranks) -> None:
    ranks = [run(RANK, "60", "cpu0", "gpu0", env=torchrun(rank, 3)) for rank in range(3)]
    ready = {told[1]: told[2] for told in map(line, ranks)}
    for alive in (2, 1):
        holder = _holder(place, ranks)
        assert holder.poll() is None
        holder.kill()
        holder.wait()
        ranks.remove(holder)
        assert len(ranks) == alive
        _until(lambda dead=holder.pid: all(parts[-1][3] != dead for parts in stretches(place).values()))  # type: ignore[misc]
    assert sorted(ready.values()) == ["False", "False", "True"]
    for parts in stretches(place).values():
        assert len({pid for *_, pid in parts}) == 3
        assert overlap_ms(parts) <= 0
        assert missing_ms(parts) < 2 * 1500


def _holder(place: Path, ranks: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """Who wrote last."""
    _until(lambda: bool(stretches(place)))
    pid = max(part[-1] for part in stretches(place).values())[3]
    return next(rank for rank in ranks if rank.pid == pid)


def _until(done: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return
        time.sleep(0.05)
    raise AssertionError(f"it did not come to pass in {seconds} s")


def test_killed_and_started_at_random_no_device_is_ever_counted_twice(place: Path, run: Ranks) -> None:
    draw = random.Random(11)
    ranks: list[subprocess.Popen[str]] = []
    for _ in range(14):
        while len(ranks) < 4:
            ranks.append(run(RANK, "60", *draw.choice([("cpu0", "gpu0"), ("gpu0", "gpu1"), ("cpu0", "ram", "gpu1")])))
        time.sleep(draw.uniform(0.1, 0.5))
        gone = ranks.pop(draw.randrange(len(ranks)))
        gone.send_signal(draw.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
    for rank in ranks:
        rank.kill()
        rank.wait()
    found = stretches(place)
    assert set(map(kind_of, found)) == {"cpu", "ram", "gpu"}
    for parts in found.values():
        assert overlap_ms(parts) <= 0


NESTED = (
    STEADY
    + """
with meter("cpu0", "gpu0", run="outer") as outer:
    assert outer.wait_ready(20)
    with meter("cpu0", "gpu0", run="inner") as inner:
        assert inner.wait_ready(20)
        time.sleep(0.5)
        print(outer.counting, inner.counting, inner.totals.measured_uj)
print(outer.result.measured_uj > 0, inner.result.measured_uj)
"""
)


def test_a_meter_within_a_meter_counts_nothing(place: Path, run: Ranks) -> None:
    process = run(NESTED)
    assert line(process) == ["True", "False", "0"]
    assert line(process) == ["True", "0"]
    assert [head.run for head in heads(place)] == ["outer"]


NOTEBOOK = (
    STEADY
    + """
import gc
for cell in range(3):
    mine = meter("gpu0", run=f"cell-{cell}").start()
    assert mine.wait_ready(20)
    end = time.monotonic() + 20
    while mine.totals.measured_uj == 0 and time.monotonic() < end:
        time.sleep(0.05)
    gc.collect()
    time.sleep(0.3)
mine.stop()
print(mine.result.run, mine.result.measured_uj > 0)
"""
)


def test_a_notebook_cell_that_is_run_again_takes_over_from_itself(place: Path, run: Ranks) -> None:
    assert line(run(NOTEBOOK)) == ["cell-2", "True"]
    for parts in stretches(place).values():
        assert overlap_ms(parts) <= 0
    assert sorted(head.run for head in heads(place)) == ["cell-0", "cell-1", "cell-2"]


WORKERS = (
    STEADY
    + """
import multiprocessing

def work(number, answers):
    with meter("cpu0", "gpu0") as mine:
        mine.wait_ready(20)
        time.sleep(0.3)
    answers.put((mine.counting, mine.result.measured_uj))

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    with meter("cpu0", "gpu0") as mine:
        assert mine.wait_ready(20)
        workers = [context.Process(target=work, args=(number, answers)) for number in range(6)]
        for worker in workers: worker.start()
        told = [answers.get(timeout=60) for _ in workers]
        for worker in workers: worker.join()
        print(len(told), set(told) == {(False, 0)}, mine.counting, flush=True)
"""
)


def test_forked_workers_that_meter_themselves_count_nothing(place: Path, run: Ranks) -> None:
    assert line(run(WORKERS)) == ["6", "True", "True"]
    assert len(heads(place)) == 1
    for parts in stretches(place).values():
        assert overlap_ms(parts) <= 0


def test_two_jobs_each_count_their_own_gpus_and_one_the_processor(place: Path, run: Ranks) -> None:
    jobs = [run(RANK, "1.2", "cpu0", gpu, env={"GXMETER_RUN": gpu}) for gpu in ("gpu0", "gpu1")]
    assert [line(job)[2] for job in jobs] == ["True", "True"]
    assert [line(job)[2] for job in jobs] == ["gpu0", "gpu1"]
    found = stretches(place)
    pids = {device.rpartition(".")[2]: {part[3] for part in parts} for device, parts in found.items()}
    assert [pids["gpu0"], pids["gpu1"]] == [{job.pid} for job in jobs]
    assert pids["cpu0"] & {job.pid for job in jobs}
    for parts in found.values():
        assert overlap_ms(parts) <= 0


def test_a_meter_inside_a_metered_command_joins_its_run(place: Path, run: Ranks) -> None:
    inner = "import gxmeter, time\nwith gxmeter.Meter(period_s=0.1) as m:\n    m.wait_ready(20); time.sleep(1.5)\n"
    inner += "print('inner', m.result.run, m.result.counting, m.result.samples)"
    command = ["run", "--run", "r7", "--site", "lab", "-w", "ws", "--", sys.executable, "-c", inner]
    outer = run("from gxmeter.cli.app import main; main()", *command, stderr=subprocess.PIPE)
    told, said = outer.communicate(timeout=60)
    assert told.split() == ["inner", "r7", "False", "0"], said
    assert outer.returncode == 0, said
    assert {head.run for head in heads(place)} == {"r7"}
    for parts in stretches(place).values():
        assert overlap_ms(parts) <= 0


IN_GROUP = "import os; open(os.environ['GROUP'] + '/cgroup.procs', 'w').write('0')\n" + RANK


@pytest.fixture
def halves() -> Iterator[list[Path]]:
    """Two control groups with half of the host's CPU time each."""
    ours = find_cgroups(("cpu",), Path("/"), "self").get("cpu")
    if os.geteuid() != 0 or ours is None or ours.path != "/":
        pytest.skip("needs root, and a cpu hierarchy in which we are at the top")
    folders = [ours.folders[0] / f"gxmeter-test-{os.getpid()}-{half}" for half in "ab"]
    try:
        for folder in folders:
            folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    quota = 50_000 * (os.cpu_count() or 1)
    for folder in folders:
        old = folder / "cpu.cfs_quota_us"
        (old if old.exists() else folder / "cpu.max").write_text(str(quota))
    yield folders
    for folder in folders:
        _until(lambda folder=folder: not (folder / "cgroup.procs").read_text())  # type: ignore[misc]
        folder.rmdir()


def test_two_jobs_with_half_of_the_time_each_count_half_of_the_processor(
    place: Path, halves: list[Path], run: Ranks
) -> None:
    jobs = [run(IN_GROUP, "1.2", "cpu0", env={"GROUP": str(folder), "GXMETER_RUN": folder.name}) for folder in halves]
    assert [line(job)[2] for job in jobs] == ["True", "True"]
    whole = run(RANK, "0.3", "cpu0")
    assert line(whole)[2] == "False", "the whole host holds their halves"
    for job in (*jobs, whole):
        line(job)
        job.wait(20)
    found = stretches(place)
    assert len(found) == 2, "two devices, for both were recorded at the same time"
    for parts in found.values():
        assert overlap_ms(parts) <= 0
        for start, end, energy, _ in parts:
            assert abs(energy - (end - start) * WATTS["cpu"] // 2000) <= 1
    assert {dict(head.allocation)["cpu_quota_milli"] for head in heads(place)} == {500 * (os.cpu_count() or 1)}


def test_the_tree_under_test_is_this_one() -> None:
    assert (ROOT / "gxmeter" / "meter" / "host" / "claims.py").is_file()
