"""The developers' scripts: coverage floors that name what is missing, and generated pages that are not stale."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"
TOOL = TOOLS / "coverage_floors.py"
_SPEC = importlib.util.spec_from_file_location("coverage_floors", TOOL)
floors = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(floors)


def _file(covered: int, total: int, missing: list[int]) -> dict:
    summary = {"covered_lines": covered, "num_statements": total, "covered_branches": 2, "num_branches": 2}
    return {"summary": summary, "missing_lines": missing, "missing_branches": []}


def test_full_coverage_has_no_fault() -> None:
    files = {"gxmeter/factors/a.py": _file(5, 5, []), "gxmeter/ledger/b.py": _file(9, 9, [])}
    assert floors.faults({"files": files}) == []


def test_one_missing_line_is_named() -> None:
    files = {"gxmeter/factors/a.py": _file(5, 5, []), "gxmeter/ledger/b.py": _file(8, 9, [42])}
    found = floors.faults({"files": files})
    assert found[0].startswith("gxmeter/ledger/: 90.91 % covered")
    assert "[42]" in found[1]


def test_a_room_that_vanished_is_a_fault() -> None:
    assert "gxmeter/ledger/" in floors.faults({"files": {"gxmeter/factors/a.py": _file(5, 5, [])}})[0]


def test_the_page_of_findings_is_what_the_message_files_say() -> None:
    command = [sys.executable, TOOLS / "findings_page.py", "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
