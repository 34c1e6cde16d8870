"""Every case folder yields exactly the findings that it promises, and every check and code has a case."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest

from gxmeter.core.findings import MESSAGES, Finding
from gxmeter.workspace import checks
from gxmeter.workspace.check import run_checks
from gxmeter.workspace.checks import all_checks
from gxmeter.workspace.load import load_workspace

sys.path.insert(0, str(Path(__file__).parent))
from workspaces import build, case_names, expected

MESSAGE_FILE = MESSAGES / "workspace.toml"
ELSEWHERE = {
    "workspace-not-found",
    "init-target-exists",
    "init-unwritable",
    "declaration-unreadable",
    "declaration-outside",
    "declaration-not-a-file",
    "declaration-more-faults",
    "declaration-text-control",
    "declaration-text-long",
    "declaration-number-digits",
    "declaration-number-negative",
    "declaration-percent-range",
    "declaration-value",
    "more-files-not-read",
}
"""Codes whose cases no text file can hold or that have a test of their own in this folder."""


def line_of(found: Finding) -> str:
    return f"{found.code} {found.file}" + (f":{found.row}" if found.row else "")


def of_factors(line: str) -> str:
    """The factor room's codes are its own; here only the file counts."""
    code, _, place = line.partition(" ")
    return f"factor-* {place.partition(':')[0]}" if code.startswith("factor") else line


@pytest.mark.parametrize("case", case_names())
def test_case_yields_exactly_the_promised_findings(case: str, tmp_path: Path) -> None:
    workspace = load_workspace(build(case, tmp_path / "w"))
    found = [of_factors(line_of(item)) for item in run_checks(workspace)]
    assert sorted(found) == expected(case)


@pytest.mark.parametrize("case", case_names())
def test_every_sentence_is_whole_in_both_languages(case: str, tmp_path: Path) -> None:
    for item in run_checks(load_workspace(build(case, tmp_path / "w"))):
        for text in (item.ja, item.en):
            assert "{" not in text.replace(item.found or "", "")
            assert "None" not in text
        assert any("\u3040" <= letter <= "\u30ff" for letter in item.ja)


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
def test_check_has_a_failing_case_for_each_code_and_a_passing_one(check: checks.Check) -> None:
    promised = {line.partition(" ")[0] for case in case_names() for line in expected(case)}
    codes = check.codes or ("factor-*",)
    assert set(codes) <= promised | ELSEWHERE
    assert expected("00-all-is-well") == []


def test_a_check_raises_only_the_codes_it_names(tmp_path: Path) -> None:
    for case in case_names():
        workspace = load_workspace(build(case, tmp_path / case))
        for check in all_checks():
            if check.codes:
                assert {item.code for item in check.run(workspace)} <= set(check.codes)


def test_every_module_in_the_folder_is_a_check_that_is_picked_up() -> None:
    folder = Path(checks.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {check.name for check in all_checks()} == modules


def test_every_message_has_a_case_and_is_used() -> None:
    codes = set(tomllib.loads(MESSAGE_FILE.read_text("utf-8")))
    promised = {line.partition(" ")[0] for case in case_names() for line in expected(case)}
    assert codes <= promised | ELSEWHERE
    assert codes <= string_constants(Path(checks.__file__).parents[1])


def string_constants(package: Path) -> set[str]:
    found: set[str] = set()
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        found |= {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return found
