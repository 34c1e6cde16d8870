"""The demo's last words are those of its answers: every number from a figure, nothing said that was not done."""

import doctest
from pathlib import Path

import demo
import pytest
import summary
import words


def figure(rounded, unit):
    return {"exact": rounded, "rounded": rounded, "unit": unit}


FIGURES = {
    "energy_ai_kwh": figure("2858207", "kWh"),
    "ai_location_t": figure("1209", "t-CO2"),
    "ai_market_t": figure("1268", "t-CO2"),
    "scope2_location_t": figure("1144", "t-CO2"),
    "scope2_market_t": figure("982.4", "t-CO2"),
    "scope2_market_domestic_t": figure("982.4", "t-CO2"),
    "gap.scope2-market-fy2026": figure("22.40", "t-CO2"),
    "share_measured_pct": figure("0.01914", "%"),
    "share_estimated_pct": figure("0.00001234", "%"),
    "share_declared_pct": figure("0", "%"),
}
TARGET = {
    "id": "scope2-market-fy2026",
    "scope": "scope2_market_domestic_t",
    "target": "960",
    "actual": "982.41234",
    "gap": "22.41234",
    "met": None,
}
JUDGED = {
    "verdict": "verified",
    "evaluated": {"files": 40, "rows": 900, "factors": 6, "lines": 84, "figures": 120, "targets": 4},
    "not_checked": ["signer", "time-stamp"],
    "findings": [],
}


def outcome(**changes):
    values = {
        "fy": 2026,
        "journal": Path.cwd() / "out" / "journal",
        "energy": {"start": "2026-11-22T14:00:00Z", "energy_kwh": {"device": "0.000321"}},
        "account": {"fy": 2026, "figures": FIGURES, "lines": [{"run_id": summary.RUN, "status": "estimated"}]},
        "progress": {"fy": 2026, "targets": [TARGET], "approval": {"state": "approved"}},
        "report": {"findings": [{"code": "factor-provisional", "level": "should"}]},
        "package": Path("/far/R-2026-000001"),
        "verdicts": (JUDGED, JUDGED),
        "codes": (3, 3),
        "logs": Path("/far/log"),
    }
    return summary.Outcome(**(values | changes))


@pytest.fixture(params=["ja_JP.UTF-8", "en_GB.UTF-8"])
def locale(request, monkeypatch):
    monkeypatch.setenv("GXMETER_LANG", request.param)
    return request.param[:2]


def test_summary_holds_every_number_that_a_reader_asks_for(locale):
    text = summary.tell(outcome())
    for number in (
        "0.000321",
        "2,858,207",
        "1,144",
        "982.4",
        "960",
        "+22.40",
        "0.01914 %",
        "0.00001234 %",
        "84",
        "120",
    ):
        assert number in text
    assert f"/far/R-2026-000001/data/report/report.{locale}.html" in text
    assert "FY2026" in text or "2026年度(令和8年度)" in text.replace(" ", "")
    assert {"ja": "暫定係数", "en": "provisional factors"}[locale] in text
    assert {"ja": "推計", "en": "estimated"}[locale] in text


def test_summary_never_claims_a_verification_of_our_own(locale):
    text = summary.tell(outcome())
    assert {"ja": "再計算一致", "en": "re-computed, matches"}[locale] in text
    assert {"ja": "第三者検証は未実施", "en": "No third party"}[locale] in text
    assert "verified" not in text
    assert "検証済" not in text
    assert {"ja": "署名者の身元", "en": "who the signer is"}[locale] in text


def test_an_objection_is_told_instead_of_agreement(locale):
    bad = JUDGED | {"verdict": "findings"}
    worse = outcome(verdicts=(JUDGED, bad), codes=(3, 1))
    text = summary.tell(worse)
    assert not worse.agrees
    assert {"ja": "再計算一致", "en": "matches"}[locale] not in text
    assert "3, 1" in text


def test_verifiers_that_evaluated_different_amounts_do_not_agree():
    less = JUDGED | {"evaluated": JUDGED["evaluated"] | {"lines": 83}}
    assert not outcome(verdicts=(JUDGED, less)).agrees


@pytest.mark.usefixtures("locale")
def test_a_year_without_targets_and_absent_figures_are_said():
    text = summary.tell(outcome(progress={"fy": 2031, "targets": []}, account={"figures": {}, "lines": []}, fy=2031))
    assert "2031" in text
    assert "—" in text
    assert "None" not in text


def test_every_sentence_exists_in_both_languages():
    for ja, en in [*words.TEXTS.values(), *words.STEPS.values(), *words.MEASURES.values()]:
        assert ja
        assert en
        assert set(_holes(ja)) == set(_holes(en))


def _holes(text):
    return [part.split("}")[0] for part in text.split("{")[1:]]


@pytest.mark.parametrize(
    ("instant", "year"),
    [
        ("2026-11-22T14:00:00Z", 2026),
        ("2027-03-31T14:59:59Z", 2026),
        ("2027-03-31T15:00:00Z", 2027),
        ("2026-03-31T15:00:00.500Z", 2026),
    ],
)
def test_the_fiscal_year_turns_at_midnight_in_japan(instant, year):
    assert demo.fiscal_year(instant) == year


def test_the_scenario_is_copied_afresh_and_an_own_journal_survives(tmp_path):
    walk = demo.Demo(tmp_path)
    walk.prepare(None)
    journal = walk.workspace / "telemetry" / "journals" / "j-1"
    journal.mkdir(parents=True)
    (journal / "0000.gxj").write_bytes(b"one record")
    (walk.workspace / "runs" / "left-over.yaml").write_text("x")
    walk.prepare(journal)
    assert (walk.journal() / "0000.gxj").read_bytes() == b"one record"
    assert not (walk.workspace / "runs" / "left-over.yaml").exists()


def test_a_folder_with_other_things_in_it_is_refused_untouched(tmp_path, capsys):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "own.txt").write_text("mine")
    with pytest.raises(SystemExit) as stop:
        demo.parse(["--out", str(tmp_path)])
    assert stop.value.code == 2
    assert str(tmp_path) in capsys.readouterr().err
    assert (tmp_path / "report" / "own.txt").read_text() == "mine"


def test_an_empty_place_and_an_earlier_output_are_taken(tmp_path):
    assert demo.parse(["--out", str(tmp_path)]).out == tmp_path
    demo.Demo(tmp_path).prepare(None)
    assert demo.parse(["--out", str(tmp_path)]).out == tmp_path


def test_a_missing_journal_is_bad_usage(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        demo.parse(["--journal", str(tmp_path / "none")])
    assert stop.value.code == 2
    assert "none" in capsys.readouterr().err


def test_a_failing_step_ends_with_a_sentence_and_its_log(tmp_path):
    walk = demo.Demo(tmp_path)
    walk.prepare(None)
    with pytest.raises(demo.StepError, match=r"check\.txt"):
        walk.ask("check", "check", "-w", str(tmp_path / "nowhere"))


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(summary).failed == 0
