"""``gxmeter import`` on the command line: what it prints, in both languages, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gxmeter.cli.app import app
from gxmeter.workspace.init import init_workspace
from tests.support.reader_cases import SAMPLES

SAMPLE = str(SAMPLES / "parquet" / "samples.parquet")
BILL = str(SAMPLES / "meter-csv" / "bill.csv")
OWNER = ("--format", "parquet", "--site", "our-site")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    init_workspace(tmp_path / "w")
    return tmp_path / "w"


@pytest.mark.parametrize(
    ("language", "words"), [("ja", "2 台・10 件(2,278 バイト)"), ("en", "10 records of 2 devices")]
)
def test_it_says_what_was_imported_and_where(
    root: Path, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setenv("GXMETER_LANG", language)
    done = CliRunner().invoke(app, ["import", SAMPLE, *OWNER, "-w", str(root)])
    assert done.exit_code == 0
    assert done.stdout == ""
    assert words in done.stderr
    assert "telemetry/imported/samples-parquet-" in done.stderr


@pytest.mark.parametrize(("language", "words"), [("ja", "検針値 2 件"), ("en", "made 2 readings")])
def test_it_says_how_many_readings_a_bill_gave(
    root: Path, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setenv("GXMETER_LANG", language)
    options = ("--format", "meter-csv", "--site", "our-site", "--time-zone", "Asia/Tokyo", "--decimal", ".")
    done = CliRunner().invoke(app, ["import", BILL, *options, "--as-reading", "bill", "-w", str(root)])
    assert done.exit_code == 0
    assert words in done.stderr


def test_its_json_is_one_document_and_a_refusal_is_exit_code_two(root: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["import", SAMPLE, *OWNER, "-w", str(root), "--json"])
    document = json.loads(done.stdout)
    assert [item["devices"] for item in document["imported"]] == [2]
    assert document["findings"] == []
    again = CliRunner().invoke(app, ["import", SAMPLE, *OWNER, "-w", str(root), "--json"])
    assert again.exit_code == 2
    assert [item["code"] for item in json.loads(again.stdout)["findings"]] == ["import-known"]
    nowhere = CliRunner().invoke(app, ["import", SAMPLE, *OWNER, "-w", str(tmp_path)])
    assert (nowhere.exit_code, "workspace-not-found" in nowhere.stderr) == (2, True)
