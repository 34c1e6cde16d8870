"""The commands of a year, called as an outsider calls them: exit codes, JSON, files; all as in the interfaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.packages import consortium_with_journal


class Shell:
    """Runs ``gxmeter`` with its own home, so that no key of the machine is touched."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: str | Path, language: str = "en") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XDG_CONFIG_HOME": str(self.home), "GXMETER_LANG": language}
        environment.pop("GXMETER_KEY", None)
        command = [sys.executable, "-m", "gxmeter", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)

    def json(self, *arguments: str | Path) -> tuple[int, dict[str, Any]]:
        """Exit code and the one JSON document on standard output."""
        done = self(*arguments, "--json")
        return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return consortium_with_journal(tmp_path_factory.mktemp("year") / "workspace")


@pytest.fixture(scope="module")
def issued(shell: Shell, workspace: Path) -> dict[str, Any]:
    code, document = shell.json("report", "--fy", "2026", "-w", workspace, "-o", workspace / "out")
    assert code == 3
    return document


def codes(document: dict[str, Any], level: str) -> set[str]:
    return {item["code"] for item in document["findings"] if item["level"] == level}


def test_account_answers_in_decimal_strings(shell: Shell, workspace: Path) -> None:
    code, document = shell.json("account", "--fy", "2026", "-w", workspace)
    assert code == 3
    assert document["fy"] == 2026
    assert {"factor-provisional", "ratio-not-published"} <= codes(document, "should")
    assert not codes(document, "must")
    energy = document["figures"]["energy_ai_kwh"]
    assert set(energy) == {"exact", "rounded", "unit", "provisional"}
    lines = [line for line in document["lines"] if line["kind"] == "run"]
    assert sum(Decimal(line["facility_kwh"]) for line in lines) == Decimal(energy["exact"])
    assert sum(map(Decimal, document["by_grade"].values())) == Decimal(energy["exact"])
    assert "null" not in json.dumps(document["figures"])


def test_the_measured_run_is_estimated_and_says_so(shell: Shell, workspace: Path) -> None:
    """No RAPL, no GPU: the journal carries load models; 70 W for 40 minutes is 168 kJ."""
    _, document = shell.json("account", "--fy", "2026", "-w", workspace)
    demo = [line for line in document["lines"] if line["run_id"] == "demo-charlm"]
    assert {line["status"] for line in demo} == {"estimated"}
    assert sum(Decimal(x["energy_j"]) for x in demo if x["portion"] == "it") == 70 * 40 * 60


@pytest.mark.parametrize("fy", [2026, 2027, 2028, 2029, 2030])
def test_every_year_of_the_programme_has_something_to_show(shell: Shell, workspace: Path, fy: int) -> None:
    code, document = shell.json("progress", "--fy", str(fy), "-w", workspace)
    assert code == 3
    assert document["fy"] == fy
    assert document["targets"]
    assert {target["met"] for target in document["targets"]} == {None}
    assert all(Decimal(t["gap"]) == Decimal(t["actual"]) - Decimal(t["target"]) for t in document["targets"])
    assert document["approval"]["state"] == "approved"


def test_the_report_comes_with_package_and_files(issued: dict[str, Any]) -> None:
    package = Path(issued["package"])
    assert (package / "verify.py").is_file()
    names = {Path(path).name for path in issued["files"]}
    assert {"report.ja.html", "report.en.html", "lines.csv", f"{package.name}.trust.json"} <= names
    assert all(Path(path).is_file() for path in issued["files"])
    assert not [path for path in package.parent.iterdir() if path.name.startswith(".")]


def test_the_same_input_gives_the_same_report(shell: Shell, workspace: Path, issued: dict[str, Any]) -> None:
    before = {p: p.read_bytes() for p in Path(issued["package"]).rglob("*") if p.is_file()}
    _, again = shell.json("report", "--fy", "2026", "-w", workspace, "-o", workspace / "out")
    assert again["package"] == issued["package"]
    _, elsewhere = shell.json("report", "--fy", "2026", "-w", workspace, "-o", workspace / "elsewhere")
    other = Path(elsewhere["package"])
    assert {p.relative_to(issued["package"]).as_posix(): data for p, data in before.items()} == {
        p.relative_to(other).as_posix(): p.read_bytes() for p in other.rglob("*") if p.is_file()
    }


def test_a_changed_input_gives_the_next_number_and_keeps_the_old(shell: Shell, tmp_path: Path) -> None:
    workspace = consortium_with_journal(tmp_path / "workspace")
    _, first = shell.json("report", "--fy", "2027", "-w", workspace)
    site = workspace / "sites" / "edge-lab.yaml"
    site.write_text(site.read_text("utf-8").replace("ratio: 1.40", "ratio: 1.50"), "utf-8")
    _, second = shell.json("report", "--fy", "2027", "-w", workspace)
    names = [Path(document["package"]).name for document in (first, second)]
    assert names == ["R-2027-000001", "R-2027-000002"]
    statement = json.loads((Path(second["package"]) / "data" / "statement.json").read_text("utf-8"))
    assert (statement["sequence"], statement["supersedes"]) == (2, "R-2027-000001")
    assert (Path(first["package"]) / "bagit.txt").is_file()
    _, third = shell.json("report", "--fy", "2027", "-w", workspace)
    assert third["package"] == second["package"]


def test_final_is_refused_and_writes_nothing(shell: Shell, workspace: Path, tmp_path: Path) -> None:
    code, document = shell.json("report", "--fy", "2026", "--final", "-w", workspace, "-o", tmp_path / "out")
    assert code == 1
    assert "factor-not-published" in codes(document, "must")
    assert (document["package"], document["files"]) == (None, [])
    assert not (tmp_path / "out").exists()


def test_verify_answers(shell: Shell, issued: dict[str, Any]) -> None:
    package = Path(issued["package"])
    trust = package.with_name(f"{package.name}.trust.json")
    code, document = shell.json("verify", package, "--trust", trust)
    assert (code, document["verdict"]) == (3, "verified")
    assert document["evaluated"]["lines"] > 50
    code, document = shell.json("verify", package)
    assert code == 3
    assert "signer" in document["not_checked"]


def test_words_for_people_never_call_our_own_check_verified(shell: Shell, issued: dict[str, Any]) -> None:
    japanese = shell("verify", issued["package"], language="ja").stdout
    english = shell("verify", issued["package"]).stdout
    assert "再計算一致" in japanese
    assert "検証済" not in japanese
    assert "re-computed" in english
    assert "verified" not in english.lower()


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "nowhere"),
        ("verify", __file__),
        ("account", "--fy", "2026", "-w", "nowhere"),
        ("account", "--fy", "year", "-w", "."),
        ("account", "--fy", "2026", "--engine", "abacus", "-w", "seeds/consortium"),
        ("report", "--fy", "2026", "-w", "nowhere"),
    ],
)
def test_what_cannot_run_says_one_sentence_and_exits_2(shell: Shell, arguments: tuple[str, ...]) -> None:
    done = shell(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    assert not done.stdout


def test_faults_of_all_files_come_at_once_and_nothing_is_accounted(shell: Shell, tmp_path: Path) -> None:
    workspace = consortium_with_journal(tmp_path / "workspace")
    (workspace / "sites" / "broken.yaml").write_text("id: x\npue: 0.9\n", "utf-8")
    (workspace / "runs" / "broken.yaml").write_text("id: [", "utf-8")
    done = shell("account", "--fy", "2026", "-w", workspace, language="ja")
    assert done.returncode == 2
    assert "sites/broken.yaml" in done.stderr
    assert "runs/broken.yaml" in done.stderr
    assert not done.stdout


def test_an_edited_roadmap_is_a_must_level_finding(shell: Shell, tmp_path: Path) -> None:
    workspace = consortium_with_journal(tmp_path / "workspace")
    (roadmap,) = (workspace / "roadmap").glob("*.yaml")
    text = roadmap.read_text("utf-8")
    assert "value: 960" in text
    roadmap.write_text(text.replace("value: 960", "value: 1960"), "utf-8")
    code, document = shell.json("progress", "--fy", "2026", "-w", workspace)
    assert code == 1
    assert "roadmap-changed-since-approval" in codes(document, "must")
    assert document["approval"]["state"] == "changed-since-approval"


def test_a_name_that_a_spreadsheet_would_run_is_refused(shell: Shell, tmp_path: Path) -> None:
    workspace = consortium_with_journal(tmp_path / "workspace")
    run = workspace / "runs" / "demo-charlm.yaml"
    text = run.read_text("utf-8")
    (line,) = [x for x in text.splitlines() if x.startswith("title_en:")]
    run.write_text(text.replace(line, "title_en: '=cmd()'"), "utf-8")
    done = shell("report", "--fy", "2026", "-w", workspace)
    assert done.returncode == 2
    assert "declaration-text-formula" in done.stderr
    assert not (workspace / "out").exists()


def test_a_year_without_anything_gets_no_report(shell: Shell, workspace: Path, tmp_path: Path) -> None:
    code, document = shell.json("report", "--fy", "2031", "-w", workspace, "-o", tmp_path / "out")
    assert code == 1
    assert "report-needs-energy" in codes(document, "must")
    assert not (tmp_path / "out").exists()
