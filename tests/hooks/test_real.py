"""The hooks with the trainers and loggers themselves: run in their own environment, told here test by test.

``make test`` makes that environment (``.venv-hooks``). By hand, beside it:
``pytest tests/hooks/test_real.py -k lightning``.
"""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support import fakenvml

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(__file__).with_name("real")
PYTHON = ROOT / ".venv-hooks" / "bin" / "python"
STAMP = ROOT / ".venv-hooks" / ".stamp"
TESTS = [
    (path.stem, name)
    for path in sorted(REAL.glob("test_*.py"))
    for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
]
LIMIT_S = 900

Outcomes = dict[tuple[str, str], list[tuple[str, str]]]


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Outcomes:
    """Kind (``passed``, ``failure``, ``error``, ``skipped``) and text of what ran, by file and function."""
    if not STAMP.exists():
        pytest.skip("the environment of the trainers could not be made; .venv-hooks/setup.log says why")
    report = tmp_path_factory.mktemp("hooks") / "report.xml"
    asked = {item.callspec.params["file"] for item in request.session.items if "outcomes" in item.fixturenames}
    command = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--confcutdir", REAL, "--junitxml", report]
    done = subprocess.run(
        [*command, *(REAL / f"{name}.py" for name in sorted(asked))],
        cwd=ROOT,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if not report.exists():
        pytest.fail(f"pytest did not come to its end there:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return _read(report)


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_with_the_real_library(outcomes: Outcomes, file: str, name: str) -> None:
    ran = outcomes.get((file, name), [])
    assert ran, "it did not run there"
    for kind, text in ran:
        if kind == "skipped":
            pytest.skip(text)
        assert kind == "passed", text


def _environment() -> dict[str, str]:
    """Two GPUs of our own, and bytecode where it belongs: without it torch takes ten seconds to import."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ours = [f"gpu{number}.uuid=GPU-{uuid.uuid4()}" for number in range(2)]
    return kept | fakenvml.environment(*ours, gpus=2)


def _read(report: Path) -> Outcomes:
    found: Outcomes = {}
    for case in ET.parse(report).iter("testcase"):
        file, name = case.get("classname", "").rpartition(".")[2], case.get("name", "").partition("[")[0]
        told = next((child for child in case if child.tag in {"failure", "error", "skipped"}), None)
        outcome = ("passed", "") if told is None else (told.tag, f"{told.get('message')}\n{told.text}")
        found.setdefault((file, name), []).append(outcome)
    return found
