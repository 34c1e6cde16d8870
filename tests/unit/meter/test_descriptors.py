"""What a training does with its descriptors, and that no file becomes the other's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from meter_helpers import end_reason, environment, python, segments

CLOSES_ALL = """
import os, sys, time
from meter_helpers import ScriptedSensor
from gxmeter.meter.sensors.base import Sample
from gxmeter.meter.session import Meter
with Meter("r", "lab", ".", period_s=0.1, sensors=[ScriptedSensor([[Sample(1_000_000, "load")]])]) as meter:
    assert meter.wait_ready(20)
    time.sleep(0.3)
    before = meter.result.samples
    os.closerange(3, 256)
    mine = [open(f"checkpoint{n}", "wb", buffering=0) for n in range(12)]
    for file in mine:
        file.write(b"begin")
    while meter.result.samples < before + 3:
        time.sleep(0.05)
for file in mine:
    file.write(b"end")
    file.close()
"""

NO_STREAMS = """
import os, sys, time
from meter_helpers import ScriptedSensor
from gxmeter.meter.sensors.base import Sample
from gxmeter.meter.session import Meter
with Meter("r", "lab", ".", period_s=0.1, sensors=[ScriptedSensor([[Sample(1_000_000, "load")]])]) as meter:
    meter.wait_ready(20)
    time.sleep(0.3)
    streams = {os.readlink(f"/proc/self/fd/{n}") for n in range(3) if os.path.lexists(f"/proc/self/fd/{n}")}
with open("streams", "w") as file:
    file.write(" ".join(streams))
"""


@pytest.fixture
def here(workspace: Path) -> dict[str, str]:
    (workspace / "claims").mkdir()
    helpers = str(Path(__file__).parent)
    return {"PYTHONPATH": helpers, "GXMETER_CLAIMS": str(workspace / "claims")}


def journal(workspace: Path) -> Path:
    (found,) = (workspace / "telemetry" / "journals").iterdir()
    return found


def test_a_training_that_closes_every_descriptor_keeps_its_files_and_we_keep_the_record(
    workspace: Path, here: dict[str, str]
) -> None:
    done = python(CLOSES_ALL, cwd=workspace, env=here)
    assert done.returncode == 0, done.stderr
    assert {(workspace / f"checkpoint{n}").read_bytes() for n in range(12)} == {b"beginend"}
    found = segments(journal(workspace))
    assert [segment.findings for segment in found] == [[]]
    assert end_reason(journal(workspace)) == "stop"


def test_no_file_of_ours_becomes_a_standard_stream(workspace: Path, here: dict[str, str]) -> None:
    command = ["bash", "-c", f"exec {sys.executable} -c '{NO_STREAMS}' <&- >&- 2>&-"]
    done = subprocess.run(command, cwd=workspace, env=environment(here), timeout=60, check=False)
    assert done.returncode == 0
    assert "gxj" not in (said := (workspace / "streams").read_text())
    assert "claims" not in said
    assert end_reason(journal(workspace)) == "stop"
