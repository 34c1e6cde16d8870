"""GPUs of a fake NVIDIA library under the real nvidia-ml-py: known watts, and every way in which they can fail."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gxmeter.core.findings import catalogue, finding
from gxmeter.meter.sensors.base import Fault, Opened, Sample
from gxmeter.meter.sensors.nvml import IN_A_MODULE, NvmlSensor
from gxmeter.meter.sensors.nvml_gpu import CEILING_MW
from tests.support import fakenvml

WATTS = [300, 310, 320, 330, 340, 350, 360, 370]


@dataclass
class Bench:
    """A sensor over fake GPUs, with time moved by hand."""

    clock: fakenvml.Clock
    sensor: NvmlSensor
    opened: Opened

    def read(self, seconds: float = 1.0) -> list[Sample]:
        return self.sensor.read(self.clock.advance(seconds))

    def joules(self, seconds: float = 1.0) -> list[float | None]:
        return [None if s.energy_uj is None else s.energy_uj / 1e6 for s in self.read(seconds)]

    def only(self, seconds: float = 1.0) -> tuple[int | None, str | None]:
        """Energy and fault of a lone GPU."""
        (sample,) = self.read(seconds)
        return sample.energy_uj, said(sample)


@contextmanager
def bench(
    folder: Path, *lines: str, visible: str | None = None, root: Path = Path("/"), **script: object
) -> Iterator[Bench]:
    with fakenvml.Fake(folder, *lines, **script).loaded() as clock:
        sensor = NvmlSensor(visible, clock=clock, root=root)
        opened = sensor.open()
        sensor.start()
        try:
            yield Bench(clock, sensor, opened)
        finally:
            sensor.close()


def said(sample: Sample) -> str | None:
    assert sample.fault is None or spoken(sample.fault)
    return sample.fault.code if sample.fault else None


def spoken(fault: Fault) -> bool:
    """Whether a fault's sentences have all their holes filled."""
    holes = {"device": "node.gpu0", **dict(fault.params)}
    message = catalogue()[fault.code]
    for text in (message.ja, message.en):
        text.format(**holes)
    return finding(fault.code, **holes).en != ""


def codes(opened: Opened) -> list[str]:
    assert all(spoken(fault) for fault in opened.faults)
    return [fault.code for fault in opened.faults]


# ---------------------------------------------------------------- what it finds, and how right it is


def test_every_gpu_is_a_part_with_its_identity(tmp_path: Path) -> None:
    with bench(tmp_path, "gpu1.limit_w=650") as b:
        assert [part.label for part in b.opened.parts] == [f"gpu{n}" for n in range(8)]
        part = b.opened.parts[1]
        assert (part.kind, part.name, part.method) == ("gpu", "NVIDIA H100 80GB HBM3", "nvml-counter")
        assert part.uuid == "GPU-20000001-fa4e-4000-8000-000000000001"
        assert (part.rated_mw, part.counter_unit, part.boundary, part.covers) == (650_000, "mJ", "device", ())
        assert (b.opened.driver, b.opened.faults) == ("580.65.06", ())
        assert b.opened.version[0].isdigit()
        assert b.sensor.poll_s is None


def test_eight_gpus_are_right_within_a_twentieth_of_a_percent_each(tmp_path: Path) -> None:
    """2,680 W over five seconds read at uneven moments; both ends are at a move of the counters."""
    moments = random.Random(1)
    with bench(tmp_path) as b:
        parts_ms = [moments.randint(700, 1300) for _ in range(4)]
        total = [0] * 8
        for milliseconds in [*parts_ms, 5000 - sum(parts_ms)]:
            for number, sample in enumerate(b.read(milliseconds / 1000)):
                assert sample.fault is None
                total[number] += sample.energy_uj or 0
        for microjoules, watts in zip(total, WATTS, strict=True):
            assert microjoules / 5e6 == pytest.approx(watts, rel=0.0005)
        assert sum(total) / 5e6 == pytest.approx(2680, rel=0.0005)


def test_a_records_ends_are_each_sharp_to_one_move_of_the_counter(tmp_path: Path) -> None:
    moments = random.Random(2)
    for _ in range(20):
        with bench(tmp_path, gpus=1, phase_s=0.03) as b:
            b.read(moments.uniform(0, 1))
            seconds = [moments.uniform(0.5, 1.5) for _ in range(10)]
            energy_j = sum(b.joules(s)[0] or 0 for s in seconds)
            assert abs(energy_j - 300 * sum(seconds)) <= 300 * 0.1 + 0.001


def test_a_square_wave_is_right_by_the_counter_at_any_rate(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1, period_s=1) as b:
        assert sum(b.joules(1.0)[0] or 0 for _ in range(20)) == pytest.approx(8000, rel=0.0005)


@pytest.mark.parametrize("seed", range(5))
def test_a_square_wave_is_right_by_uneven_polls(tmp_path: Path, seed: int) -> None:
    moments = random.Random(seed)
    with bench(tmp_path, gpus=1, counter="no", period_s=1) as b:
        assert b.sensor.poll_s == pytest.approx(0.2)
        energy_uj, began_ns = 0, b.clock()
        while b.clock() - began_ns < 20e9:
            for _ in range(4):
                b.clock.advance(moments.uniform(0.1, 0.3))
                b.sensor.poll()
            (sample,) = b.read(moments.uniform(0.1, 0.3))
            assert (sample.method, sample.counter, sample.fault) == ("nvml-power", None, None)
            energy_uj += sample.energy_uj or 0
        assert energy_uj / ((b.clock() - began_ns) / 1e3) == pytest.approx(400, rel=0.05)


def test_a_counter_reading_has_its_counts(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1) as b:
        (sample,) = b.read()
        assert (sample.energy_uj, sample.counter) == (300_000_000, (1_000_000, 1_300_000))


def test_the_real_clock_and_the_real_loader_agree(tmp_path: Path) -> None:
    """A process of its own, LD_LIBRARY_PATH, no nvidia-smi: as it will run."""
    code = """
import json, time
from gxmeter.meter.sensors.nvml import NvmlSensor
sensor = NvmlSensor()
began = time.perf_counter(); opened = sensor.open(); sensor.start(); took = time.perf_counter() - began
t = time.monotonic_ns(); total = [0] * 8
for _ in range(3):
    time.sleep(0.5); now = time.monotonic_ns()
    total = [a + s.energy_uj for a, s in zip(total, sensor.read(now - t))]; t = now
sensor.close()
print(json.dumps({"parts": len(opened.parts), "took": took, "total": total}))
"""
    environ = os.environ | fakenvml.environment(step_s=0.001)
    began = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    answer = json.loads(began.stdout)
    assert answer["parts"] == 8
    assert answer["took"] < 0.5
    assert [total / 1e6 / sum(answer["total"]) * 1e6 for total in answer["total"]] == pytest.approx(
        [watts / 2680 for watts in WATTS], rel=0.01
    )
    assert began.stderr == ""


# ---------------------------------------------------------------- ratings and missing answers


def test_without_a_limit_the_rating_is_not_known_and_the_ceiling_judges(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1, limit="no", power_w=CEILING_MW // 1000) as b:
        assert b.opened.parts[0].rated_mw is None
        assert b.joules() == [3000.0]


def test_readings_are_judged_by_the_highest_limit_that_can_be_set(tmp_path: Path) -> None:
    """A limit of 200 W may be lifted while the meter runs."""
    with bench(tmp_path, gpus=1, limit_w=200, power_w=190) as b:
        assert b.joules() == [190.0]
        b.clock.say("gpu0.power_w=650")
        assert b.joules() == [650.0]
        assert b.opened.parts[0].rated_mw == 200_000


def test_a_counter_that_never_counted_is_left_for_polled_power(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1, counter="zero") as b:
        assert b.opened.parts[0].method == "nvml-power"
        assert b.joules() == [300.0]


def test_a_gpu_without_any_sensor_is_a_gap_and_said(tmp_path: Path) -> None:
    with bench(tmp_path, "gpu0.counter=no", "gpu0.power=no", gpus=2) as b:
        first, second = b.read()
        assert (first.energy_uj, said(first)) == (None, "gpu-no-sensor")
        assert second.energy_uj == 310_000_000


@pytest.mark.parametrize(
    ("power", "expected"), [("zero", "sensor-zero"), ("error", "sensor-read-failed"), ("yes", "power-too-high")]
)
def test_a_power_that_cannot_be_is_a_gap(tmp_path: Path, power: str, expected: str) -> None:
    with bench(tmp_path, gpus=1, counter="no") as b:
        assert b.only() == (300_000_000, None)
        b.clock.say(f"gpu0.power={power}", "gpu0.power_w=1500" if power == "yes" else "gpu0.power_w=300")
        assert b.only() == (None, expected)
        b.clock.say("gpu0.power=yes", "gpu0.power_w=300")
        assert b.only() == (None, "power-begins")
        assert b.only() == (300_000_000, None)


def test_power_that_was_not_asked_for_too_long_is_a_gap(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1, counter="no") as b:
        assert b.only(60) == (None, "power-sparse")
        assert b.only() == (300_000_000, None)


# ---------------------------------------------------------------- counters that lie


def test_a_counter_reset_is_a_gap_of_one_interval(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1) as b:
        b.read()
        b.clock.say("gpu0.counter_mj=0")
        assert b.only() == (None, "counter-backwards")
        assert b.only() == (300_000_000, None)


def test_a_counter_that_jumps_is_a_gap_of_one_interval(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1) as b:
        b.clock.say("gpu0.jump_mj=5000000")
        assert b.only() == (None, "reading-implausible")
        assert b.only() == (300_000_000, None)


def test_a_counter_that_stands_still_is_a_gap_until_it_moves(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1) as b:
        b.read()
        b.clock.say("gpu0.counter=stuck")
        assert b.only() == (None, "counter-stuck")
        assert b.only() == (None, "counter-stuck")
        b.clock.say("gpu0.counter=yes")
        energy_uj, why = b.only()
        assert energy_uj is None
        assert why in {"counter-begins", "reading-implausible"}
        assert b.only() == (300_000_000, None)


def test_a_counter_that_goes_missing_is_a_gap_not_zero(tmp_path: Path) -> None:
    with bench(tmp_path, "gpu0.counter=yes", gpus=2) as b:
        b.clock.say("gpu0.counter=error")
        first, second = b.read()
        assert (first.energy_uj, said(first)) == (None, "sensor-read-failed")
        assert second.energy_uj == 310_000_000


# ---------------------------------------------------------------- lost, reloaded, not there


def test_a_lost_gpu_is_a_gap_and_the_others_go_on(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=2) as b:
        b.clock.say("gpu0.lost=yes")
        for _ in range(40):
            first, second = b.read()
            assert (first.energy_uj, said(first)) == (None, "sensor-read-failed")
            assert "lost" in dict(first.fault.params)["reason"].lower()  # type: ignore[union-attr]
            assert second.energy_uj == 310_000_000
        b.clock.say("gpu0.lost=no")
        assert said(b.read()[0]) == "counter-begins"
        assert b.joules() == [300.0, 310.0]


def test_a_driver_loaded_anew_is_found_again_by_itself(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=2) as b:
        uuids = [part.uuid for part in b.opened.parts]
        b.clock.say("driver=gone")
        for _ in range(5):
            assert [said(sample) for sample in b.read()] == ["sensor-read-failed"] * 2
        b.clock.say("driver=reloaded")
        faults = [[said(sample) for sample in b.read()] for _ in range(35)]
        assert faults[0] == ["sensor-read-failed"] * 2, "whoever had it open must open it anew"
        assert faults[-1] == [None, None]
        lost = [f[0] for f in faults].count("sensor-read-failed")
        assert lost <= 8, "it is looked for after 1, 2, 4 and 8 seconds"
        assert [f[0] for f in faults[lost:]] == [None] * (35 - lost), "counted from the reading that found it"
        assert b.joules() == [300.0, 310.0]
        assert [part.uuid for part in b.opened.parts] == uuids


def test_nvml_is_taken_anew_ever_more_rarely(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1) as b:
        b.clock.say("driver=gone")
        b.read()
        b.read()
        calls = []
        for _ in range(60):
            before = b.clock.calls
            b.read()
            calls.append(b.clock.calls - before)
        assert min(calls) <= 1
        tries = [second for second, count in enumerate(calls) if count > min(calls)]
        assert 3 <= len(tries) <= 6
        assert tries[-1] - tries[-2] >= 16


def test_a_reference_that_another_library_keeps_does_not_keep_a_reloaded_driver_away(tmp_path: Path) -> None:
    import pynvml

    with bench(tmp_path, gpus=1) as b:
        pynvml.nvmlInit()  # as CodeCarbon does when it is imported
        b.clock.say("driver=gone")
        b.read()
        b.clock.say("driver=reloaded")
        for _ in range(4):
            b.read()
        assert said(b.read()[0]) is None
        b.sensor.close()
        assert pynvml.nvmlDeviceGetCount() == 1, "the other user has its reference again"
        pynvml.nvmlShutdown()


def test_a_library_that_is_shared_is_given_back_only_once(tmp_path: Path) -> None:
    import pynvml

    with bench(tmp_path, gpus=1) as b:
        pynvml.nvmlInit()
        b.sensor.close()
        b.sensor.close()
        assert pynvml.nvmlDeviceGetCount() == 1, "the other user still has it"
        pynvml.nvmlShutdown()
        with pytest.raises(pynvml.NVMLError):
            pynvml.nvmlDeviceGetCount()


@pytest.mark.parametrize("init", ["mismatch", "error"])
def test_a_library_that_does_not_fit_its_driver_is_a_fault(tmp_path: Path, init: str) -> None:
    with bench(tmp_path, init=init) as b:
        assert (b.opened.parts, codes(b.opened)) == ((), ["nvml-unusable"])
        assert b.read() == []


def test_a_driver_not_loaded_is_a_fault_only_where_there_is_a_gpu(tmp_path: Path) -> None:
    bare, bus, nodes = tmp_path / "bare", tmp_path / "bus", tmp_path / "nodes"
    bare.mkdir()
    pci(bus, "0000:00:02.0", "0x8086", "0x030000")
    (nodes / "dev").mkdir(parents=True)
    (nodes / "dev/nvidia3").touch()
    with bench(tmp_path, init="not_loaded", root=bare) as b:
        assert codes(b.opened) == []
    with bench(tmp_path, init="not_loaded", root=bus) as b:
        assert codes(b.opened) == []
    pci(bus, "0000:17:00.0", "0x10de", "0x030200")
    with bench(tmp_path, init="not_loaded", root=bus) as b:
        assert codes(b.opened) == ["nvml-unusable"]
    with bench(tmp_path, init="not_loaded", root=nodes) as b:
        assert codes(b.opened) == ["nvml-unusable"]


def pci(root: Path, slot: str, vendor: str, kind: str) -> None:
    folder = root / "sys/bus/pci/devices" / slot
    folder.mkdir(parents=True)
    (folder / "vendor").write_text(f"{vendor}\n")
    (folder / "class").write_text(f"{kind}\n")


def test_a_missing_library_is_a_fault_only_where_the_driver_has_its_files(tmp_path: Path) -> None:
    """In a process of its own, where no fake is in the way; the machine's own library must not be either."""
    (tmp_path / "bare").mkdir()
    (tmp_path / "node/dev").mkdir(parents=True)
    (tmp_path / "node/dev/nvidia0").touch()
    (tmp_path / "proc/proc/driver/nvidia/gpus").mkdir(parents=True)
    code = """
import ctypes, json, sys
from pathlib import Path
try:
    ctypes.CDLL("libnvidia-ml.so.1")
except OSError:
    pass
else:
    sys.exit("there is one")
from gxmeter.meter.sensors.nvml import NvmlSensor
opened = [NvmlSensor(root=Path(root)).open() for root in sys.argv[1:]]
print(json.dumps([[len(o.parts), [f.code for f in o.faults]] for o in opened]))
"""
    roots = [str(tmp_path / name) for name in ("bare", "node", "proc")]
    environ = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    done = subprocess.run(
        [sys.executable, "-c", code, *roots], env=environ, capture_output=True, text=True, check=False
    )
    if done.stderr.strip() == "there is one":
        pytest.skip("this machine has NVIDIA's own library")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[0, []], [0, ["gpu-unreadable"]], [0, ["gpu-unreadable"]]]


@pytest.mark.parametrize(
    ("line", "expected"), [("gpu1.hidden=yes", "gpu-not-permitted"), ("gpu1.lost=yes", "gpu-not-opened")]
)
def test_a_gpu_that_cannot_be_opened_is_no_part_and_the_labels_of_the_others_stay(
    tmp_path: Path, line: str, expected: str
) -> None:
    with bench(tmp_path, line, gpus=3) as b:
        assert [part.label for part in b.opened.parts] == ["gpu0", "gpu2"]
        assert codes(b.opened) == [expected]
        assert dict(b.opened.faults[0].params)["device"] == "gpu1"
        assert b.joules() == [300.0, 320.0]


def test_gpus_that_come_are_remarked_once(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1) as b:
        b.clock.say("gpus=2")
        remarks = [said(b.read()[0]) for _ in range(90)]
        assert remarks.count("gpu-count-changed") == 1
        assert remarks.count(None) == 89


def test_a_call_that_blocks_does_not_falsify_the_others() -> None:
    """With the real clock: GPU 0 takes a quarter of a second to answer, so GPU 1 is asked that much later."""
    code = """
import json, time
from gxmeter.meter.sensors.nvml import NvmlSensor
sensor = NvmlSensor(); sensor.open(); sensor.start(); energy = 0
began = time.monotonic()
for _ in range(4):
    sample = sensor.read(1)[1]; energy += sample.energy_uj; assert sample.fault is None
print(json.dumps(energy / 1e6 / (time.monotonic() - began)))
"""
    environ = os.environ | fakenvml.environment("gpu0.block_s=0.25", "gpu1.counter=no", gpus=2)
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == pytest.approx(310, rel=0.02)


# ---------------------------------------------------------------- visible devices, MIG, modules


def test_a_gpu_that_is_not_visible_is_no_part(tmp_path: Path) -> None:
    with bench(tmp_path, visible="3,GPU-60000005", gpus=8) as b:
        assert [part.label for part in b.opened.parts] == ["gpu3", "gpu5"]
        assert b.joules() == [330.0, 350.0]


def test_no_visible_gpu_means_no_part_and_no_fault(tmp_path: Path) -> None:
    with bench(tmp_path, visible="") as b:
        assert (b.opened.parts, b.opened.faults, b.read()) == ((), (), [])


def test_what_the_list_of_visible_gpus_leaves_open_is_said(tmp_path: Path) -> None:
    with bench(tmp_path, "gpu1.name=NVIDIA A100", visible="0,9", gpus=2) as b:
        assert codes(b.opened) == ["gpu-visible-unknown", "gpu-order-unknown"]
        assert [part.label for part in b.opened.parts] == ["gpu0"]


def test_the_environment_alone_excludes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with bench(tmp_path, gpus=2) as b:
        assert len(b.opened.parts) == 2


def test_a_gpu_divided_by_mig_is_measured_whole_and_said_so(tmp_path: Path) -> None:
    with bench(tmp_path, "gpu0.mig=3", gpus=2) as b:
        assert [part.method for part in b.opened.parts] == ["nvml-counter"] * 2
        assert b.opened.faults == (Fault("gpu-mig", (("count", "3"), ("device", "gpu0"))),)
        assert b.joules() == [300.0, 310.0]


def test_a_mig_device_has_no_energy_of_its_own_and_gets_none(tmp_path: Path) -> None:
    with bench(tmp_path, "gpu0.mig=3", gpus=2, visible="MIG-10000000-fa4e-5000-8000-000000000001") as b:
        (part,) = b.opened.parts
        assert (part.label, part.method, b.sensor.methods[part.method]) == ("gpu0", "nvml-counter-mig", "X")
        assert codes(b.opened) == []
        assert b.only() == (None, "gpu-mig-shared")


def test_a_container_that_sees_one_mig_device_cannot_take_it_for_the_gpu(tmp_path: Path) -> None:
    """NVML shows only what was given to the container, so a single visible device proves nothing."""
    with bench(tmp_path, "gpu0.mig=7", "gpu0.mig_seen=1", gpus=1, visible="0:0") as b:
        assert b.only() == (None, "gpu-mig-shared")


def test_a_mig_device_of_a_hidden_gpu_is_said(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1, visible="MIG-99999999-0000-5000-8000-000000000000") as b:
        assert (b.opened.parts, codes(b.opened)) == ((), ["gpu-mig-shared"])


def test_mig_mode_without_a_device_is_still_the_whole_gpu(tmp_path: Path) -> None:
    with bench(tmp_path, "gpu0.mig=2", "gpu0.mig_seen=0", gpus=1) as b:
        assert codes(b.opened) == ["gpu-mig"]
        assert b.joules() == [300.0]


def test_a_grace_hopper_counter_covers_its_processor_and_memory(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1, name="NVIDIA GH200 480GB", limit_w=900) as b:
        (part,) = b.opened.parts
        assert (part.method, part.covers) == ("nvml-module-counter", IN_A_MODULE)
        assert b.sensor.methods[part.method] == "C1"
        assert codes(b.opened) == ["gpu-module-counter"]
        (sample,) = b.read()
        assert (sample.energy_uj, sample.method) == (300_000_000, "nvml-module-counter")


@pytest.mark.parametrize("name", ["NVIDIA GB200", "NVIDIA GB300"])
def test_a_module_of_which_nothing_is_established_covers_nothing_and_says_so(tmp_path: Path, name: str) -> None:
    with bench(tmp_path, gpus=1, name=name, limit_w=1200) as b:
        (part,) = b.opened.parts
        assert (part.method, part.covers) == ("nvml-counter", ())
        assert codes(b.opened) == ["gpu-module-unknown"]


# ---------------------------------------------------------------- the same sensor again, and beside CodeCarbon


def test_opening_again_after_closing_works(tmp_path: Path) -> None:
    with bench(tmp_path, gpus=1) as b:
        b.sensor.close()
        assert len(b.sensor.open().parts) == 1
        b.sensor.start()
        assert b.joules() == [300.0]


def test_codecarbons_own_gpu_objects_read_the_same_library() -> None:
    code = """
import json, time
from codecarbon.core.gpu import AllGPUDevices
from codecarbon.core.units import Time
devices = AllGPUDevices(); devices.start(); began = time.monotonic(); time.sleep(1)
took = time.monotonic() - began
deltas = devices.get_delta(Time.from_seconds(took))
print(json.dumps([d["delta_energy_consumption"].kWh / 2.77778e-7 / took for d in deltas]))
"""
    environ = os.environ | fakenvml.environment("gpu1.counter=no", gpus=3, step_s=0.001)
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == pytest.approx([300, 310, 320], rel=0.02)
