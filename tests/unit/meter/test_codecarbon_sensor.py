"""CodeCarbon's real objects under sensors at known watts: what they return is what is recorded."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from meter_helpers import energy_uj, gaps, python, remarks, segments

from gxmeter.core.journal import Interval
from gxmeter.meter.sensors.base import Sample
from gxmeter.meter.sensors.codecarbon import CPU_LOAD, RAM_MODEL, RAPL, CodeCarbonSensor
from gxmeter.meter.session import Meter
from tests.support import fakenvml

STEPS = 0.06
"""Two seconds of a counter that moves every 0.1 s are off by at most one step."""

MEASURE = """
import json, sys, time
from gxmeter.meter.sensors.codecarbon import CodeCarbonSensor
from gxmeter.meter.session import Meter
with Meter("gpu", "lab", ".", period_s=0.3, sensors=[CodeCarbonSensor()]) as meter:
    deadline = time.monotonic() + 20
    while not meter.totals.samples and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(2)
r = meter.result
print(json.dumps({"journal": str(meter.journal), "measured": r.measured_uj, "estimated": r.estimated_uj,
                  "findings": [f.code for f in r.findings]}))
"""


def gpu_run(workspace: Path, *script: str, **env: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any], Path]:
    """Measure about 2 s with fake GPUs; per device energy, seconds and methods, the answer, the journal."""
    fake = fakenvml.environment(*script, gpus=3 if env else 2)
    done = python(MEASURE, cwd=workspace, env={**fake, **env})
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    journal = Path(answer["journal"])
    segment = segments(journal)[0]
    assert segment.head is not None
    parts = segment.components()
    per: dict[str, dict[str, Any]] = {
        part.device.rpartition(".")[2]: {"uj": 0, "ns": 0, "methods": set(), "part": part} for part in parts
    }
    for _, record in segment.records:
        if isinstance(record, Interval):
            used = record.methods or tuple(part.method for part in parts)
            for part, uj, method in zip(parts, record.energy_uj, used, strict=False):
                if uj is not None:
                    entry = per[part.device.rpartition(".")[2]]
                    entry["uj"] += uj
                    entry["ns"] += record.end_mono_ns - record.start_mono_ns
                    entry["methods"].add(segment.head.methods[method].method)
    return per, answer, journal


def watts(entry: dict[str, Any]) -> float:
    return float(entry["uj"] * 1000 / entry["ns"])


def test_gpu_counters_are_read_per_device(workspace: Path) -> None:
    per, answer, _ = gpu_run(workspace)
    assert watts(per["gpu0"]) == pytest.approx(300, rel=STEPS)
    assert watts(per["gpu1"]) == pytest.approx(310, rel=STEPS)
    assert per["gpu0"]["methods"] == {"codecarbon-nvml-counter"}
    part = per["gpu1"]["part"]
    assert (part.name, part.rated_mw, part.counter_unit) == ("NVIDIA H100 80GB HBM3", 700_000, "mJ")
    assert part.uuid.startswith("GPU-")
    assert answer["measured"] == per["gpu0"]["uj"] + per["gpu1"]["uj"]


def test_without_a_counter_power_is_polled_and_said_so(workspace: Path) -> None:
    per, _, _ = gpu_run(workspace, "*.counter=no")
    assert watts(per["gpu0"]) == pytest.approx(300, rel=STEPS)
    assert per["gpu0"]["methods"] == {"codecarbon-nvml-power"}


def test_a_gpu_that_answers_nothing_is_a_gap_never_zero(workspace: Path) -> None:
    per, answer, journal = gpu_run(workspace, "gpu0.counter=no", "gpu0.power=no")
    assert per["gpu0"]["ns"] == 0
    assert answer["measured"] == per["gpu1"]["uj"]
    assert "sensor-zero" in remarks(journal)
    assert any(reason == "sensor-zero" for reason, _ in gaps(journal))


def test_a_lost_gpu_is_a_gap_and_the_other_goes_on(workspace: Path) -> None:
    per, _, journal = gpu_run(workspace, "@+1.5 gpu0.lost=yes")
    assert watts(per["gpu1"]) == pytest.approx(310, rel=STEPS)
    assert per["gpu0"]["ns"] < per["gpu1"]["ns"]
    assert "sensor-zero" in remarks(journal)


def test_a_reset_counter_is_remarked_and_its_energy_stays_right(workspace: Path) -> None:
    per, _, journal = gpu_run(workspace, "@+1.5 gpu0.counter_mj=0")
    assert "counter-reset" in remarks(journal)
    assert watts(per["gpu0"]) == pytest.approx(300, rel=STEPS)
    assert per["gpu0"]["methods"] == {"codecarbon-nvml-counter", "codecarbon-nvml-power"}


def test_no_visible_device_narrows_nothing(workspace: Path) -> None:
    per, _, _ = gpu_run(workspace, CUDA_VISIBLE_DEVICES="1")
    assert {"gpu0", "gpu1", "gpu2"} <= set(per)


class FakeRapl:
    """Two packages at 100 and 80 W in a powercap tree, fed by a thread."""

    def __init__(self, root: Path) -> None:
        self.files: list[tuple[Path, float, int]] = []
        tree = root / "powercap" / "intel-rapl"
        for number, power_w in enumerate((100, 80)):
            folder = tree / f"intel-rapl:{number}"
            folder.mkdir(parents=True)
            (folder / "name").write_text(f"package-{number}\n")
            (folder / "max_energy_range_uj").write_text("262143328850\n")
            self.files.append((folder / "energy_uj", power_w, 10**8 * (number + 1)))
        (tree / "subsystem").symlink_to(root / "powercap")
        self.folder = str(tree / "subsystem")
        self.begun = time.perf_counter()
        self.feed()

    def feed(self) -> None:
        passed = time.perf_counter() - self.begun
        for path, power_w, base in self.files:
            self.put(path, f"{int(base + power_w * passed * 1e6):020d}\n")

    @staticmethod
    def put(path: Path, text: str) -> None:
        fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
        os.pwrite(fd, text.encode(), 0)
        os.close(fd)


@pytest.fixture
def rapl(tmp_path: Path) -> FakeRapl:
    return FakeRapl(tmp_path)


def test_rapl_packages_are_measured_each_for_itself(rapl: FakeRapl) -> None:
    sensor = CodeCarbonSensor(rapl_dir=rapl.folder)
    opened = sensor.open()
    assert [(part.label, part.method) for part in opened.parts] == [
        ("cpu0", RAPL),
        ("cpu1", RAPL),
        ("ram", RAM_MODEL),
    ]
    sensor.start()
    first = [int(path.read_text()) for path, _, _ in rapl.files]
    time.sleep(0.3)
    rapl.feed()
    second = [int(path.read_text()) for path, _, _ in rapl.files]
    samples = sensor.read(300_000_000)
    sensor.close()
    assert [sample.energy_uj for sample in samples[:2]] == [b - a for a, b in zip(first, second, strict=True)]
    assert [sample.counter for sample in samples[:2]] == list(zip(first, second, strict=True))


def test_a_rapl_counter_that_cannot_be_read_is_no_wrap(rapl: FakeRapl) -> None:
    sensor = CodeCarbonSensor(rapl_dir=rapl.folder)
    sensor.open()
    sensor.start()
    rapl.put(rapl.files[0][0], "broken" + " " * 20 + "\n")
    sample = sensor.read(300_000_000)[0]
    assert sample.energy_uj is None
    assert sample.fault is not None
    assert sample.fault.code == "sensor-read-failed"
    rapl.put(rapl.files[0][0], " " * 27)
    rapl.feed()
    assert sensor.read(300_000_000)[0].energy_uj is None
    sensor.close()


def test_an_impossible_delta_is_no_number(rapl: FakeRapl) -> None:
    sensor = CodeCarbonSensor(rapl_dir=rapl.folder)
    sensor.open()
    sensor.start()
    rapl.put(rapl.files[0][0], f"{5 * 10**10:020d}\n")
    sample = sensor.read(300_000_000)[0]
    sensor.close()
    assert sample.energy_uj is None
    assert sample.fault is not None
    assert sample.fault.code == "reading-implausible"


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What CodeCarbon's own objects return, in uJ, beside what is recorded."""
    from codecarbon.external.hardware import BaseHardware

    returned: list[float] = []
    original = BaseHardware.measure_power_and_energy

    def spy(self: BaseHardware, last_duration: float) -> object:
        power, energy = original(self, last_duration)
        returned.append(energy.kWh * 3.6e12)
        return power, energy

    monkeypatch.setattr(BaseHardware, "measure_power_and_energy", spy)
    return returned


def test_the_record_holds_what_codecarbon_returned(workspace: Path, recorded: list[float]) -> None:
    with Meter("r1", "lab", workspace, period_s=0.2, sensors=[CodeCarbonSensor(nvidia=False)]) as meter:
        time.sleep(2)
    assert meter.journal is not None
    if meter.result.measured_uj == 0:  # a machine with RAPL or a GPU measures by other objects
        assert len(recorded) == meter.result.samples
        assert abs(energy_uj(meter.journal) - sum(recorded)) <= len(recorded)
    assert energy_uj(meter.journal) == meter.result.measured_uj + meter.result.estimated_uj > 0


def test_models_are_graded_estimates() -> None:
    assert CodeCarbonSensor.methods[CPU_LOAD] == "E1"
    assert CodeCarbonSensor.methods[RAM_MODEL] == "E2"


def test_stray_settings_move_no_figure(workspace: Path) -> None:
    """``CODECARBON_*`` and ``.codecarbon.config`` say a tenth of everything; the model parts stay as they are."""
    code = """
import json, threading
from gxmeter.meter.sensors.codecarbon import CodeCarbonSensor
def measure():
    sensor = CodeCarbonSensor(rapl_dir="/nowhere")
    parts = sensor.open().parts
    sensor.start()
    samples = sensor.read(10**10)
    print(json.dumps([[p.label, p.rated_mw, s.energy_uj] for p, s in zip(parts, samples) if p.kind == "ram"]
                     + [[p.label, p.rated_mw] for p in parts if p.kind == "cpu"]))
threading.Thread(target=measure, name="gxmeter").start()
"""
    clean = python(code, cwd=workspace)
    stray = {
        "CODECARBON_PUE": "0.1",
        "CODECARBON_FORCE_RAM_POWER": "1",
        "CODECARBON_FORCE_CPU_POWER": "1",
        "CODECARBON_TRACKING_MODE": "process",
        "CODECARBON_LOG_LEVEL": "debug",
        "CODECARBON_GPU_IDS": "7",
    }
    text = "[codecarbon]\npue = 0.1\nforce_ram_power = 1\nforce_cpu_power = 1\ntracking_mode = process\n"
    (workspace / ".codecarbon.config").write_text(text)
    moved = python(code, cwd=workspace, env={**stray, "HOME": str(workspace)})
    assert clean.returncode == moved.returncode == 0
    assert json.loads(clean.stdout) == json.loads(moved.stdout)
    assert clean.stderr == moved.stderr == ""


def test_the_meter_touches_no_network_and_no_signal_handler(workspace: Path) -> None:
    code = """
import signal, socket, sys, time
def refuse(*a, **k): raise AssertionError("network")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
before = {s: signal.getsignal(s) for s in signal.valid_signals()}
from gxmeter.meter.session import Meter
with Meter("r", "lab", ".", period_s=0.2) as meter:
    time.sleep(1.5)
    during = {s: signal.getsignal(s) for s in signal.valid_signals()}
    time.sleep(0.5)
assert before == during, "handlers"
assert meter.result.samples > 0
import glob, tempfile, os
assert not os.path.exists(os.path.join(tempfile.gettempdir(), ".codecarbon.lock"))
"""
    done = python(code, cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == ""


def test_importing_the_meter_imports_no_codecarbon(workspace: Path) -> None:
    heavy = ("codecarbon", "pandas", "numpy", "psutil", "yaml")
    code = f"import sys, gxmeter.meter.session; print([m for m in {heavy} if m in sys.modules])"
    assert python(code, cwd=workspace).stdout.strip() == "[]"


def test_the_users_own_codecarbon_log_is_left_alone() -> None:
    log = logging.getLogger("codecarbon")
    before = list(log.filters)
    sensor = CodeCarbonSensor()
    thread = threading.Thread(target=sensor.open, name="gxmeter-open")
    thread.start()
    thread.join()
    heard: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = heard.append  # type: ignore[method-assign]
    log.addHandler(handler)
    log.warning("the user's own")
    log.removeHandler(handler)
    sensor.close()
    assert len(heard) == 1
    assert log.filters == before


def test_an_unknown_part_is_a_fault_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from codecarbon.external import ram

    def broken(*_: object, **__: object) -> object:
        raise OSError("no memory information")

    monkeypatch.setattr(ram, "RAM", broken)
    opened = CodeCarbonSensor(rapl_dir="/nowhere").open()
    assert "sensor-unavailable" in [fault.code for fault in opened.faults]
    assert [part.kind for part in opened.parts][:1] == ["cpu"]
    assert Sample(None, RAPL).energy_uj is None


def test_compared_a_gpu_is_read_twice_and_counted_once(workspace: Path) -> None:
    code = MEASURE.replace("sensors=[CodeCarbonSensor()]", "compare=True").replace(
        "    time.sleep(2)", "    time.sleep(3)"
    )
    done = python(code, cwd=workspace, env=fakenvml.environment(gpus=2))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    segment = segments(Path(answer["journal"]))[0]
    parts, head = segment.components(), segment.head
    assert head is not None
    gpus = [part for part in parts if part.kind == "gpu"]
    assert [(head.methods[part.method].method, part.beside) for part in gpus] == [
        ("nvml-counter", None),
        ("nvml-counter", None),
        ("codecarbon-nvml-counter", 0),
        ("codecarbon-nvml-counter", 1),
    ]
    sums = [0] * len(parts)
    for _, record in segment.records:
        if isinstance(record, Interval):
            for index, uj in enumerate(record.energy_uj):
                sums[index] += uj or 0
    assert answer["measured"] == sums[0] + sums[1]
    ours, theirs = sums[gpus[0].index], sums[gpus[2].index]
    assert 0.5 * ours < theirs <= ours


def test_inside_a_slurm_job_no_program_of_slurm_is_asked(workspace: Path) -> None:
    code = """
import subprocess, sys
from gxmeter.meter.sensors.codecarbon import CodeCarbonSensor
asked, check_output = [], subprocess.check_output
def watched(command, *a, **k):
    asked.append(command[0])
    return check_output(command, *a, **k)
subprocess.check_output = watched
opened = CodeCarbonSensor(rapl_dir="/nowhere", nvidia=False).open()
print([part.label for part in opened.parts], [f.code for f in opened.faults if f.code != "cpu-rating-unknown"])
assert "scontrol" not in asked, asked
"""
    done = python(code, cwd=workspace, env={"SLURM_JOB_ID": "4711", "SLURM_NTASKS": "8"})
    assert done.stdout.strip() == "['cpu', 'ram'] []", done.stderr
