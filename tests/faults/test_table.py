"""The table of faults in the docs tells of every scenario that is tested, and of no other."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCENARIOS = tomllib.loads((HERE / "scenarios.toml").read_text("utf-8"))
PAGES = {"en": ROOT / "docs" / "reference" / "faults.md", "ja": ROOT / "docs" / "reference" / "faults.ja.md"}

_SPEC = importlib.util.spec_from_file_location("fault_table", ROOT / "tools" / "fault_table.py")
fault_table = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fault_table)


def _sections(page: str) -> list[list[str]]:
    """The first cells of each table of the page."""
    parts = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    return [re.findall(r"^\| `([a-z-]+)` \|", part, re.MULTILINE) for part in parts]


@pytest.mark.parametrize("language", sorted(PAGES))
def test_every_scenario_has_its_row_and_every_row_its_scenario(language: str) -> None:
    first, *_ = _sections(PAGES[language].read_text("utf-8"))
    assert first == list(SCENARIOS)


def test_every_scenario_is_named_by_a_test() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in HERE.glob("test_*.py") if path != Path(__file__))
    named = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', tests))
    assert set(SCENARIOS) - named == set()


def _row(scenario: str, **changed: object) -> dict[str, object]:
    row = {
        "scenario": scenario,
        "held": True,
        "nightly": False,
        "runs": 1,
        "child_codes": [7],
        "child_pause_ms": 25,
        "record": ["journal-no-end"],
        "lost_intervals": 0.5,
        "seconds": 3.0,
    }
    return row | changed


def test_the_page_is_made_of_the_rows(tmp_path: Path) -> None:
    for scenario in SCENARIOS:
        (tmp_path / f"{scenario}.test.json").write_text(json.dumps(_row(scenario)))
    (tmp_path / "sigkill-meter.nightly.json").write_text(
        json.dumps(_row("sigkill-meter", nightly=True, runs=200, lost_intervals=0.9))
    )
    rows = fault_table.read_rows(tmp_path)
    for language in PAGES:
        page = fault_table.page(language, rows, nightly="2026-04-01: 1")
        assert _sections(page)[0] == list(SCENARIOS)
        assert "2026-04-01" in page


def test_a_row_that_did_not_hold_is_told_as_such(tmp_path: Path) -> None:
    for scenario in SCENARIOS:
        (tmp_path / f"{scenario}.test.json").write_text(json.dumps(_row(scenario, held=scenario != "oom-kill")))
    page = fault_table.page("en", fault_table.read_rows(tmp_path), nightly="-")
    (line,) = [line for line in page.splitlines() if line.startswith("| `oom-kill`")]
    assert "**no**" in line
    assert page.count("**no**") == 1


def test_a_missing_or_an_unknown_row_stops_the_table(tmp_path: Path) -> None:
    (tmp_path / "x.test.json").write_text(json.dumps(_row("no-such-fault")))
    with pytest.raises(SystemExit, match="no-such-fault"):
        fault_table.read_rows(tmp_path)
    (tmp_path / "x.test.json").write_text(json.dumps(_row("oom-kill")))
    with pytest.raises(SystemExit, match="sigkill-meter"):
        fault_table.read_rows(tmp_path)
