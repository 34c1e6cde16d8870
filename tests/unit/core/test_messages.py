"""Every code that the source raises has a message, its holes are filled, and no message is left over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gxmeter.core.findings import catalogue, finding

SOURCE = Path(__file__).resolve().parents[3] / "gxmeter"
HOLE = re.compile(r"\{([a-z_]+)\}")
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
MAKERS = {"finding", "InputError", "GxmeterError"}
MAY_BE_UNKNOWN = {"row", "found", "expected"}
"""A dash stands for these where a fault has none; every other hole must be filled."""


def files() -> Iterator[Path]:
    yield from (path for path in sorted(SOURCE.rglob("*.py")) if "standalone" not in path.parts)


def calls() -> Iterator[tuple[str, str, set[str | None]]]:
    """(place, code, names passed) of every finding that is made with a literal code."""
    for path in files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                owner = node.func.value if isinstance(node.func, ast.Attribute) else None
                of_case = name == "add" and isinstance(owner, ast.Name) and owner.id == "case"
                if (name in MAKERS or of_case) and isinstance(node.args[0].value, str):
                    place = f"{path.relative_to(SOURCE)}:{node.lineno}"
                    yield place, node.args[0].value, {keyword.arg for keyword in node.keywords}


CALLS = list(calls())


def test_the_scan_sees_the_source() -> None:
    assert len(CALLS) > 100


def test_every_code_that_is_raised_has_a_message() -> None:
    assert [(place, code) for place, code, _ in CALLS if code not in catalogue()] == []


def test_every_hole_is_filled_where_the_finding_is_made() -> None:
    open_holes = []
    for place, code, names in CALLS:
        message = catalogue()[code]
        holes = set(HOLE.findall(message.ja)) | set(HOLE.findall(message.en))
        missing = holes - names - MAY_BE_UNKNOWN
        # csvtext knows no file name: its caller, Table.read, makes the finding anew with it.
        if None not in names and missing and not (code == "text-malformed" and place.startswith("evidence/csvtext.py")):
            open_holes.append((place, code, missing))
    assert open_holes == []


def test_no_message_is_left_over() -> None:
    said = set()
    for path in files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                said.add(node.value)
    unused = {code for code in catalogue() if code not in said and "-" in code}
    assert not unused


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_no_brace_is_ever_shown(code: str) -> None:
    made = finding(code)
    assert "{" not in made.ja + made.en
    assert "}" not in made.ja + made.en


def test_a_value_with_braces_is_shown_as_it_is() -> None:
    assert "{expected} {row}" in finding("unit-unknown", found="{expected} {row}").en
