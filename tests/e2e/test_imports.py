"""From files of other tools to a verified report: import, account, report, verify by both, as an outsider calls it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.packages import CONSORTIUM
from tests.support.reader_cases import SAMPLES

RUN, SITE = "demo-charlm", "tokyo-dc1"


def command(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(home), "GXMETER_LANG": "en"}
    line = [sys.executable, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, env=environment, timeout=300, check=False)


def gxmeter(*arguments: str | Path, home: Path) -> tuple[int, dict[str, Any]]:
    done = command("-m", "gxmeter", *arguments, "--json", home=home)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    """The scenario with a table of nvidia-smi, a folder of MLPerf logs and canonical samples left where they are."""
    root = tmp_path_factory.mktemp("imports") / "workspace"
    shutil.copytree(CONSORTIUM, root)
    samples = shutil.copytree(SAMPLES / "parquet", root.parent / "samples")
    owner = ("--run", RUN, "--site", SITE, "-w", root)
    zone = ("--time-zone", "Asia/Tokyo", "--host", "gpu7")
    for arguments in (
        (SAMPLES / "nvidia-smi" / "gpus.csv", "--format", "nvidia-smi", *zone, *owner),
        (SAMPLES / "mlperf-power" / "result_0", "--format", "mlperf-power", *owner),
        (samples / "samples.parquet", "--format", "parquet", "--link", *owner),
    ):
        code, document = gxmeter("import", *arguments, home=home)
        assert code in {0, 3}
        assert [item["site"] for item in document["imported"]] == [SITE]
    return root


def test_imports_are_accounted_sealed_and_recomputed_by_both_verifiers(workspace: Path, home: Path) -> None:
    code, account = gxmeter("account", "--fy", "2026", "-w", workspace, home=home)
    assert code == 3
    joules = {}
    for line in account["lines"]:
        if line["run_id"] == RUN and line["site_id"] == SITE and line["portion"] == "it":
            joules[line["method"]] = joules.get(line["method"], Decimal(0)) + Decimal(line["energy_j"])
    assert {"nvidia-smi-power-draw", "mlperf-ac", "polled-power"} <= set(joules)
    code, report = gxmeter("report", "--fy", "2026", "-w", workspace, "-o", workspace / "out", home=home)
    assert code == 3
    package = Path(report["package"])
    index = (package / "data" / "activity" / "raw_index.csv").read_text("utf-8")
    assert index.count("telemetry/imported/") == 3
    assert str(workspace.parent) not in "".join(
        path.read_text("utf-8") for path in (package / "data").rglob("*.csv")
    ), "a package tells no path of the machine"
    trust = package.with_name(f"{package.name}.trust.json")
    code, judged = gxmeter("verify", package, "--trust", trust, home=home)
    assert (code, judged["verdict"]) == (3, "verified")
    done = command(package / "verify.py", package, "--trust", trust, "--json", home=home)
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (3, "verified")


def test_the_same_file_with_other_options_could_not_run_and_says_what_to_remove(workspace: Path, home: Path) -> None:
    arguments = (SAMPLES / "nvidia-smi" / "gpus.csv", "--format", "nvidia-smi", "--site", SITE, "-w", workspace)
    code, document = gxmeter("import", *arguments, home=home)
    assert (code, [item["code"] for item in document["findings"]]) == (2, ["import-known-otherwise"])
    assert document["findings"][0]["found"] == "--run, --time-zone, --host"
    assert "telemetry/imported/gpus-csv-" in str(document["findings"][0])


def test_linked_data_that_change_are_a_must_finding_and_leave_the_figures(workspace: Path, home: Path) -> None:
    place = workspace.parent / "samples" / "samples.parquet"
    data = place.read_bytes()
    place.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    try:
        code, document = gxmeter("check", "-w", workspace, home=home)
        assert (code, {i["code"] for i in document["findings"] if i["level"] == "must"}) == (1, {"import-changed"})
        code, account = gxmeter("account", "--fy", "2026", "-w", workspace, home=home)
        assert code == 1
        assert not [line for line in account["lines"] if line["method"] == "polled-power"]
    finally:
        place.write_bytes(data)
