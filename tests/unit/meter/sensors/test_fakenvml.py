"""The fake library keeps its own promises: one script, one truth, in every process and after every change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pynvml
import pytest

from tests.support import fakenvml

READ = """
import json, time, pynvml as n
n.nvmlInit()
gpus = [n.nvmlDeviceGetHandleByIndex(i) for i in range(n.nvmlDeviceGetCount())]
print(json.dumps([time.monotonic_ns(), [n.nvmlDeviceGetTotalEnergyConsumption(gpu) for gpu in gpus]]))
"""


def read(environ: dict[str, str]) -> tuple[int, list[int]]:
    done = subprocess.run(
        [sys.executable, "-c", READ], env=os.environ | environ, capture_output=True, text=True, check=True
    )
    at_ns, counters = json.loads(done.stdout)
    return at_ns, counters


def test_processes_that_have_one_script_agree(tmp_path: Path) -> None:
    """A millisecond's energy is 0.3 J, so that two processes would differ if each began by itself."""
    fake = fakenvml.Fake(tmp_path, gpus=2, step_s=0.001)
    (first_ns, first), (then_ns, then) = read(fake.environment()), read(fake.environment())
    for number, watts in enumerate((300, 310)):
        seconds = (then_ns - first_ns) / 1e9
        assert (then[number] - first[number]) / 1000 == pytest.approx(watts * seconds, abs=watts * 0.02)


def test_what_is_said_later_does_not_change_what_was(tmp_path: Path) -> None:
    with fakenvml.Fake(tmp_path, gpus=1).loaded() as clock:
        pynvml.nvmlInit()
        gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
        clock.advance(2)
        clock.say("gpu0.power_w=500")
        clock.advance(3)
        assert pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu) == 1_000_000 + 600_000 + 1_500_000
        clock.say("gpu0.high_w=600", "gpu0.low_w=200", "gpu0.period_s=2")
        clock.advance(1.5)
        # High in the first second of every two from the beginning: from 5 s to 6 s low, to 6.5 s high.
        assert pynvml.nvmlDeviceGetPowerUsage(gpu) == 600_000
        assert pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu) - 3_100_000 == 200_000 + 300_000


def test_a_counter_moves_in_steps(tmp_path: Path) -> None:
    with fakenvml.Fake(tmp_path, gpus=1).loaded() as clock:
        pynvml.nvmlInit()
        gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
        seen = set()
        for _ in range(10):
            clock.advance(0.02)
            seen.add(pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu))
        assert seen == {1_000_000, 1_030_000, 1_060_000}


def test_things_happen_when_they_were_said_to(tmp_path: Path) -> None:
    with fakenvml.Fake(tmp_path, "@+2 gpu0.lost=yes", "@+4 gpu0.lost=no", gpus=1).loaded() as clock:
        pynvml.nvmlInit()
        gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
        clock.advance(1.9)
        pynvml.nvmlDeviceGetName(gpu)
        clock.advance(0.2)
        with pytest.raises(pynvml.NVMLError_GpuIsLost):
            pynvml.nvmlDeviceGetName(gpu)
        clock.advance(2)
        assert pynvml.nvmlDeviceGetName(gpu) == "NVIDIA H100 80GB HBM3"


def test_a_word_that_is_none_ends_the_process_and_says_so() -> None:
    environ = os.environ | fakenvml.environment("gpu0.powr_w=3")
    done = subprocess.run([sys.executable, "-c", READ], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode < 0
    assert "unknown key powr_w" in done.stderr


def test_nothing_of_it_is_left_in_the_process(tmp_path: Path) -> None:
    with fakenvml.Fake(tmp_path).loaded():
        pynvml.nvmlInit()
    with fakenvml.Fake(tmp_path, gpus=3).loaded():
        pynvml.nvmlInit()
        assert pynvml.nvmlDeviceGetCount() == 3
    assert "FAKENVML_SCRIPT" not in os.environ
    with pytest.raises(pynvml.NVMLError):
        pynvml.nvmlDeviceGetCount()


def test_codecarbons_own_tracker_counts_it(tmp_path: Path) -> None:
    code = """
import time
from codecarbon import OfflineEmissionsTracker
tracker = OfflineEmissionsTracker(
    country_iso_code="JPN", output_methods=[], measure_power_secs=1, log_level="critical", allow_multiple_runs=True)
tracker.start(); began = time.monotonic(); time.sleep(2.5); tracker.stop()
data = tracker.final_emissions_data
print(data.gpu_count, data.gpu_energy * 3.6e6 / (time.monotonic() - began))
"""
    environ = os.environ | fakenvml.environment(nvidia_smi=True, step_s=0.001)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    count, watts = done.stdout.split()[-2:]
    assert int(count) == 8
    assert float(watts) == pytest.approx(2680, rel=0.1)
