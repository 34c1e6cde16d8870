"""The consortium scenario is what its files say: marked, complete, in step with its own numbers."""

import hashlib
import re
import shutil
from collections import defaultdict
from decimal import Decimal

import pytest
import yaml

from gxmeter.roadmap.content import State, running_plan
from gxmeter.workspace.check import run_checks
from gxmeter.workspace.load import load_workspace


class TextLoader(yaml.SafeLoader):
    """Every scalar as text, as the workspace reads it."""


TextLoader.yaml_implicit_resolvers = {}

H100_HOURS = Decimal(5_620_000)
"""Device-hours of the whole plan: 6e24 FLOP at 989 TFLOP/s and 30 % effective use."""


def read(folder):
    files = sorted(folder.glob("*.yaml"))
    assert files
    return [yaml.load(path.read_text(encoding="utf-8"), TextLoader) for path in files]


def hours(part):
    if "device_hours" in part:
        return Decimal(part["device_hours"])
    return Decimal(part["devices"]) * Decimal(part["hours"])


def test_every_file_says_that_it_is_illustrative(scenario):
    for path in [*scenario.rglob("*.yaml"), *(scenario / "evidence").rglob("*.txt")]:
        text = path.read_text(encoding="utf-8")
        assert "例示" in text, path
        assert re.search("illustrative", text, re.IGNORECASE), path


def test_the_workspace_is_marked_illustrative(scenario):
    config = yaml.load((scenario / "gxmeter.yaml").read_text(encoding="utf-8"), TextLoader)
    assert config["illustrative"] == "true"
    assert config["programme"]["call_text"] == "not-public"


def test_four_core_holders_and_all_shares_make_the_whole(scenario):
    company = next(e for e in read(scenario / "entities") if e["kind"] == "reporting")
    shares = [Decimal(h["share_pct"]) for h in company["holdings"]]
    core = [h for h in company["holdings"] if Decimal(h["share_pct"]) > 10]
    assert sum(shares) == 100
    assert len(core) == 4
    assert {h["relation"] for h in core} == {"associate"}
    assert company["registered_on"].startswith("2026-01")
    assert {c["kind"] for c in company["certifications"]} == {"eruboshi", "kurumin"}


def test_every_arrangement_of_the_brief_has_a_site(scenario):
    sites = read(scenario / "sites")
    assert {s["arrangement"] for s in sites} == {"owned", "colocation", "cloud", "allocation"}
    own = next(s for s in sites if s["id"] == "tokyo-dc1")
    assert own["pue"][0]["value"] == "1.20"


def test_every_theme_covers_both_frames(scenario):
    frames = defaultdict(set)
    for run in read(scenario / "runs"):
        frames[run["theme"]].add(run["frame"])
    assert set(frames) == {"foundation-model", "physical-ai", "small-models"}
    assert all(both == {"development", "exploration"} for both in frames.values())


def test_the_trillion_parameter_plan_adds_up(scenario):
    run = next(r for r in read(scenario / "runs") if r["id"] == "pretrain-1t")
    model = run["model"]
    assert 6 * Decimal(model["active_params"]) * Decimal(model["tokens"]) == Decimal(model["flop"])
    assert sum(hours(part) for part in run["declared"]) == H100_HOURS


def test_failed_restarted_and_void_runs_are_there(scenario):
    runs = {r["id"]: r for r in read(scenario / "runs")}
    assert runs["pretrain-1t-a1"]["status"] == "failed"
    assert runs["pretrain-1t-a1"]["reason"]
    assert runs["pretrain-1t"]["restarts"] == "pretrain-1t-a1"
    assert runs["finetune-robot-arm-twice"]["status"] == "void"


@pytest.mark.parametrize("fy", range(2026, 2031))
def test_every_fiscal_year_has_something_to_show_in_both_frames(scenario, fy):
    frames = {
        run["frame"]
        for run in read(scenario / "runs")
        for part in run.get("declared", [])
        if run["status"] != "void" and f"{fy}-04-01" <= part["start"] < f"{fy + 1}-04-01"
    }
    assert frames == {"development", "exploration"}


def test_what_is_still_to_come_is_called_a_plan(scenario):
    for run in read(scenario / "runs"):
        for part in run.get("declared", []):
            if part["end"] > "2026-11-16":
                assert part["source"].startswith("PLAN"), part["id"]


def test_targets_cover_the_programme_for_each_measure(scenario):
    roadmap = read(scenario / "roadmap")[0]
    years = defaultdict(set)
    for target in roadmap["targets"]:
        years[target["measure"]].add(int(target["fy"]))
    assert set(years) == {
        "scope1_domestic_t",
        "scope2_location_domestic_t",
        "scope2_market_domestic_t",
        "energy_ai_kwh",
    }
    assert all(covered == set(range(2026, 2031)) for covered in years.values())
    assert roadmap["base"]["kind"] == "no-data"


def test_the_approval_quotes_the_minutes(scenario):
    approval = read(scenario / "roadmap")[0]["approval"]
    minutes = (scenario / "evidence" / "board" / "minutes-2026-06-24.txt").read_bytes()
    assert approval["minutes_sha256"] == hashlib.sha256(minutes).hexdigest()


def test_evidence_that_looks_like_a_path_exists(scenario):
    for path in scenario.rglob("*.yaml"):
        for named in re.findall(r"evidence/[A-Za-z0-9/._-]+\.txt", path.read_text(encoding="utf-8")):
            assert (scenario / named).is_file(), (path, named)


def test_the_bills_say_what_the_readings_say(scenario):
    readings = read(scenario / "meters")[0]["readings"]
    assert [r["first_day"][:7] for r in readings] == [f"2026-{month:02}" for month in range(4, 11)]
    for reading in readings:
        bill = (scenario / reading["evidence"]).read_text(encoding="utf-8")
        assert f"{reading['energy_kwh']} kWh" in bill


def test_the_workspace_loads_without_a_fault(scenario):
    workspace = load_workspace(scenario)
    assert workspace.findings == ()
    assert run_checks(workspace) == []


def test_the_approval_quotes_the_content_as_it_is(scenario):
    plan = running_plan(load_workspace(scenario).roadmaps)
    assert plan is not None
    assert plan.state is State.APPROVED


def test_an_edit_after_approval_is_found(scenario, tmp_path):
    """Given the approved roadmap, when one target is moved by a tonne, then it is no longer called approved."""
    copy = tmp_path / "workspace"
    shutil.copytree(scenario, copy)
    file = copy / "roadmap" / "v1.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count("value: 960,") == 1
    file.write_text(text.replace("value: 960,", "value: 961,"), encoding="utf-8")
    plan = running_plan(load_workspace(copy).roadmaps)
    assert plan is not None
    assert plan.state is State.CHANGED
    assert [f.code for f in plan.findings()] == ["roadmap-changed-since-approval"]


def test_measures_state_their_effect(scenario):
    (roadmap,) = load_workspace(scenario).roadmaps
    assert {m.id for m in roadmap.measures} == {
        "certificates",
        "renewable-menu",
        "liquid-cooling",
        "kansai-certificates",
        "photonic-network",
    }
    assert all(effect.value < 0 for measure in roadmap.measures for effect in measure.effect)
