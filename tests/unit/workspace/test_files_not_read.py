"""Files that nothing reads: bounds, links, and files in the place of folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gxmeter.core.findings import Finding
from gxmeter.workspace.checks import files_not_read
from gxmeter.workspace.init import init_workspace
from gxmeter.workspace.load import load_workspace

TELEMETRY = "telemetry/journals/<journal>/0000.gxj | telemetry/imported/<import>/received/ (gxmeter import)"
SEED = Path(__file__).parents[3] / "seeds" / "consortium"


def found(root: Path) -> list[Finding]:
    return files_not_read.check(load_workspace(root))


def names(root: Path) -> list[str]:
    return [item.file or item.code for item in found(root)]


def test_a_new_workspace_and_the_scenario_hold_nothing_unread(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w")
    assert names(tmp_path / "w") == []
    shutil.copytree(SEED, tmp_path / "seed")
    assert names(tmp_path / "seed") == []


def test_the_first_fifty_are_named_and_the_rest_counted(base: Path) -> None:
    for i in range(53):
        (base / f"f{i:02}.txt").touch()
    told = found(base)
    assert [item.file for item in told[:50]] == [f"f{i:02}.txt" for i in range(50)]
    assert [(item.code, item.found) for item in told[50:]] == [("more-files-not-read", "3")]


def test_counting_ends_somewhere(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_not_read, "_COUNTED", 5)
    for i in range(60):
        (base / f"f{i:02}.txt").touch()
    assert found(base)[-1].found == ">= 5"


def test_a_file_in_the_place_of_the_telemetry_is_named(base: Path) -> None:
    (base / "telemetry").touch()
    (item,) = found(base)
    assert (item.file, item.expected) == ("telemetry", TELEMETRY)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("runs/sub/p.yaml", "runs/p.yaml"),
        ("Runs/p.yaml", "runs/p.yaml"),
        ("run/p.yaml", "runs/p.yaml"),
        ("meter/2026/m.json", "meters/m.yaml"),
        ("telemetry/pdu.csv", TELEMETRY),
        ("x.gxj", "telemetry/journals/<journal>/0000.gxj"),
    ],
)
def test_the_place_where_it_would_be_read_is_said(base: Path, name: str, place: str) -> None:
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert [(item.file, item.expected) for item in found(base)] == [(name, place)]


def test_what_is_read_through_a_link_is_read(base: Path) -> None:
    (base / "kept").mkdir()
    (base / "runs").rename(base / "kept" / "runs")
    (base / "runs").symlink_to(base / "kept" / "runs", target_is_directory=True)
    (base / "meters" / "bills.yaml").rename(base / "kept" / "bills.yaml")
    (base / "meters" / "bills.yaml").symlink_to(base / "kept" / "bills.yaml")
    journal = base / "kept" / "journals" / "j" / "0000.gxj"
    journal.parent.mkdir(parents=True)
    journal.touch()
    (base / "telemetry").mkdir()
    (base / "telemetry" / "journals").symlink_to(base / "kept" / "journals", target_is_directory=True)
    assert names(base) == []


def test_a_link_to_a_folder_is_named_and_not_followed(base: Path) -> None:
    (base / "loop").symlink_to(base, target_is_directory=True)
    assert names(base) == ["loop"]


def test_a_document_that_only_a_faulty_file_names_is_not_called_unread(base: Path) -> None:
    (base / "docs").mkdir()
    (base / "docs" / "bill.txt").touch()
    (base / "meters" / "bad.yaml").write_text("readings:\n  - {id: b9, evidence: ./docs/bill.txt}\n", "utf-8")
    assert names(base) == []
