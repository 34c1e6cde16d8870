"""The Spark engine, in the environment that has PySpark: two executors of their own, one of which is killed.

``make nightly`` makes that environment; its last result stands in docs/guides/engines.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gxmeter.energy.model import Source
from tests.engines.conftest import Fleet
from tests.engines.spark_driver import everything

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-spark" / "bin" / "python"
CLUSTER = "local-cluster[2,1,1024]"

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-spark here; make nightly makes it"),
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java runtime here"),
]


def on_spark(sources: list[Source], master: str, kill: str = "-") -> subprocess.CompletedProcess[str]:
    driver = Path(__file__).with_name("spark_driver.py")
    named = [f"{source.format}:{source.label}:{source.path}" for source in sources]
    home = next(PYTHON.parents[1].glob("lib/python3*/site-packages/pyspark"))
    # A started cluster puts nothing but what it is given on the executors' path.
    environment = {**os.environ, "SPARK_HOME": str(home), "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1"}
    return subprocess.run(
        [PYTHON, driver, master, kill, *named],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        timeout=300,
    )


@pytest.mark.parametrize("master", ["-", CLUSTER])
def test_spark_gives_the_same_digits_and_findings(fleet: Fleet, master: str) -> None:
    done = on_spark(fleet.sources, master)
    assert done.stdout == everything(fleet.local) + "\n", done.stderr[-2000:]


@pytest.mark.parametrize("kill", ["CoarseGrainedExecutorBackend", "pyspark.daemon"])
def test_a_killed_executor_or_worker_changes_nothing(long_fleet: Fleet, kill: str) -> None:
    done = on_spark(long_fleet.sources, CLUSTER, kill)
    assert done.stdout == everything(long_fleet.local) + "\n", done.stderr[-2000:]
    assert "killed: 1" in done.stderr


def test_all_unreadable_files_are_named_at_once(broken: list[Source]) -> None:
    done = on_spark(broken, "-")
    assert done.returncode == 1
    error = [line for line in done.stderr.splitlines() if "InputError" in line][-1]
    assert [name in error for name in ("a.parquet", "gone", "z.parquet")] == [True] * 3


def test_spark_that_cannot_start_is_said_in_one_sentence(fleet: Fleet) -> None:
    done = subprocess.run(
        [PYTHON, "-m", "gxmeter", "energy", fleet.sources[0].path, "--format", "parquet", "--engine", "spark"],
        env={**os.environ, "JAVA_HOME": "/nowhere", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "engine-not-started" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_pyspark_the_extra_is_named(fleet: Fleet) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gxmeter", "energy", fleet.sources[0].path, "--format", "parquet", "--engine", "spark"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'gxmeter[spark]'" in done.stderr
