"""The lock files install anywhere: exact, hashed, without addresses, and the larger one holds the smaller one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock"]
ALL_LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
_PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==([^\s;\\]+)", re.MULTILINE)


def _pins(name: str) -> set[tuple[str, str]]:
    return set(_PIN.findall((ROOT / name).read_text("utf-8")))


def _normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9._-]+", requirement)[0]).lower()


@pytest.mark.parametrize("name", ALL_LOCKS)
def test_every_package_is_pinned_with_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    body = [line for line in text.splitlines() if not line.startswith("#")]
    for line in body:
        assert re.match(r"[a-z0-9][a-z0-9.-]*==\S+ |    --hash=sha256:[0-9a-f]{64}", line), line
    for block in re.split(r"\n(?=[a-z0-9])", "\n".join(body)):
        assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("name", ["requirements-dev.lock", "requirements-spark.lock"])
def test_the_larger_locks_hold_the_runtime_lock(name: str) -> None:
    assert _pins("requirements.lock") <= _pins(name)


def test_the_locks_hold_what_the_project_asks_for() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project, extras = document["project"], document["project"]["optional-dependencies"]
    runtime, development = ({name for name, _ in _pins(lock)} for lock in LOCKS)
    assert {_normal(r) for r in [*project["dependencies"], *extras["build"]]} <= runtime
    assert {_normal(r) for r in extras["dev"]} <= development
    assert {_normal(r) for r in extras["spark"]} <= {name for name, _ in _pins("requirements-spark.lock")}


def test_the_build_back_end_is_one_version() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert document["build-system"]["requires"] == document["project"]["optional-dependencies"]["build"]
