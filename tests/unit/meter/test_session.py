"""The meter around a block: what it records, and that nothing it meets reaches the training."""

from __future__ import annotations

import os
import threading
import time
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from meter_helpers import MovableTicks, ScriptedSensor, end_reason, energy_uj, gaps, records, remarks, segments

from gxmeter.core.errors import InputError
from gxmeter.core.journal import SUSPEND, ClockChange, Interval
from gxmeter.meter.decorator import metered
from gxmeter.meter.sensors.base import Fault, Opened, Part, Sample
from gxmeter.meter.session import Meter
from gxmeter.meter.ticks import Moment
from gxmeter.telemetry.registry import reader

STEADY = [[Sample(1_000_000, "load")]]


def steady() -> ScriptedSensor:
    return ScriptedSensor(STEADY)


def measured(workspace: Path, sensor: ScriptedSensor, *, seconds: float = 0.45, **options: object) -> Meter:
    meter = Meter("r1", "lab", workspace, period_s=0.1, sensors=[sensor], **options)  # type: ignore[arg-type]
    with meter:
        assert meter.wait_ready(5)
        time.sleep(seconds)
    return meter


def test_every_interval_is_in_the_record(workspace: Path) -> None:
    sensor = steady()
    meter = measured(workspace, sensor)
    assert meter.journal is not None
    assert sensor.reads >= 4
    assert energy_uj(meter.journal) == sensor.reads * 1_000_000 == meter.result.estimated_uj
    assert meter.result.samples == sensor.reads
    assert meter.result.measured_uj == 0
    assert end_reason(meter.journal) == "stop"
    assert segments(meter.journal)[0].findings == []
    assert meter.journal.parent == workspace / "telemetry" / "journals"


def test_intervals_touch_and_their_length_is_what_the_sensor_was_told(workspace: Path) -> None:
    sensor = steady()
    meter = measured(workspace, sensor)
    assert meter.journal is not None
    found = [record for record in records(meter.journal, Interval) if isinstance(record, Interval)]
    assert all(a.end_mono_ns == b.start_mono_ns for a, b in pairwise(found))
    assert [(r.end_mono_ns - r.start_mono_ns) / 1e9 for r in found] == sensor.seconds


def test_the_reader_gives_back_what_was_measured(workspace: Path) -> None:
    meter = measured(workspace, steady())
    assert meter.journal is not None
    reading = reader("gxmeter").read(meter.journal, run="x", site="y")
    total = sum(int(value) for batch in reading.batches for value in batch.half_uj)  # type: ignore[union-attr]
    assert total == 2 * meter.result.estimated_uj
    assert reading.records == meter.result.samples
    assert reading.clean_end


def test_energy_in_kwh_is_exact_and_the_node_needs_a_declared_ratio(workspace: Path) -> None:
    meter = measured(workspace, steady(), node_overhead="1.25")
    total = Decimal(meter.result.estimated_uj)
    assert meter.result.device_kwh is not None
    assert abs(meter.result.device_kwh * Decimal(3_600_000_000_000) - total) < 4
    node = meter.result.node_kwh
    assert node is not None
    assert abs(node - meter.result.device_kwh * Decimal("1.25")) < Decimal("1e-11")
    assert measured(workspace, steady(), seconds=0.1).result.node_kwh is None


def test_counters_are_measured_and_models_estimated(workspace: Path) -> None:
    parts = (Part("gpu0", "gpu", "x", "counter", counter_unit="mJ"), Part("ram", "ram", "y", "load"))
    script = [[Sample(700, "counter", counter=(5, 12)), Sample(20, "load")]]
    meter = measured(workspace, ScriptedSensor(script, parts=parts))
    result = meter.result
    assert (result.measured_uj * 20, result.estimated_uj) == (result.estimated_uj * 700, result.samples * 10)
    assert meter.journal is not None
    first = records(meter.journal, Interval)[0]
    assert isinstance(first, Interval)
    assert first.counters == ((5, 12), None)


def test_a_fault_is_said_once_and_is_a_gap_never_a_zero(workspace: Path) -> None:
    bad = [Sample(None, "load", fault=Fault("sensor-zero"))]
    sensor = ScriptedSensor([STEADY[0], bad, bad, STEADY[0]])
    meter = measured(workspace, sensor)
    assert meter.journal is not None
    assert remarks(meter.journal).count("sensor-zero") == 1
    assert ("sensor-zero", (0,)) in gaps(meter.journal)
    assert energy_uj(meter.journal) == (sensor.reads - 2) * 1_000_000
    assert "sensor-zero" in [item.code for item in meter.result.findings]


def test_a_fault_that_lasts_to_the_end_is_a_gap_to_the_end(workspace: Path) -> None:
    meter = measured(workspace, ScriptedSensor([[Sample(None, "load", fault=Fault("sensor-zero"))]]))
    assert meter.journal is not None
    assert gaps(meter.journal)[-1] == ("sensor-zero", (0,))
    assert meter.result.samples == 0


def test_another_method_is_named_in_its_interval_only(workspace: Path) -> None:
    sensor = ScriptedSensor([STEADY[0], [Sample(9, "power", fault=Fault("counter-reset"))], STEADY[0]])
    meter = measured(workspace, sensor)
    assert meter.journal is not None
    found = [r.methods for r in records(meter.journal, Interval) if isinstance(r, Interval)]
    assert [used is not None for used in found[:3]] == [False, True, False]
    assert "counter-reset" in remarks(meter.journal)


def test_a_sensor_that_raises_is_a_gap_and_measuring_goes_on(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def burst(reading: int) -> None:
        if sensor.reads == 2 and not raised:
            raised.append(True)
            raise RuntimeError("driver gone")

    raised: list[bool] = []
    sensor = ScriptedSensor(STEADY, before=burst)
    meter = measured(workspace, sensor)
    assert raised == [True]
    assert meter.journal is not None
    assert remarks(meter.journal) == ["sensor-read-failed"]
    assert ("sensor-read-failed", (0,)) in gaps(meter.journal)
    assert energy_uj(meter.journal) == sensor.reads * 1_000_000
    assert sensor.reads > 2
    assert "driver gone" in capsys.readouterr().err


def test_a_fault_of_the_meter_itself_ends_the_measuring_not_the_training(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class BrokenTicks(MovableTicks):
        def now(self) -> Moment:
            if threading.current_thread().name == "gxmeter" and len(reached) > 3:
                raise ArithmeticError("no time")
            reached.append(True)
            return super().now()

    reached: list[bool] = []
    done = []
    with Meter("r1", "lab", workspace, period_s=0.1, sensors=[steady()], ticks=BrokenTicks()):
        time.sleep(0.3)
        done.append(True)
    assert done == [True]
    assert "no time" in capsys.readouterr().err


def test_a_clock_that_is_set_back_is_remarked_and_loses_nothing(workspace: Path) -> None:
    ticks = MovableTicks()

    def step(reading: int) -> None:
        ticks.wall_ms = -3_600_000 if reading >= 1 else 0

    sensor = ScriptedSensor(STEADY, before=step)
    meter = measured(workspace, sensor, ticks=ticks)
    assert meter.journal is not None
    changes = [r for r in records(meter.journal, ClockChange) if isinstance(r, ClockChange)]
    assert [change.reason for change in changes] == ["step"]
    assert abs(changes[0].shift_ms + 3_600_000) < 500
    assert energy_uj(meter.journal) == sensor.reads * 1_000_000


def test_a_machine_asleep_is_a_gap(workspace: Path) -> None:
    ticks = MovableTicks()

    def sleep(reading: int) -> None:
        ticks.asleep_ms = 60_000 if reading >= 1 else 0

    sensor = ScriptedSensor(STEADY, before=sleep)
    meter = measured(workspace, sensor, ticks=ticks)
    assert meter.journal is not None
    changes = [r for r in records(meter.journal, ClockChange) if isinstance(r, ClockChange)]
    assert [change.reason for change in changes] == [SUSPEND]
    assert (SUSPEND, ()) in gaps(meter.journal)
    assert energy_uj(meter.journal) == (sensor.reads - 1) * 1_000_000


def test_segments_rotate_and_chain(workspace: Path) -> None:
    sensor = steady()
    meter = measured(workspace, sensor, seconds=1.5, segment_s=1)
    assert meter.journal is not None
    found = segments(meter.journal)
    assert len(found) >= 2
    reading = reader("gxmeter").read(meter.journal, run="x", site="y")
    assert sum(len(batch.key) for batch in reading.batches) == sensor.reads
    assert [item.code for item in reading.findings if item.code != "journal-gap"] == []


def test_an_exception_of_the_block_goes_on_its_way(workspace: Path) -> None:
    meter = Meter("r1", "lab", workspace, period_s=0.1, sensors=[steady()])

    def train() -> None:
        with meter:
            meter.wait_ready(5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()
    assert meter.journal is not None
    assert end_reason(meter.journal) == "exception"


def test_a_forked_child_does_not_count(workspace: Path) -> None:
    sensor = steady()
    with Meter("r1", "lab", workspace, period_s=0.1, sensors=[sensor]) as meter:
        meter.wait_ready(5)
        pid = os.fork()
        if pid == 0:
            meter.stop()
            os._exit(0)
        os.waitpid(pid, 0)
        time.sleep(0.2)
    assert meter.journal is not None
    assert len(list(meter.journal.iterdir())) == 1
    assert segments(meter.journal)[0].findings == []
    assert energy_uj(meter.journal) == sensor.reads * 1_000_000


def test_start_and_stop_are_quick(workspace: Path) -> None:
    meter = Meter("r1", "lab", workspace, period_s=60, sensors=[steady()])
    begun = time.perf_counter()
    meter.start()
    started = time.perf_counter() - begun
    meter.wait_ready(5)
    begun = time.perf_counter()
    meter.stop()
    assert started < 0.5
    assert time.perf_counter() - begun < 1


def test_stop_does_not_wait_for_a_sensor_that_hangs(workspace: Path) -> None:
    hanging = ScriptedSensor(STEADY, before=lambda _: time.sleep(2))
    meter = Meter("r1", "lab", workspace, period_s=0.1, sensors=[hanging])
    meter.start()
    meter.wait_ready(5)
    time.sleep(0.2)
    begun = time.perf_counter()
    result = meter.stop()
    assert time.perf_counter() - begun < 1.5
    assert "meter-late" in [item.code for item in result.findings]
    assert meter._thread is not None
    meter._thread.join(10)  # until it lets go of the host, no other meter would count


def test_stopping_twice_or_never_starting_is_no_error(workspace: Path) -> None:
    meter = Meter("r1", "lab", workspace, sensors=[steady()])
    assert meter.stop().samples == 0
    meter.start()
    assert meter.stop() == meter.stop()


def test_an_unwritable_workspace_sends_the_record_to_the_state_folder(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    meter = measured(blocked / "ws", steady(), seconds=0.15)
    assert meter.journal is not None
    assert meter.journal.is_relative_to(tmp_path / "state" / "gxmeter")
    assert "workspace-unwritable" in remarks(meter.journal)
    assert str(meter.journal) in capsys.readouterr().err


def test_nowhere_to_write_still_measures(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked / "state"))
    meter = measured(blocked / "ws", steady(), seconds=0.25)
    assert meter.journal is None
    assert meter.result.samples >= 1
    assert "journal-unwritable" in [item.code for item in meter.result.findings]
    assert "nowhere" in capsys.readouterr().err


def test_an_unknown_site_is_a_warning_in_the_record(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    meter = Meter("r1", "osaka", workspace, period_s=0.1, sensors=[steady()])
    with meter:
        meter.wait_ready(5)
    assert meter.journal is not None
    assert remarks(meter.journal) == ["site-unknown"]
    assert meter.result.site == "osaka"
    assert "osaka" in capsys.readouterr().err


def test_the_only_site_is_the_default_and_the_environment_goes_before(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Meter("r1", workspace=workspace, sensors=[steady()]) as meter:
        meter.wait_ready(5)
    assert meter.result.site == "lab"
    assert meter.result.findings == ()
    (workspace / "sites" / "b.yaml").write_text("id: second\n")
    with Meter("r1", workspace=workspace, sensors=[steady()]) as meter:
        meter.wait_ready(5)
    assert meter.result.site == "unknown"
    monkeypatch.setenv("GXMETER_SITE", "second")
    with Meter("r1", workspace=workspace, sensors=[steady()]) as meter:
        meter.wait_ready(5)
    assert meter.result.site == "second"


def test_the_workspace_is_found_upwards(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace / "sites")
    with Meter("r1", sensors=[steady()]) as meter:
        meter.wait_ready(5)
    assert meter.journal is not None
    assert meter.journal.is_relative_to(workspace)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"run": "a/b c"}, "run-id-changed"),
        ({"run": "../../etc"}, "run-id-changed"),
        ({"period_s": 0.0}, "period-not-usable"),
        ({"period_s": float("nan")}, "period-not-usable"),
        ({"period_s": "soon"}, "period-not-usable"),
        ({"node_overhead": "0.9"}, "node-ratio-not-usable"),
        ({"node_overhead": "lots"}, "node-ratio-not-usable"),
        ({"node_overhead": Decimal("NaN")}, "node-ratio-not-usable"),
    ],
)
def test_a_wrong_argument_is_a_remark_not_an_error(workspace: Path, options: dict[str, object], code: str) -> None:
    meter = Meter(**{"run": "r1", "site": "lab", "workspace": workspace, "sensors": [steady()], **options})  # type: ignore[arg-type]
    with meter:
        meter.wait_ready(5)
    assert [item.code for item in meter.result.findings] == [code]
    assert meter.journal is not None
    assert meter.journal.parent == workspace / "telemetry" / "journals"


def test_what_a_sensor_cannot_open_is_in_the_record(workspace: Path) -> None:
    sensor = ScriptedSensor([[]], parts=(), faults=(Fault("gpu-unreadable"),))
    assert sensor.open() == Opened("1", (), (Fault("gpu-unreadable"),))
    meter = measured(workspace, sensor, seconds=0.15)
    assert meter.journal is not None
    assert remarks(meter.journal) == ["gpu-unreadable"]
    assert records(meter.journal, Interval) == []


def test_the_decorator_measures_each_call_and_returns_its_value(workspace: Path) -> None:
    @metered(run="fine", site="lab", workspace=workspace)
    def train(steps: int, *, rate: float) -> float:
        """Doc."""
        return steps * rate

    assert train(3, rate=2.0) == 6.0
    assert train.__name__ == "train"
    assert len(list((workspace / "telemetry" / "journals").iterdir())) == 1


def test_the_decorator_refuses_what_returns_before_its_work_is_done() -> None:
    async def later() -> None: ...

    def rows() -> object:
        yield 1

    for function in (later, rows):
        with pytest.raises(InputError) as caught:
            metered(run="x")(function)
        assert caught.value.code == "metered-needs-plain-function"


def test_a_quick_sensor_that_hangs_when_opened_holds_nothing_up(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    let_go = threading.Event()

    class Hanging(ScriptedSensor):
        def open(self, taken: frozenset[str] = frozenset()) -> Opened:
            let_go.wait(20)
            return super().open(taken)

    gpu = (Part("gpu0", "gpu", "x", "counter", uuid="GPU-hangs"),)
    hanging = Hanging([[Sample(5, "counter", counter=(1, 2))]], parts=gpu, name="hanging")
    with Meter("r1", "lab", workspace, period_s=0.1, sensors=[steady(), hanging]) as meter:
        assert meter.wait_ready(5)
        time.sleep(0.4)
        assert meter.result.samples >= 2
    assert meter.journal is not None
    assert remarks(meter.journal) == ["sensor-late", "sensor-silent"]
    assert "hanging never answered" in capsys.readouterr().err
    let_go.set()


def test_a_quick_sensor_that_is_late_joins_when_it_is_open(workspace: Path) -> None:
    class Late(ScriptedSensor):
        def open(self, taken: frozenset[str] = frozenset()) -> Opened:
            time.sleep(1)
            return super().open(taken)

    gpu = (Part("gpu0", "gpu", "x", "counter", uuid="GPU-late"),)
    late = Late([[Sample(5, "counter", counter=(1, 2))]], parts=gpu, name="late")
    with Meter("r1", "lab", workspace, period_s=0.1, sensors=[steady(), late]) as meter:
        deadline = time.monotonic() + 10
        while meter.totals.measured_uj == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
    assert meter.journal is not None
    assert remarks(meter.journal) == ["sensor-late"]
    assert meter.result.measured_uj == 5 * late.reads
    assert ("starting", (1,)) in gaps(meter.journal)
