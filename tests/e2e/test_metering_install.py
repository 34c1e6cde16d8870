"""The metering install: what it weighs, that it measures, and what it says of everything else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements-meter.lock"
STATED_MB = 35
"""What README and ADR 0013 say [MB of 10^6 bytes, byte code included]."""
TOLERANCE_MB = 2
NO_NETWORK = re.compile(r"NewConnectionError|ConnectTimeout|ReadTimeout|Name or service|Temporary failure|unreachable")


def _pip(*arguments: str | Path) -> None:
    """Run this environment's pip; without a network there is nothing to test."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *(str(a) for a in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_bare())
    if done.returncode and NO_NETWORK.search(done.stderr + done.stdout):
        pytest.skip("pip cannot reach a package registry")
    assert done.returncode == 0, done.stdout + done.stderr


def _bare(**more: str) -> dict[str, str]:
    """The environment without coverage's hooks and without this checkout on the path."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE_", "GXMETER_")) and k != "PYTHONPATH"}
    # Claims of its own: a meter elsewhere on this machine must not keep this one from measuring.
    return {**keep, "GXMETER_LANG": "en", "GXMETER_CLAIMS": more.get("HOME", ""), **more}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment made by the two commands that the README gives (the wheel instead of the checkout)."""
    folder = tmp_path_factory.mktemp("metering")
    isolation = ["--no-build-isolation"] if find_spec("hatchling") else []
    _pip("wheel", "--quiet", "--no-deps", *isolation, "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("gxmeter-*.whl")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    made = folder / "venv" / "bin" / "python"
    _pip("--python", made, "install", "--quiet", "--no-deps", "--require-hashes", "-r", LOCK)
    _pip("--python", made, "install", "--quiet", "--no-deps", wheel)
    return made


def _run(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "gxmeter", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=_bare(HOME=str(cwd)))


def test_its_size_is_the_stated_one(python: Path) -> None:
    (site,) = (python.parents[1] / "lib").glob("python*/site-packages")
    size_mb = sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6
    assert abs(size_mb - STATED_MB) <= TOLERANCE_MB, f"{size_mb:.1f} MB; correct the README and ADR 0013"


def test_the_lock_names_nothing_that_a_training_should_not_load() -> None:
    names = set(re.findall(r"^([a-z0-9-]+)==", LOCK.read_text("utf-8"), re.MULTILINE))
    assert "codecarbon" in names
    assert not names & {"pandas", "numpy", "pyarrow", "pydantic", "matplotlib", "cryptography", "requests"}


def test_the_lock_has_the_versions_of_the_whole_but_for_typer() -> None:
    pin = re.compile(r"^([a-z0-9-]+)==([^\s;\\]+)", re.MULTILINE)
    metering = set(pin.findall(LOCK.read_text("utf-8")))
    whole = set(pin.findall((ROOT / "requirements.lock").read_text("utf-8")))
    assert {name for name, _ in metering - whole} == {"typer"}


def test_a_run_is_measured_without_a_missing_sensor(python: Path, tmp_path: Path) -> None:
    code = "import time; time.sleep(2.5); print('trained')"
    done = _run(python, "run", "--json", "answer.json", "--", sys.executable, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "trained\n"
    answer = json.loads((tmp_path / "answer.json").read_text("utf-8"))
    assert answer["samples"] >= 1
    assert float(answer["energy_kwh"]["device"]) > 0
    codes = {finding["code"] for finding in answer["findings"]}
    assert not codes & {"sensor-unavailable", "meter-failed"}, answer["findings"]
    shown = _run(python, "journal", "cat", answer["journal"], cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith('{"t":"head"')


def test_the_meter_works_inside_a_script(python: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time, gxmeter\n"
        "with gxmeter.Meter(run='small') as meter:\n    time.sleep(2.5)\n"
        "print(meter.result.samples, 'pandas' in sys.modules, 'numpy' in sys.modules)"
    )
    command = [str(python), "-c", code]
    env = _bare(HOME=str(tmp_path))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    samples, *loaded = done.stdout.split()
    assert int(samples) >= 1
    assert loaded == ["False", "False"]


@pytest.mark.parametrize(
    "arguments",
    [["account", "--fy", "2026"], ["check"], ["report", "--fy", "2026"], ["verify", "x"], ["factors", "list"]],
    ids=lambda arguments: arguments[0],
)
def test_what_needs_more_says_so_in_one_sentence(python: Path, tmp_path: Path, arguments: list[str]) -> None:
    done = _run(python, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "package-missing" in done.stderr
    assert "run, doctor, and journal cat" in done.stderr
    assert "pip install ." in done.stderr
