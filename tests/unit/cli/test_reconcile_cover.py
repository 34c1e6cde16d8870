"""``gxmeter reconcile`` and ``gxmeter cover`` as people call them, in both languages and as JSON."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gxmeter.api.period import span_of
from gxmeter.cli.app import app
from gxmeter.cli.summary import width
from gxmeter.core.calendar import instant, jst_midnight_ms
from gxmeter.core.errors import InputError
from tests.support.journals import write_journal

SEED = Path(__file__).resolve().parents[3] / "seeds" / "consortium"
JUNE = jst_midnight_ms(date(2026, 6, 1))
HOUR_MS = 3_600_000
BILL = """
readings:
  - id: edge-bill
    site: edge-lab
    kind: bill
    first_day: 2026-06-01
    last_day: 2026-06-30
    energy_kwh: 700
    explained_kwh: 100.25
    explanation_ja: 照明と空調の増設
    explanation_en: new lights
    evidence: x
  - id: edge-meter
    site: edge-lab
    kind: meter
    first_day: 2026-06-01
    last_day: 2026-06-30
    energy_kwh: 690
    evidence: x
"""
COLUMNS = 100


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The consortium with an hour of a run and two hours without one on edge-01, and a bill of the laboratory."""
    folder = tmp_path_factory.mktemp("reconcile") / "w"
    shutil.copytree(SEED, folder)
    journals = folder / "telemetry" / "journals"
    write_journal(journals, run="demo-charlm", site="edge-lab", start_ms=JUNE, intervals=60)
    write_journal(journals, run="idle", site="edge-lab", start_ms=JUNE + HOUR_MS, intervals=120)
    (folder / "meters" / "edge.yaml").write_text(BILL, "utf-8")
    site = folder / "sites" / "edge-lab.yaml"
    declared = """  - {id: edge-01.cpu, host: edge-01, kind: cpu, name: processor}
  - id: edge-01.old
    host: edge-01
    kind: gpu
    name: retired
    removed_on: 2026-05-31
"""
    site.write_text(site.read_text("utf-8") + declared, "utf-8")
    return folder


def call(*args: object, language: str = "en") -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(a) for a in args], env={"GXMETER_LANG": language})
    return done.exit_code, done.stdout, done.stderr


def answer(*args: object) -> tuple[int, dict[str, Any]]:
    code, out, _ = call(*args, "--json")
    return code, json.loads(out)


def test_a_month_as_json_has_exact_texts_and_null_for_what_is_not_known(workspace: Path) -> None:
    code, document = answer("reconcile", "--month", "2026-06", "--site", "edge-lab", "-w", workspace)
    assert code == 3
    (row,) = document["rows"]
    assert (row["period"], row["is_month"], row["reading"]["id"]) == ("2026-06", True, "edge-bill")
    assert row["idle_kwh"] == "0.14"
    assert row["explanation"] == {
        "explained_kwh": "100.25",
        "ja": "照明と空調の増設",
        "en": "new lights",
        "evidence": "",
    }
    assert row["meter_beside"] == {
        "id": "edge-meter",
        "energy_kwh": "690",
        "difference_kwh": "10",
        "difference_pct": "1.428571",
    }
    assert (row["tolerance_pct"], row["tolerance_from"], row["state"]) == ("5", "materiality", "unexplained")
    found = {item["code"] for item in document["findings"]}
    assert "reading-unexplained" in found
    assert "run-unknown" not in found
    _, year = answer("reconcile", "--fy", "2026", "--site", "kansai-colo", "-w", workspace)
    assert {row["reading"] for row in year["rows"]} == {None}
    assert {row["difference_kwh"] for row in year["rows"]} == {None}


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("command", ["reconcile", "cover"])
def test_what_people_see_fits_a_terminal(workspace: Path, command: str, language: str) -> None:
    _, out, _ = call(command, "--fy", "2026", "-w", workspace, language=language)
    assert max(width(line) for line in out.splitlines()) <= COLUMNS
    assert "None" not in out


def test_the_unexplained_rest_is_a_line_of_its_own_in_both_languages(workspace: Path) -> None:
    _, english, _ = call("reconcile", "--month", "2026-06", "-w", workspace)
    _, japanese, _ = call("reconcile", "--month", "2026-06", "-w", workspace, language="ja")
    assert "unexplained rest: 52.3 kWh" in english
    assert "explained: 100.3 kWh, new lights" in english
    assert "説明のない差 52.3 kWh" in japanese
    assert "照明と空調の増設" in japanese


def test_ended_months_of_which_nothing_is_known_are_one_line_and_a_finding(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(jst_midnight_ms(date(2026, 11, 15)) // 1000))
    asked = ("reconcile", "--fy", "2026", "-w", workspace)
    _, out, err = call(*asked, "--site", "edge-lab")
    assert [line.strip() for line in out.splitlines() if "nothing measured" in line] == [
        "2026-04..2026-05: nothing measured, no reading",
        "2026-07..2026-09: nothing measured, no reading",
    ]
    assert "should] nothing-known" in err
    assert "idle (with node, IT, PUE) plus diff" in out
    _, document = answer(*asked, "--site", "edge-lab")
    told = {row["period"]: (row["state"], row["facility_kwh"]) for row in document["rows"]}
    assert told["2026-07"] == ("nothing-known", None)
    assert "2026-11" not in told
    _, cloud = answer(*asked, "--site", "cloud-east")
    assert "nothing-known" not in {row["state"] for row in cloud["rows"]}


def test_a_reading_that_is_not_comparable_says_why_beside_its_row(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    shutil.copytree(workspace, folder)
    site = folder / "sites" / "edge-lab.yaml"
    site.write_text(site.read_text("utf-8").replace("accounting_share: 1\n", "accounting_share: 0.5\n"), "utf-8")
    asked = ("reconcile", "--month", "2026-06", "--site", "edge-lab", "-w", folder)
    code, out, err = call(*asked)
    assert (code, "not comparable" in out) == (1, True)
    assert "2026-06  reading not taken: it is of the whole site" in out
    assert "crosses the edge" not in err
    (row,) = answer(*asked)[1]["rows"]
    assert (row["state"], row["reading_not_taken"], row["difference_kwh"]) == ("not-comparable", "share", None)


def test_the_run_that_is_none_is_in_no_line_of_the_account(workspace: Path) -> None:
    _, document = answer("account", "--fy", "2026", "-w", workspace)
    assert {line["run_id"] for line in document["lines"] if line["run_id"] == "idle"} == set()
    assert "record-not-accountable" not in {item["code"] for item in document["findings"]}


def test_cover_counts_run_idle_off_and_unknown_of_every_declared_device(workspace: Path) -> None:
    code, document = answer("cover", "--month", "2026-06", "--site", "edge-lab", "-w", workspace)
    assert code == 3
    assert document["slots"] == 1440
    slots = {device["device"]: device["slots"] for device in document["devices"]}
    assert slots["edge-01.cpu"] == {"run": 2, "idle": 4, "off": 0, "unknown": 1434}
    assert slots["edge-01.old"] == {"run": 0, "idle": 0, "off": 1440, "unknown": 0}
    assert slots["edge-01.gpu0"] == {"run": 0, "idle": 0, "off": 0, "unknown": 1440}
    assert [item["device"] for item in document["undeclared"]] == ["edge-01.ram"]
    (cpu,) = (device for device in document["devices"] if device["device"] == "edge-01.cpu")
    assert (cpu["covered_hours"], cpu["covered_pct"]) == ({"run": "1", "idle": "2"}, "100")
    assert cpu["longest_unknown"][0]["start"] == instant(JUNE + 3 * HOUR_MS)
    assert {item["code"] for item in document["findings"]} == {"cover-unknown", "cover-undeclared"}
    (site,) = document["sites"]
    assert sum(site["slots"].values()) == site["devices"] * 1440


def test_devices_show_the_time_that_was_measured_and_the_legend_says_so(workspace: Path) -> None:
    _, out, _ = call("cover", "--month", "2026-06", "--site", "edge-lab", "-w", workspace)
    (row,) = (line.split() for line in out.splitlines() if "edge-lab/edge-01.cpu" in line)
    assert row[1:6] == ["1.0", "2.0", "0.0", "717.0", "100.0"]
    assert "* is the time that was really measured" in out


def test_a_year_is_covered_as_far_as_it_has_passed(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(JUNE // 1000 + 100))
    _, document = answer("cover", "--fy", "2026", "--site", "edge-lab", "-w", workspace)
    assert document["end"] == instant(JUNE)
    code, _, err = call("cover", "--month", "2026-07", "-w", workspace)
    assert (code, "span-in-future" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "span-missing"),
        (("--month", "2026-13"), "month-malformed"),
        (("--month", "June"), "month-malformed"),
        (("--fy", "2025", "--month", "2026-04"), "month-outside-year"),
        (("--fy", "2026", "--site", "nowhere"), "site-not-in-sites"),
    ],
)
@pytest.mark.parametrize("command", ["reconcile", "cover"])
def test_a_period_or_a_site_that_is_none_is_one_sentence(
    workspace: Path, command: str, arguments: tuple[str, ...], code: str
) -> None:
    rc, _, err = call(command, *arguments, "-w", workspace)
    assert rc == 2
    assert err.count("\n") == 1
    assert code in err


def test_months_belong_to_their_fiscal_year() -> None:
    assert [span_of(None, month).fy.year for month in ("2026-03", "2026-04", "2027-03")] == [2025, 2026, 2026]
    assert instant(span_of(2026, "2026-04").end_ms) == "2026-04-30T15:00:00Z"
    with pytest.raises(InputError):
        span_of(2026, "2027-04")
