"""One meter per device, whatever happens to the processes, their descriptors and the file."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from claims_actor import Actor
from meter_helpers import environment

from gxmeter.meter.host.allocation import Allocation
from gxmeter.meter.host.claims import Claims, Holder, Key, cpu_key, folder_of, gpu_key, lost, node_key, ram_key
from gxmeter.meter.host.claims_file import NAME, Span

GPU = "gpu_key('GPU-0')"
Start = Callable[..., Actor]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process with claims on the file of this test, or of the folders that are named."""
    actors: list[Actor] = []

    def make(*folders: Path, **how: object) -> Actor:
        actors.append(Actor(*(folders or (tmp_path,)), **how))
        return actors[-1]

    yield make
    for actor in actors:
        actor.end()


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Claims]:
    """Claims of this process."""
    claims = Claims.open(tmp_path)
    yield claims
    claims.release_all()


# ---------------------------------------------------------------- processes


def test_the_second_process_is_told_who_has_it(start: Start) -> None:
    one, two = start(), start()
    assert one.says(f"claims.claim({GPU})") == "None"
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"
    assert two.says(f"claims.holder({GPU})") == f"Holder(pid={one.pid})"
    assert one.says(f"claims.holder({GPU})") == "None"
    assert two.says("claims.claim(gpu_key('GPU-1'))") == "None", "another device is free"
    assert two.says("claims.held()") == repr((gpu_key("GPU-1"),))


def test_to_claim_twice_is_to_have_it_once(start: Start) -> None:
    one, two = start(), start()
    assert [one.says(f"claims.claim({GPU})") for _ in range(2)] == ["None", "None"]
    assert one.says(f"claims.release({GPU})") == "None"
    assert two.says(f"claims.claim({GPU})") == "None"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_device_is_free_the_moment_its_holder_is_dead(start: Start, how: signal.Signals) -> None:
    one, two = start(), start()
    one.says(f"claims.claim({GPU})")
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"
    one.process.send_signal(how)
    one.process.wait()
    assert two.says(f"claims.claim({GPU})") == "None"


def test_a_stopped_holder_keeps_its_device(start: Start) -> None:
    one, two = start(), start()
    one.says(f"claims.claim({GPU})")
    one.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, one.pid, os.WSTOPPED)
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"
    one.process.send_signal(signal.SIGCONT)
    assert one.says("claims.keep()") == "()"
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"


def test_another_program_in_the_same_process_has_nothing(start: Start) -> None:
    one, two = start(), start()
    one.says(f"claims.claim({GPU})")
    one.send("os.execvp('sleep', ['sleep', '60'])")
    assert one.process.poll() is None
    _until(lambda: Path(f"/proc/{one.pid}/comm").read_text().strip() == "sleep")
    assert two.says(f"claims.claim({GPU})") == "None"


def _until(done: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(2000):
        if done():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come to pass in 20 s")


FORKED = """
import ctypes, os, sys
from pathlib import Path
from gxmeter.meter.host.claims import Claims, gpu_key
claims, key = Claims.open(Path(sys.argv[1])), gpu_key("GPU-0")
assert claims.claim(key) is None
read, write = os.pipe()
child = {"python": os.fork, "c": ctypes.PyDLL(None).fork}[sys.argv[2]]()
if child == 0:
    told = (claims.held(), claims.claim(key), Claims.open(Path(sys.argv[1])).claim(key), claims.keep(), claims.held())
    claims.release(key)
    claims.release_all()
    os.closerange(3, 64) if os.dup2(write, 90) else None
    os.write(90, repr(told).encode())
    os._exit(0)
os.waitpid(child, 0)
print(os.read(read, 1000).decode())
print((claims.held(), claims.claim(key), claims.keep()))
print(os.getpid())
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["python", "c"])
def test_a_forked_child_has_nothing_and_takes_nothing_away(start: Start, tmp_path: Path, how: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FORKED, str(tmp_path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as parent:
        assert parent.stdout is not None
        child, after, pid = (parent.stdout.readline().strip() for _ in range(3))
        assert child == repr(((), Holder(int(pid)), Holder(int(pid)), (), ()))
        assert after == repr(((gpu_key("GPU-0"),), None, ()))
        rival = start()
        assert rival.says(f"claims.claim({GPU})") == f"Holder(pid={pid})"
        parent.communicate("")
    assert rival.says(f"claims.claim({GPU})") == "None"


def _worker(folder: str, answers: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    claims = Claims.open(Path(folder))
    answers.put((claims.held(), claims.claim(gpu_key("GPU-0")), claims.claim(gpu_key(str(os.getpid())))))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_a_loader_never_get_what_their_parent_has(method: str, tmp_path: Path, mine: Claims) -> None:
    assert mine.claim(gpu_key("GPU-0")) is None
    context = multiprocessing.get_context(method)
    answers = context.Queue()
    workers = [context.Process(target=_worker, args=(str(tmp_path), answers)) for _ in range(4)]
    for worker in workers:
        worker.start()
    told = [answers.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
    assert told == [((), Holder(os.getpid()), None)] * 4
    assert mine.keep() == ()
    assert mine.held() == (gpu_key("GPU-0"),)


def test_of_eight_racing_processes_exactly_one_wins_each_device(start: Start) -> None:
    actors = [start() for _ in range(8)]
    keys = "gpu_key('a'), gpu_key('b'), cpu_key(Allocation()), ram_key(Allocation()), node_key()"
    for _ in range(10):
        for actor in actors:
            actor.send(f"[claims.claim(key) is None for key in ({keys})]")
        won = [eval(actor.answer()) for actor in actors]
        assert [sum(of) for of in zip(*won, strict=True)] == [1, 1, 1, 1, 1]
        for actor in actors:
            actor.says("claims.release_all()")


def test_eight_processes_that_make_the_file_together_agree_on_one(start: Start, tmp_path: Path) -> None:
    actors = [start() for _ in range(8)]
    for round_ in range(5):
        folder = tmp_path / str(round_)
        folder.mkdir()
        opening = f"globals().update(claims=Claims.open(Path({str(folder)!r})))"
        for actor in actors:
            actor.send(f"{opening} or claims.claim({GPU}) is None")
        assert sorted(actor.answer() for actor in actors) == ["False"] * 7 + ["True"]
        assert [path.name for path in folder.iterdir()] == [NAME], "no draft is left"
        for actor in actors:
            actor.says("claims.release_all()")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
def test_a_holder_beyond_our_pid_namespace_is_process_zero(start: Start, tmp_path: Path) -> None:
    one = start()
    one.says(f"claims.claim({GPU})")
    inside = start(tmp_path, before=("unshare", "--pid", "--fork", "--kill-child"))
    assert inside.says("os.getpid()") == "1"
    assert inside.says(f"claims.claim({GPU})") == "Holder(pid=0)"
    assert one.says(f"claims.release({GPU})") == "None"
    assert inside.says(f"claims.claim({GPU})") == "None"


SAME_NUMBER = """
import ctypes, os, sys
from pathlib import Path
from gxmeter.meter.host.claims import Claims, gpu_key
claims, key = Claims.open(Path(sys.argv[1])), gpu_key("GPU-0")
assert os.getpid() == 1 and claims.claim(key) is None
assert ctypes.CDLL(None).unshare(0x20000000) == 0  # CLONE_NEWPID
child = os.fork()
if child == 0:
    print(os.getpid(), claims.held(), claims.claim(key), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
def test_a_forked_child_with_its_parents_number_has_nothing_either(tmp_path: Path) -> None:
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", SAME_NUMBER, str(tmp_path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 () Holder(pid=0)"


# ---------------------------------------------------------------- one process


def test_two_meters_of_one_process_exclude_each_other(tmp_path: Path, mine: Claims) -> None:
    other = Claims.open(tmp_path)
    assert mine.claim(node_key()) is None
    assert other.claim(node_key()) == other.holder(node_key()) == Holder(os.getpid())
    other.release(node_key())
    assert mine.held() == (node_key(),), "what is not ours cannot be given back"
    mine.release_all()
    assert other.claim(node_key()) is None
    other.release_all()


def test_two_meters_of_one_process_exclude_each_other_by_parts_too(tmp_path: Path, mine: Claims) -> None:
    other = Claims.open(tmp_path)
    assert mine.claim(cpu_key(Allocation(cpus=(0, 1), cpus_host=8))) is None
    assert other.claim(cpu_key(Allocation(cpus=(1, 2), cpus_host=8))) == Holder(os.getpid())
    assert other.claim(cpu_key(Allocation(cpus_host=8))) == Holder(os.getpid())
    assert other.claim(cpu_key(Allocation(cpus=(2, 3), cpus_host=8))) is None
    other.release_all()


def test_of_racing_threads_exactly_one_wins(tmp_path: Path) -> None:
    meters = [Claims.open(tmp_path) for _ in range(8)]
    won: list[bool] = []
    gate = threading.Barrier(8)

    def race(meter: Claims) -> None:
        gate.wait()
        won.append(meter.claim(gpu_key("GPU-t")) is None)

    threads = [threading.Thread(target=race, args=(meter,)) for meter in meters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for meter in meters:
        meter.release_all()
    assert sorted(won) == [False] * 7 + [True]


def test_a_meter_may_be_stopped_in_a_signal_handler(tmp_path: Path) -> None:
    meter = Claims.open(tmp_path)
    before = signal.signal(signal.SIGALRM, lambda *_: meter.release_all())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for _ in range(3000):
            meter.claim(gpu_key("GPU-s"))
            meter.keep()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    meter.release_all()
    assert meter.held() == ()


# ---------------------------------------------------------------- parts of a host

LEFT = Allocation(cpus=(0, 1, 2, 3), cpus_host=8)
RIGHT = Allocation(cpus=(4, 5, 6, 7), cpus_host=8)
MIDDLE = Allocation(cpus=(3, 4), cpus_host=8)
WHOLE = Allocation(cpus_host=8)
QUOTA_A = Allocation(cpu_quota_milli=2000, cpu_groups=("job-a",), cpus_host=8)
QUOTA_B = Allocation(cpu_quota_milli=2000, cpu_groups=("job-b",), cpus_host=8)
STEP_1 = Allocation(cpu_quota_milli=500, cpu_groups=("job-a", "step-1"), cpus_host=8)
STEP_2 = Allocation(cpu_quota_milli=500, cpu_groups=("job-a", "step-2"), cpus_host=8)
QUOTA_LEFT = Allocation(cpus=(0, 1, 2, 3), cpu_quota_milli=1000, cpu_groups=("job-c",), cpus_host=8)

SIDE_BY_SIDE = [
    (LEFT, RIGHT),
    (QUOTA_A, QUOTA_B),
    (STEP_1, STEP_2),
    (STEP_1, QUOTA_B),
    (QUOTA_LEFT, RIGHT),
    (QUOTA_A, QUOTA_LEFT),
]
NOT_TOGETHER = [
    (WHOLE, WHOLE),
    (WHOLE, LEFT),
    (WHOLE, QUOTA_A),
    (LEFT, MIDDLE),
    (LEFT, LEFT),
    (QUOTA_A, QUOTA_A),
    (QUOTA_A, STEP_1),
    (STEP_1, STEP_1),
    (QUOTA_LEFT, LEFT),
    (QUOTA_LEFT, WHOLE),
]


@pytest.mark.parametrize(("one", "other"), SIDE_BY_SIDE)
def test_parts_that_do_not_meet_are_measured_side_by_side(start: Start, one: Allocation, other: Allocation) -> None:
    first, second = start(), start()
    for _ in range(2):
        assert first.says(f"claims.claim(cpu_key({one!r}))") == "None"
        assert second.says(f"claims.claim(cpu_key({other!r}))") == "None"
        first.says("claims.release_all()")
        second.says("claims.release_all()")
        first, second = second, first


@pytest.mark.parametrize(("one", "other"), NOT_TOGETHER)
def test_what_is_in_both_parts_is_never_measured_twice(start: Start, one: Allocation, other: Allocation) -> None:
    first, second = start(), start()
    for ours, theirs in ((one, other), (other, one)):
        assert first.says(f"claims.claim(cpu_key({ours!r}))") == "None"
        assert second.says(f"claims.claim(cpu_key({theirs!r}))") == f"Holder(pid={first.pid})"
        assert second.says("claims.held()") == "()"
        first.says("claims.release_all()")
        assert second.says(f"claims.claim(cpu_key({theirs!r}))") == "None"
        second.says("claims.release_all()")


def test_who_does_not_get_all_of_a_key_gets_none_of_it(start: Start) -> None:
    one, two, three = start(), start(), start()
    one.says(f"claims.claim(cpu_key({RIGHT!r}))")
    assert two.says("claims.claim(cpu_key(Allocation(cpus=(0, 1, 5), cpus_host=8)))") == f"Holder(pid={one.pid})"
    assert three.says(f"claims.claim(cpu_key({LEFT!r}))") == "None"


def _memory(*groups: str) -> Allocation:
    return Allocation(memory_bytes=1 << 30, memory_groups=groups, memory_host_bytes=1 << 40)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (WHOLE, WHOLE, False),
        (WHOLE, _memory("a"), False),
        (_memory("a"), _memory("a"), False),
        (_memory("a"), _memory("a", "b"), False),
        (_memory("a"), _memory("b"), True),
        (_memory("a", "b"), _memory("a", "c"), True),
    ],
)
def test_memory_is_shared_by_groups_as_processors_are(
    start: Start, one: Allocation, other: Allocation, together: bool
) -> None:
    first, second = start(), start()
    assert first.says(f"claims.claim(ram_key({one!r}))") == "None"
    told = second.says(f"claims.claim(ram_key({other!r}))")
    assert told == ("None" if together else f"Holder(pid={first.pid})")


def test_the_kinds_of_devices_never_meet() -> None:
    keys = [node_key(), gpu_key("x"), cpu_key(WHOLE), ram_key(WHOLE), cpu_key(STEP_1), ram_key(_memory("job-a"))]
    own = [[span for span in key.spans if not span.shared] for key in keys]
    ends = sorted((span.start, span.start + span.length) for spans in own for span in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(ends))
    assert ends[-1][1] < 1 << 63, "an offset is a signed 64-bit number"


def test_a_gpu_is_one_however_its_name_is_written() -> None:
    assert gpu_key("GPU-ABC").spans == gpu_key("gpu-abc").spans != gpu_key("GPU-ABD").spans


def _conflict(one: Key, other: Key) -> bool:
    return any(
        a.start < b.start + b.length and b.start < a.start + a.length and not (a.shared and b.shared)
        for a in one.spans
        for b in other.spans
    )


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_claims_releases_and_deaths_keeps_the_rule(start: Start, seed: int) -> None:
    draw = random.Random(seed)
    parts = [LEFT, RIGHT, MIDDLE, WHOLE, QUOTA_A, QUOTA_B, STEP_1, STEP_2, QUOTA_LEFT]
    keys = [*map(cpu_key, parts), gpu_key("g0"), gpu_key("g1"), node_key(), ram_key(WHOLE), ram_key(_memory("a"))]
    actors = [start() for _ in range(3)]
    held: list[list[Key]] = [[] for _ in actors]
    for _ in range(300):
        who, key, deed = draw.randrange(3), draw.choice(keys), draw.random()
        if deed < 0.01:
            actors[who].end()
            actors[who], held[who] = start(), []
        elif deed < 0.4:
            actors[who].says(f"claims.release({key!r})")
            held[who] = [had for had in held[who] if had != key]
        else:
            had = key in held[who]
            at_home = any(_touch(key, ours) for ours in held[who])
            abroad = any(_conflict(key, other) for n, theirs in enumerate(held) if n != who for other in theirs)
            granted = actors[who].says(f"claims.claim({key!r})") == "None"
            assert granted == (had or not (at_home or abroad))
            held[who] += [key] if granted and not had else []
        assert actors[who].says("claims.held()") == repr(tuple(held[who]))
        assert actors[who].says("claims.keep()") == "()"


def _touch(one: Key, other: Key) -> bool:
    return any(a.start < b.start + b.length and b.start < a.start + a.length for a in one.spans for b in other.spans)


# ---------------------------------------------------------------- the file is pulled away


def test_who_comes_after_the_file_was_removed_meets_the_holder_again(start: Start, tmp_path: Path) -> None:
    one, two = start(), start()
    one.says(f"claims.claim({GPU})")
    (tmp_path / NAME).unlink()
    assert one.says("claims.keep()") == "()"
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"
    assert one.says(f"claims.release({GPU})") == "None"
    assert two.says(f"claims.claim({GPU})") == "None"


REMOVE_ONCE = (
    "globals().update(todo=[path]) or "
    "sys.addaudithook(lambda event, _: event == 'fcntl.lockf' and todo and os.unlink(todo.pop()))"
)


def test_a_file_removed_in_the_middle_of_a_claim_is_noticed(start: Start, tmp_path: Path) -> None:
    one, two = start(), start()
    one.says(f"globals().update(path={str(tmp_path / NAME)!r})")
    one.says(REMOVE_ONCE)
    assert one.says(f"claims.claim({GPU})") == "None"
    assert one.says("todo") == "[]", "it was removed between the look and the lock"
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"


def test_a_file_that_is_closed_to_others_meanwhile_is_left_by_all(start: Start, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    one, two = start(first, second), start(first, second)
    one.says(f"claims.claim({GPU})")
    (first / NAME).chmod(0o600)
    assert one.says("claims.keep()") == "()"
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"
    assert (second / NAME).exists()


def test_who_was_slower_after_the_file_was_removed_is_told_once(start: Start, tmp_path: Path) -> None:
    one, two = start(), start()
    one.says(f"claims.claim({GPU})")
    one.says("claims.claim(node_key())")
    (tmp_path / NAME).unlink()
    assert two.says(f"claims.claim({GPU})") == "None", "nobody new can see the old file"
    assert one.says("claims.keep()") == repr((gpu_key("GPU-0"),))
    assert one.says("claims.keep()") == "()"
    assert one.says("claims.held()") == repr((node_key(),))
    assert one.says(f"claims.claim({GPU})") == f"Holder(pid={two.pid})"
    assert two.says("claims.claim(node_key())") == f"Holder(pid={one.pid})"


def test_a_closed_descriptor_of_the_file_costs_the_locks_until_the_next_interval(start: Start, tmp_path: Path) -> None:
    one, two = start(), start()
    one.says(f"claims.claim({GPU})")
    one.says(f"open({str(tmp_path / NAME)!r}).close()")
    assert one.says("claims.keep()") == "()"
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"
    one.says(f"open({str(tmp_path / NAME)!r}).close()")
    assert two.says(f"claims.claim({GPU})") == "None", "else this test shows nothing"
    assert one.says("claims.keep()") == repr((gpu_key("GPU-0"),))


def test_a_daemon_that_closes_all_descriptors_loses_nothing_and_locks_no_other_file(
    start: Start, tmp_path: Path
) -> None:
    one, two = start(), start()
    other = tmp_path / "data"
    other.write_bytes(b"x" * 100)
    one.says(f"claims.claim({GPU})")
    fd = one.says(f"os.closerange(3, 64), [os.open({str(other)!r}, os.O_RDWR) for _ in range(8)]")
    assert "3" in fd
    assert one.says("claims.keep()") == "()"
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"
    locked = [line.split()[5] for line in Path("/proc/locks").read_text().splitlines() if str(one.pid) in line.split()]
    assert all(place.endswith(f":{(tmp_path / NAME).stat().st_ino}") for place in locked)
    assert len(locked) == 1


def test_a_file_removed_again_and_again_ends_with_one_holder(start: Start, tmp_path: Path) -> None:
    actors = [start() for _ in range(3)]
    for actor in actors:
        actor.send(f"len([claims.claim({GPU}) or claims.keep() for _ in range(3000)])")
    for _ in range(300):
        (tmp_path / NAME).unlink(missing_ok=True)
        os.sched_yield()
    assert [actor.answer() for actor in actors] == ["3000"] * 3
    for _ in range(2):
        for actor in actors:
            actor.says("claims.keep()")
            actor.says(f"claims.claim({GPU})")
    assert sorted(actor.says("len(claims.held())") for actor in actors) == ["0", "0", "1"]


# ---------------------------------------------------------------- hostile and missing files


def _symlink(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))
    path.with_name("elsewhere").touch(0o666)
    path.with_name("elsewhere").chmod(0o666)


def _closed(path: Path) -> None:
    path.touch()
    path.chmod(0)


def _private(path: Path) -> None:
    path.touch()
    path.chmod(0o644)


def _fifo(path: Path) -> None:
    os.mkfifo(path)
    path.chmod(0o666)


def _full(path: Path) -> None:
    path.write_text("something of somebody's")
    path.chmod(0o666)


HOSTILE = [Path.mkdir, _symlink, _closed, _private, _fifo, _full]


@pytest.mark.parametrize("make", HOSTILE)
def test_what_stands_in_the_place_of_the_file_sends_all_to_the_next_folder(
    start: Start, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    make(first / NAME)
    mode, size = os.lstat(first / NAME).st_mode, os.lstat(first / NAME).st_size
    one, two = start(first, second), start(first, second)
    assert one.says(f"claims.claim({GPU})") == "None"
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"
    assert one.says("claims.faults") == "()"
    assert (os.lstat(first / NAME).st_mode, os.lstat(first / NAME).st_size) == (mode, size), "it was not touched"
    assert (second / NAME).exists()


@pytest.mark.parametrize("make", HOSTILE)
def test_where_no_file_can_be_used_everything_is_granted_and_said(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / NAME)
    claims, second = Claims.open(tmp_path), Claims.open(tmp_path)
    assert [fault.code for fault in claims.faults] == ["claims-unavailable"]
    assert dict(claims.faults[0].params) == {"folders": str(tmp_path)}
    assert claims.claim(node_key()) is None
    assert second.claim(node_key()) == Holder(os.getpid()), "two meters of one process are still kept apart"
    assert claims.keep() == ()
    claims.release_all()


@pytest.mark.parametrize(
    "folder", [Path("/nowhere/at/all"), Path("/proc"), Path("/sys"), Path("/dev/null"), Path("a\0b")]
)
def test_a_folder_that_cannot_be_used_raises_nothing(folder: Path) -> None:
    claims = Claims.open(folder)
    assert claims.claim(node_key()) is None
    assert claims.holder(node_key()) is None
    assert claims.keep() == ()
    assert [fault.code for fault in claims.faults] == ["claims-unavailable"]
    claims.release_all()


def test_a_folder_that_comes_later_is_used_from_then_on(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "later"
    one, two = start(folder), start(folder)
    assert one.says(f"claims.claim({GPU})") == "None"
    folder.mkdir()
    assert one.says("claims.keep()") == "()"
    assert one.says("claims.faults") == "()"
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"


def test_the_file_is_empty_and_for_all_users_whatever_the_umask(start: Start, tmp_path: Path) -> None:
    start(tmp_path, umask=0o077).says(f"claims.claim({GPU})")
    found = os.lstat(tmp_path / NAME)
    assert stat.S_IMODE(found.st_mode) == 0o666
    assert (found.st_size, found.st_nlink) == (0, 1)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder like /dev/shm: anybody may make files, only the owner may remove them."""
    folder = Path(tempfile.mkdtemp(prefix="gxmeter-claims-test-"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")


@ROOT_ONLY
@pytest.mark.parametrize("users", [(0, 65534), (65534, 0), (65534, 65533)])
def test_users_of_one_host_exclude_each_other(start: Start, open_folder: Path, users: tuple[int, int]) -> None:
    one, two = (start(open_folder, user=user) for user in users)
    assert one.says("os.getuid()") == str(users[0])
    assert one.says(f"claims.claim({GPU})") == "None"
    assert two.says(f"claims.claim({GPU})") == f"Holder(pid={one.pid})"
    one.end()
    assert two.says(f"claims.claim({GPU})") == "None"


@ROOT_ONLY
@pytest.mark.parametrize("make", HOSTILE)
def test_root_and_others_go_to_the_same_next_folder(
    start: Start, open_folder: Path, make: Callable[[Path], None]
) -> None:
    folders = (open_folder / "first", open_folder / "second")
    for folder in folders:
        folder.mkdir()
        folder.chmod(0o1777)
    make(folders[0] / NAME)
    os.chown(folders[0] / NAME, 65533, 65533, follow_symlinks=False)
    root, other = start(*folders), start(*folders, user=65534)
    assert root.says(f"claims.claim({GPU})") == "None"
    assert other.says(f"claims.claim({GPU})") == f"Holder(pid={root.pid})"


# ---------------------------------------------------------------- the rest


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no /dev/shm that may be written")
def test_without_a_folder_all_processes_of_the_host_meet(start: Start) -> None:
    own = f"gpu_key('GPU-of-this-test-{os.getpid()}')"
    one, two = start(), start()
    assert one.says(f"globals().update(claims=Claims.open()) or claims.claim({own})") == "None"
    assert two.says(f"globals().update(claims=Claims.open()) or claims.claim({own})") == f"Holder(pid={one.pid})"
    assert one.says("claims.faults") == "()"


def test_the_folder_may_be_named_in_the_environment() -> None:
    assert folder_of({"GXMETER_CLAIMS": "/run/shared"}) == Path("/run/shared")
    assert folder_of({"GXMETER_CLAIMS": "relative"}) is folder_of({}) is folder_of({"GXMETER_CLAIMS": ""}) is None


def test_a_lost_key_can_be_said() -> None:
    assert lost(gpu_key("GPU-0")).code == "claim-lost"
    assert dict(lost(gpu_key("GPU-0")).params) == {"device": "GPU-0"}


def test_spans_are_locked_in_the_order_of_their_offsets() -> None:
    spans = cpu_key(Allocation(cpus=(9, 0, 1), cpu_quota_milli=1, cpu_groups=("b", "a"), cpus_host=16)).spans
    assert list(spans) == sorted(spans)
    assert [span.shared for span in spans if span.length == 2] == [True]
    assert sum(not span.shared for span in spans) == 1
    assert all(isinstance(span, Span) for span in spans)
