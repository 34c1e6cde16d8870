"""A new workspace passes check, its examples are true, and it is made whole or not at all."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gxmeter.core.errors import InputError
from gxmeter.workspace.check import run_checks
from gxmeter.workspace.init import TEMPLATE, init_workspace, template_files
from gxmeter.workspace.load import load_workspace

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def gxmeter(*arguments: str, cwd: Path | None = None, lang: str = "en") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gxmeter", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | {"GXMETER_LANG": lang, "PYTHONPATH": str(Path(__file__).parents[3])},
    )


def test_a_new_workspace_has_no_finding(tmp_path: Path) -> None:
    files = init_workspace(tmp_path / "w")
    assert files == template_files()
    assert run_checks(load_workspace(tmp_path / "w")) == []


def test_its_examples_have_no_finding_once_they_are_taken_up(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w")
    examples = sorted((tmp_path / "w").rglob("*.example"))
    assert {path.parent.name for path in examples} == {"runs", "meters", "instruments", "roadmap", "factors"}
    for path in examples:
        path.rename(path.with_suffix(""))
    missing = [
        item.found for item in run_checks(load_workspace(tmp_path / "w")) if item.code != "evidence-file-missing"
    ]
    assert missing == []


def test_commented_examples_are_true_as_well(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w")
    bank = "id: holder-a\nname_ja: 銀行\nname_en: Bank\nkind: holder\n"
    (tmp_path / "w/entities/holder-a.yaml").write_text(bank, "utf-8")
    for name in ("gxmeter.yaml", "entities/our-company.yaml", "sites/our-site.yaml"):
        path = tmp_path / "w" / name
        path.write_text(uncommented(path.read_text("utf-8")), "utf-8")
    assert {item.code for item in run_checks(load_workspace(tmp_path / "w"))} <= {"evidence-file-missing"}


def uncommented(text: str) -> str:
    """Take the mark off commented keys and list items; sentences stay comments."""
    return re.sub(r"(?m)^# ((?: {2})*(?:- )?[a-z_]+:(?: .*)?)$", r"\1", text)


@pytest.mark.parametrize("name", [n for n in template_files() if n.endswith((".yaml", ".example"))])
def test_comments_speak_both_languages(name: str) -> None:
    comments = [line for line in (TEMPLATE / name).read_text("utf-8").splitlines() if "#" in line]
    assert any(JAPANESE.search(line) for line in comments)
    assert any(re.search(r"[a-z]{3,} [a-z]{2,}", line) for line in comments)


def test_an_empty_folder_is_filled_and_nothing_else_lies_there(tmp_path: Path) -> None:
    init_workspace(tmp_path)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()) == sorted(
        template_files()
    )
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("existing", ["note.txt", ".hidden"])
def test_a_folder_with_anything_in_it_is_refused_untouched(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("mine")
    with pytest.raises(InputError) as caught:
        init_workspace(tmp_path)
    assert caught.value.code == "init-target-exists"
    assert [path.name for path in tmp_path.iterdir()] == [existing]


def test_a_folder_that_only_a_meter_wrote_to_becomes_a_workspace_and_keeps_the_records(tmp_path: Path) -> None:
    record = tmp_path / "ws" / "telemetry" / "journals" / "j" / "0000.gxj"
    record.parent.mkdir(parents=True)
    record.write_bytes(b"as it was")
    init_workspace(tmp_path / "ws")
    assert record.read_bytes() == b"as it was"
    assert all((tmp_path / "ws" / name).is_file() for name in template_files())
    with pytest.raises(InputError):
        init_workspace(tmp_path / "ws")


def test_a_folder_with_records_and_results_becomes_a_workspace_and_keeps_both(tmp_path: Path) -> None:
    kept = [tmp_path / "telemetry" / "journals" / "j" / "0000.gxj", tmp_path / "out" / "run.json"]
    for path in kept:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"as it was")
    init_workspace(tmp_path)
    assert [path.read_bytes() for path in kept] == 2 * [b"as it was"]
    assert (tmp_path / "gxmeter.yaml").is_file()


def test_what_only_has_the_name_of_such_a_folder_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(InputError):
        init_workspace(tmp_path)
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    with pytest.raises(InputError) as caught:
        init_workspace(tmp_path / "f")
    assert caught.value.code == "init-target-exists"


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a file where a folder should be")
    with pytest.raises(InputError) as caught:
        init_workspace(tmp_path / "f" / "w")
    assert caught.value.code == "init-unwritable"


def test_an_accident_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new", tmp_path / "empty"):
        with pytest.raises(InputError) as caught:
            init_workspace(folder)
        assert caught.value.code == "init-unwritable"
    assert list(tmp_path.rglob("*")) == [tmp_path / "empty"]


def test_the_commands(tmp_path: Path) -> None:
    made = gxmeter("init", "w", "--json", cwd=tmp_path)
    assert made.returncode == 0
    assert json.loads(made.stdout) == {"workspace": "w", "files": template_files(), "findings": []}
    checked = gxmeter("check", "--json", cwd=tmp_path / "w" / "runs")
    assert checked.returncode == 0
    assert {item["level"] for item in json.loads(checked.stdout)["findings"]} <= {"may"}
    again = gxmeter("init", "w", cwd=tmp_path, lang="ja")
    assert (again.returncode, again.stdout) == (2, "")
    assert "空でない" in again.stderr
    assert "Traceback" not in again.stderr


def test_check_says_must_should_and_could_not_run_by_exit_code(tmp_path: Path) -> None:
    init_workspace(tmp_path / "w")
    (tmp_path / "w/sites/more.yml").write_text("id: more\n", "utf-8")
    should = gxmeter("check", "-w", "w", cwd=tmp_path)
    assert (should.returncode, should.stdout) == (3, "")
    assert "sites/more.yml" in should.stderr
    (tmp_path / "w/runs/bad.yaml").write_text("id: bad\nstart: 2026\n", "utf-8")
    must = gxmeter("check", "-w", "w", "--json", cwd=tmp_path)
    assert must.returncode == 1
    found = json.loads(must.stdout)["findings"]
    assert {"code", "level", "file", "row", "text"} <= set(found[0])
    none = gxmeter("check", "-w", "nowhere", "--json", cwd=tmp_path)
    assert none.returncode == 2
    assert json.loads(none.stdout)["findings"][0]["code"] == "workspace-not-found"
