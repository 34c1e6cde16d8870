"""What the meter must not do to a training that signals, forks threads, or hands it nonsense."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from meter_helpers import ScriptedSensor, end_reason, environment, python, records, remarks, segments

from gxmeter.cli.commands.run_text import summary_lines
from gxmeter.core.journal import Count, Interval, Phase
from gxmeter.core.journal_keys import MAX_INT
from gxmeter.meter.bell import Bell
from gxmeter.meter.measuring import nothing
from gxmeter.meter.sampling_thread import SamplingThread
from gxmeter.meter.sensors.base import Part, Sample
from gxmeter.meter.session import Meter
from gxmeter.meter.told import MAX_COUNT, MAX_FLOP, MAX_WAITING
from gxmeter.meter.wishes import Wishes

HELD_SIGNAL = """
import os, signal, time
from meter_helpers import ScriptedSensor
from gxmeter.meter.sensors.base import Sample
from gxmeter.meter.session import Meter
with Meter("r", "lab", ".", sensors=[ScriptedSensor([[Sample(1, "load")]])]) as meter:
    assert meter.wait_ready(20)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    os.kill(os.getpid(), signal.SIGUSR1)
    time.sleep(0.1)
    print(signal.sigtimedwait([signal.SIGUSR1], 5).si_signo == signal.SIGUSR1)
"""


def meter_of(folder: Path, /, *script: list[Sample], parts: tuple[Part, ...] | None = None, **options: object) -> Meter:
    sensor = ScriptedSensor(list(script) or [[Sample(1_000_000, "load")]])
    if parts is not None:
        sensor.parts = parts
    return Meter(**{"run": "r1", "site": "lab", "workspace": folder, "period_s": 0.1} | options, sensors=[sensor])  # type: ignore[arg-type]


def wait_for_samples(meter: Meter, more: int = 2) -> None:
    wished, end = meter.result.samples + more, time.monotonic() + 20
    while meter.result.samples < wished and time.monotonic() < end:
        time.sleep(0.02)
    assert meter.result.samples >= wished


def test_a_signal_that_the_training_holds_back_for_sigwait_is_not_taken_from_it(workspace: Path) -> None:
    done = python(HELD_SIGNAL, cwd=workspace, env={"PYTHONPATH": str(Path(__file__).parent)})
    assert (done.returncode, done.stdout.strip()) == (0, "True"), done.stderr


RINGING = """
import signal, time
from meter_helpers import ScriptedSensor
from gxmeter.meter.sensors.base import Sample
from gxmeter.meter.session import Meter

class Alarm(Exception):
    pass

def ring(*_):
    raise Alarm

signal.signal(signal.SIGALRM, ring)
reached = 0
with Meter("r", "lab", ".", period_s=0.1, sensors=[ScriptedSensor([[Sample(1, "load")]])]) as meter:
    assert meter.wait_ready(20)
    for _ in range(50):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.002)
            end = time.monotonic() + 10
            while time.monotonic() < end:
                for _ in range(50):
                    meter.count(tokens=1)
        except Alarm:
            reached += 1
print(reached)
"""

RINGING_TWICE = """
import signal, time
from meter_helpers import ScriptedSensor
from gxmeter.meter.sensors.base import Sample
from gxmeter.meter.session import Meter

rung = []
with Meter("r", "lab", ".", period_s=0.1, sensors=[ScriptedSensor([[Sample(1, "load")]])]) as meter:
    assert meter.wait_ready(20)
    signal.signal(signal.SIGALRM, lambda *_: rung.append(meter.note("budget-passed", budget="1")))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        with meter.phase("a"):
            pass
    signal.setitimer(signal.ITIMER_REAL, 0)
print(len(rung) > 10)
"""


def unobserved(code: str, workspace: Path) -> str:
    """Run in a process that no coverage watches: it holds a lock of its own where the signal may come."""
    told = environment({"PYTHONPATH": str(Path(__file__).parent)})
    quiet = {name: value for name, value in told.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=workspace, env=quiet, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_a_signal_handler_raises_inside_the_meter_reaches_the_training(workspace: Path) -> None:
    assert unobserved(RINGING, workspace) == "50"


def test_a_handler_may_ring_in_the_middle_of_ringing(workspace: Path) -> None:
    """With an Event the handler would wait for the lock that the interrupted code has."""
    assert unobserved(RINGING_TWICE, workspace) == "True"


def test_a_bell_wakes_who_waits_and_forgets_nothing() -> None:
    bell = Bell()
    assert not bell.wait(0.01)
    threading.Timer(0.05, bell.set).start()
    assert bell.wait(20)
    assert bell.wait(0)
    bell.clear()
    assert not bell.is_set()
    assert not bell.wait(0.01)


def test_a_host_without_a_thread_more_costs_no_time_and_no_exception(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(SamplingThread, "start", refuse)
    began = time.monotonic()
    meter = meter_of(workspace).start()
    meter.count(tokens=1)
    with meter.phase("a"):
        pass
    result = meter.stop()
    assert time.monotonic() - began < 5
    assert [item.code for item in result.findings] == ["meter-failed"]
    assert "can't start new thread" in capsys.readouterr().err


def test_a_slow_sensor_that_gets_no_thread_leaves_the_others(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "gxmeter-open":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    slow = ScriptedSensor([[Sample(5, "load")]], parts=(Part("ram", "ram", "x", "load"),), quick=False)
    quick = ScriptedSensor([[Sample(1_000_000, "load")]])
    with Meter("r1", "lab", workspace, period_s=0.1, sensors=[quick, slow]) as meter:
        assert meter.wait_ready(20)
        wait_for_samples(meter)
    assert meter.journal is not None
    assert "sensor-unavailable" in remarks(meter.journal)
    assert end_reason(meter.journal) == "stop"


def test_a_meter_that_has_ended_says_so_when_it_is_started_again(workspace: Path) -> None:
    meter = meter_of(workspace)
    with meter:
        pass
    with meter:
        pass
    assert "meter-ended" in [item.code for item in meter._measuring.late]  # type: ignore[union-attr]


def test_standard_error_of_whatever_kind_stops_no_measuring(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.StringIO):
        def write(self, _: str) -> int:
            raise RuntimeError("no")

    monkeypatch.setattr(sys, "stderr", Broken())
    with meter_of(workspace, site="nowhere") as meter:
        assert meter.wait_ready(20)
        wait_for_samples(meter)
    assert "site-unknown" in [item.code for item in meter.result.findings]
    assert "meter-failed" not in [item.code for item in meter.result.findings]


@pytest.mark.parametrize("amount", [MAX_COUNT + 1, 10**40, 10**5000, 1e300], ids=["one", "more", "most", "float"])
def test_a_count_that_no_record_holds_is_refused_aloud_and_the_record_stays_whole(
    workspace: Path, amount: float
) -> None:
    with meter_of(workspace) as meter:
        assert meter.wait_ready(20)
        meter.count(tokens=amount, steps=1)  # type: ignore[arg-type]
        meter.count(tokens=MAX_COUNT, flop=MAX_FLOP)
        meter.count(tokens=MAX_COUNT, flop=MAX_FLOP)
        wait_for_samples(meter)
    assert meter.journal is not None
    assert segments(meter.journal)[0].findings == []
    told = [record for record in records(meter.journal, Count) if isinstance(record, Count)]
    assert sum(record.tokens for record in told) == 2 * MAX_COUNT == meter.result.tokens
    assert sum(record.flop for record in told) == 2 * MAX_FLOP == meter.result.flop
    assert "count-not-usable" in [item.code for item in meter.result.findings]


def test_the_limits_of_counts_are_the_records(workspace: Path) -> None:
    assert MAX_COUNT == MAX_INT
    assert len(str(MAX_FLOP)) == 30
    assert workspace.is_dir()


def test_calls_that_could_not_be_kept_are_counted_in_the_record(workspace: Path) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def block(_: int) -> None:
        reading.set()
        go_on.wait(20)

    meter = meter_of(workspace)
    meter._sensors[0].before = block  # type: ignore[index, union-attr]
    with meter:
        assert reading.wait(20)
        for _ in range(MAX_WAITING + 7):
            meter.count(tokens=1)
        go_on.set()
        wait_for_samples(meter)
    assert meter.journal is not None
    assert "work-lost" in remarks(meter.journal)
    assert meter.result.tokens == MAX_WAITING


@pytest.mark.parametrize("name", ["\ud800x", "a\n\x1b[31mb", "x" * 1_000_000, 5, None, ""])
def test_a_phase_of_whatever_name_is_one_line_of_the_record(workspace: Path, name: str) -> None:
    with meter_of(workspace) as meter:
        assert meter.wait_ready(20)
        with meter.phase(name):
            wait_for_samples(meter, 1)
    assert meter.journal is not None
    assert segments(meter.journal)[0].findings == []
    found = {record.name for record in records(meter.journal, Phase) if isinstance(record, Phase)}
    assert [(name.isprintable(), 0 < len(name) <= 80) for name in found] == [(True, True)]


def test_a_counter_that_no_record_holds_costs_the_other_parts_nothing(workspace: Path) -> None:
    parts = (Part("gpu0", "gpu", "x", "counter", "u0"), Part("gpu1", "gpu", "x", "counter", "u1"))
    script = [Sample(None, "counter", (5, 2**64 - 1)), Sample(7, "counter", (1, 8))]
    with meter_of(workspace, script, parts=parts) as meter:
        assert meter.wait_ready(20)
        wait_for_samples(meter)
    assert meter.journal is not None
    assert segments(meter.journal)[0].findings == []
    found = [record for record in records(meter.journal, Interval) if isinstance(record, Interval)]
    assert {(record.energy_uj, record.counters) for record in found} == {((None, 7), (None, (1, 8)))}


def test_a_reason_that_no_record_knows_still_ends_the_record(workspace: Path) -> None:
    meter = meter_of(workspace).start()
    assert meter.wait_ready(20)
    meter.stop(reason="K" * 1000)
    assert meter.journal is not None
    assert end_reason(meter.journal) == "stop"


@pytest.mark.parametrize(
    "options", [{"run": 5}, {"site": 5}, {"workspace": 5}, {"run": "r" * 2000}, {"site": "s" * 2000}]
)
def test_wishes_of_whatever_kind_are_measured_all_the_same(workspace: Path, options: dict[str, object]) -> None:
    with meter_of(workspace, **options) as meter:
        assert meter.wait_ready(20)
        wait_for_samples(meter)
    assert meter.journal is not None
    assert segments(meter.journal)[0].findings == []


def test_a_workspace_with_a_name_that_cannot_be_goes_to_the_state_folder(workspace: Path) -> None:
    with meter_of(workspace, workspace="a\0b") as meter:
        assert meter.wait_ready(20)
    assert "workspace-unwritable" in [item.code for item in meter.result.findings]
    assert meter.journal is not None


def test_a_named_workspace_needs_no_current_folder(workspace: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"""
import os, shutil
os.chdir({str(gone)!r}); shutil.rmtree({str(gone)!r})
from meter_helpers import ScriptedSensor
from gxmeter.meter.sensors.base import Sample
from gxmeter.meter.session import Meter
with Meter("r", "lab", {str(workspace)!r}, sensors=[ScriptedSensor([[Sample(1, "load")]])]) as meter:
    assert meter.wait_ready(20)
print(meter.journal)
"""
    done = python(code, cwd=workspace, env={"PYTHONPATH": str(Path(__file__).parent)})
    assert done.stdout.startswith(str(workspace)), done.stderr


def test_a_run_id_of_the_environment_that_had_to_be_changed_is_no_second_run(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GXMETER_RUN", "night run")
    with meter_of(workspace, run=None) as meter:
        assert meter.wait_ready(20)
    assert [item.code for item in meter.result.findings] == ["run-id-changed"]


def test_a_meter_that_never_came_to_measure_names_no_other_one(workspace: Path) -> None:
    result = nothing(Wishes("r1", "lab", str(workspace)), "meter-late")
    assert "another gxmeter" not in "".join(summary_lines(result))
    assert "another gxmeter" in "".join(summary_lines(nothing(Wishes("r1", "lab", str(workspace)))))
