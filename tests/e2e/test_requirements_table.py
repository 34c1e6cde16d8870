"""The table of requirements in ``seeds/README.md`` stays true: its paths and tests exist, its twin agrees."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, JAPANESE = ROOT / "seeds" / "README.md", ROOT / "seeds" / "README.ja.md"


class Row(NamedTuple):
    """A requirement: its number, its sentence, its state, where it is built, what shows it."""

    number: str
    sentence: str
    state: str
    paths: tuple[str, ...]
    tests: tuple[str, ...]


def rows(path):
    """The table's rows: ``| R1 | sentence | state | `path` ... | `test` ... |``."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if re.fullmatch(r"R\d+", cells[0]):
            assert len(cells) == 5, line
            paths, tests = (tuple(re.findall(r"`([^`]+)`", cell)) for cell in cells[3:])
            found.append(Row(*cells[:3], paths, tests))
    return found


def functions(path):
    """The names of the test functions of a file, methods included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


REQUIREMENTS = rows(ENGLISH)


def test_requirements_are_numbered_one_by_one():
    assert [row.number for row in REQUIREMENTS] == [f"R{n}" for n in range(1, len(REQUIREMENTS) + 1)]
    assert len(REQUIREMENTS) >= 25


@pytest.mark.parametrize("row", REQUIREMENTS, ids=lambda row: row.number)
def test_what_a_requirement_names_exists(row):
    assert row.sentence
    assert row.paths
    assert row.tests
    for named in row.paths:
        assert (ROOT / named).exists(), named
    for named in row.tests:
        file, _, function = named.partition("::")
        assert function in functions(ROOT / file), named


@pytest.mark.parametrize("row", REQUIREMENTS, ids=lambda row: row.number)
def test_a_state_is_built_or_says_what_is_open(row):
    assert row.state == "built" or row.state.removeprefix("partly: ") not in {"", row.state}


def test_the_japanese_twin_says_the_same():
    twin = rows(JAPANESE)
    assert [(r.number, r.paths, r.tests) for r in twin] == [(r.number, r.paths, r.tests) for r in REQUIREMENTS]
    for ours, theirs in zip(REQUIREMENTS, twin, strict=True):
        assert theirs.sentence != ours.sentence
        assert (ours.state == "built") == (theirs.state == "済")
        assert ours.state == "built" or theirs.state.startswith("一部: ")
