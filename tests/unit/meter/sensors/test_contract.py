"""Every sensor keeps the contract: on this machine as it is, and on one with processors and GPUs that we made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import fakenvml, fakepowercap
from tests.support.sensor_contract import broken, sensors

ROOT = Path(__file__).resolve().parents[4]
CLASSES = sensors()


def test_the_search_finds_the_sensors() -> None:
    assert {"CodeCarbonSensor", "NvmlSensor", "PowercapSensor", "RedfishSensor"} <= {cls.__name__ for cls in CLASSES}


def test_no_two_sensors_share_a_name_or_a_method() -> None:
    assert len({cls.name for cls in CLASSES}) == len(CLASSES)  # type: ignore[attr-defined]
    methods = [method for cls in CLASSES for method in cls.methods]  # type: ignore[attr-defined]
    assert len(set(methods)) == len(methods)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_sensor_keeps_the_contract_on_this_machine(cls: type, capfd: pytest.CaptureFixture[str]) -> None:
    assert broken(cls)[0] == []
    assert capfd.readouterr().out == ""


def test_every_sensor_keeps_the_contract_where_there_is_something_to_read(tmp_path: Path) -> None:
    gpus = fakenvml.environment("gpu1.counter=no", "gpu2.lost=yes", gpus=3)
    with fakepowercap.background(tmp_path / "powercap", dram_w=(20, 20)) as tree:
        environ = os.environ | gpus | {"GXMETER_POWERCAP": str(tree), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.sensor_contract"],
            env=environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == "", "standard output is the training's"
    report = json.loads(done.stderr.strip().splitlines()[-1])
    assert {name: found["broken"] for name, found in report.items() if found["broken"]} == {}
    assert all(report["NvmlSensor"]["energy_uj"]), "a counter and polled power"
    assert len(report["NvmlSensor"]["energy_uj"]) == 2
    assert len(report["PowercapSensor"]["energy_uj"]) == 4
    assert all(report["PowercapSensor"]["energy_uj"])
