"""Rules that no linter knows: where floats may stand, what the travelling verifier imports, how long is too long."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "gxmeter"
EXACT_ROOMS = ("ledger", "factors", "evidence", "roadmap")
FILE_LINES, FUNCTION_LINES, NOTE_LINES = 350, 40, 40

MODULES = sorted(PACKAGE.rglob("*.py"))
STANDALONE = PACKAGE / "evidence" / "standalone"
"""One file on purpose (ADR 0011), so the length of a file does not apply to it."""


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def _floats(tree: ast.Module) -> list[int]:
    """Lines where a float is made: a call of float, or a number written with a point."""
    lines = []
    for node in ast.walk(tree):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
        written = isinstance(node, ast.Constant) and isinstance(node.value, float)
        if called or written:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("path", [p for room in EXACT_ROOMS for p in sorted((PACKAGE / room).rglob("*.py"))], ids=_name)
def test_no_float_is_made_where_figures_are_exact(path: Path) -> None:
    assert _floats(_tree(path)) == []
    assert "float(" not in path.read_text("utf-8")


def test_the_float_rule_sees_what_it_forbids() -> None:
    assert _floats(ast.parse("a = float('1')\nb = 0.5\nc = 1")) == [1, 2]


@pytest.mark.parametrize("path", sorted(STANDALONE.glob("*.py")), ids=_name)
def test_the_travelling_verifier_imports_the_standard_library_only(path: Path) -> None:
    imported = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import needs the package around it"
            imported.add((node.module or "").partition(".")[0])
    assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_files_and_functions_stay_short_enough_to_be_one_idea(path: Path) -> None:
    if STANDALONE not in path.parents:
        assert len(path.read_text("utf-8").splitlines()) <= FILE_LINES
    too_long = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            body = (node.end_lineno or 0) - first.lineno + 1
            if body > FUNCTION_LINES:
                too_long.append(f"{node.name}: {body}")
    assert too_long == []


@pytest.mark.parametrize("room", sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py")))
def test_every_room_tells_its_duty_in_a_short_note(room: str) -> None:
    note = PACKAGE / room / "README.md"
    assert note.is_file(), f"gxmeter/{room}/README.md: duty, not-duty, entry points, how to add one"
    assert len(note.read_text("utf-8").splitlines()) <= NOTE_LINES


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, gxmeter; print(' '.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    heavy = {
        "codecarbon",
        "pandas",
        "numpy",
        "pydantic",
        "pyarrow",
        "typer",
        "yaml",
        "matplotlib",
        "jinja2",
        "cryptography",
    }
    assert heavy & set(out) == set()
    assert [name for name in out if name.startswith("gxmeter.")] == []
