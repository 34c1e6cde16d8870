"""``python3 PACKAGE/verify.py PACKAGE``: exit codes, both languages, bare Python, hostile surroundings."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import build
import pytest


def run(*arguments: object, language: str = "C.UTF-8") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", check=False, env={"LC_ALL": language}
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return build.write(build.seal(build.payload()), tmp_path / "R-2026-000001")


def test_a_package_judges_itself_with_bare_python(package: Path, tmp_path: Path) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps(build.trust(build.payload())), "utf-8")
    done = run(package / "verify.py", package, "--trust", trust, "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"], done.stderr) == (3, "verified", "")
    assert answer["not_checked"] == ["time-stamp"]
    assert {f["level"] for f in answer["findings"]} == {"should"}


@pytest.mark.parametrize(("language", "words"), [("ja_JP.UTF-8", "再計算一致"), ("C.UTF-8", "re-computed")])
def test_the_table_for_people(package: Path, language: str, words: str) -> None:
    out = run(package / "verify.py", package, language=language).stdout
    assert words in out
    assert "lines 9, figures 57, targets 1" in out
    assert "signer, registry, roadmap-approval, sequence" in out
    assert "verified" not in out
    assert "検証済" not in out


def test_a_finding_gives_exit_1(package: Path) -> None:
    (package / "data/results/figures.csv").write_text("x", "utf-8")
    done = run(package / "verify.py", package)
    assert (done.returncode, done.stderr) == (1, "")
    assert "MUST" in done.stdout


@pytest.mark.parametrize("what", ["nowhere", "empty", "text", "bad.zip"])
def test_what_is_no_package_gives_exit_2(tmp_path: Path, what: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("x", "utf-8")
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04" + bytes(40))
    done = run(build.VERIFY, tmp_path / what, "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"], done.stderr) == (2, "could-not-run", "")
    assert [f["code"] for f in answer["findings"]] == ["not-a-package"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema": "x"}', "\x00"])
def test_an_unreadable_trust_file_gives_exit_2(package: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "t").write_text(text, "utf-8")
    for path in (tmp_path / "t", tmp_path / "missing"):
        done = run(build.VERIFY, package, "--trust", path, "--json")
        assert (done.returncode, done.stderr) == (2, "")
        assert [f["code"] for f in json.loads(done.stdout)["findings"]] == ["trust-unreadable"]


def test_bad_arguments_give_exit_2() -> None:
    assert run(build.VERIFY).returncode == 2


def test_a_file_in_the_package_cannot_pose_as_a_module(package: Path) -> None:
    (package / "json.py").write_text("raise SystemExit(0)\n", "utf-8")
    command = [sys.executable, str(package / "verify.py"), str(package)]  # without -I: the folder is on the path
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "file-unlisted" in done.stdout


def test_only_the_standard_library_is_imported() -> None:
    tree = ast.parse(build.VERIFY.read_text("utf-8"))
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {a.name if isinstance(n, ast.Import) else str(n.module) for n in nodes for a in n.names}
    assert {n.partition(".")[0] for n in names} <= sys.stdlib_module_names
    assert not names & {"socket", "urllib", "http", "ssl", "subprocess", "ctypes"}
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, float)]
