"""``gxmeter factors`` as an outside user calls it."""

import json
import re

import pytest
from typer.testing import CliRunner

from gxmeter.cli.app import app


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty folder outside any workspace."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GXMETER_LANG", "en")

    def call(*words):
        return CliRunner().invoke(app, ["factors", *words])

    return call


RESOLVE = ("resolve", "electricity", "--supplier")


def test_resolve_answers_the_interface(run):
    result = run(*RESOLVE, "A0269", "--menu", "residual", "--basis", "basic", "--fy", "2025", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    keys = ("id", "value", "unit", "actuals_fy", "applies_to_fy", "edition", "provisional", "findings")
    assert [answer[key] for key in keys] == [
        "jp.elec.a0269.M.fy2024.basic",
        "0.000452",
        "t-CO2/kWh",
        2024,
        2025,
        "2026-06-04",
        False,
        [],
    ]
    assert answer["source"]["publisher"] == "環境省・経済産業省"
    assert answer["steps"][0]["ja"]


def test_resolve_of_an_unpublished_year_is_provisional(run):
    result = run(*RESOLVE, "A0269", "--menu", "M", "--fy", "2026", "--json")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert answer["provisional"] is True
    assert [(item["code"], item["level"]) for item in answer["findings"]] == [("factor-provisional", "should")]


def test_resolve_without_an_answer_says_why(run):
    result = run(*RESOLVE, "A9999", "--fy", "2025", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["id"], answer["value"], answer["source"], answer["entry"]) == (None, None, None, None)
    assert [item["code"] for item in answer["findings"]] == ["supplier-unknown", "factor-missing"]


def test_resolve_for_people(run, monkeypatch):
    result = run(*RESOLVE, "A0269", "--fy", "2025")
    assert result.exit_code == 3
    assert "0.000452 t-CO2/kWh" in result.stdout
    assert "3. No menu given" in result.stdout
    assert "menu-assumed-residual" in result.stderr
    monkeypatch.setenv("GXMETER_LANG", "ja")
    result = run(*RESOLVE, "A9999", "--fy", "2025")
    assert "公表済みの登録 0 件" in result.stdout
    assert "係数表にありません" in result.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((*RESOLVE, "A0269", "--fy", "2025", "--basis", "net"), "factor-argument-wrong"),
        (("list", "--family", "water"), "factor-argument-wrong"),
        (("show", "jp.elec.a0269"), "factor-unknown"),
        (("show", "☃"), "factor-unknown"),
        (("list", "-w", "nowhere"), "workspace-not-found"),
    ],
)
def test_bad_arguments_are_one_sentence_and_exit_2(run, words, code):
    result = run(*words)
    assert result.exit_code == 2
    assert code in result.stderr
    assert len(result.stderr.splitlines()) == 1
    document = json.loads(run(*words, "--json").stdout)
    assert [item["code"] for item in document["findings"]] == [code]


def test_list_has_every_entry(run, registry):
    document = json.loads(run("list", "--json").stdout)
    assert [item["id"] for item in document["factors"]] == [entry.id for entry in registry.entries]
    assert document["registry_sha256"] == registry.sha256
    lines = run("list", "--family", "energy-law").stdout.splitlines()
    assert [re.split("\t", line)[1] for line in lines] == ["0.0258 kL/GJ", "8.64 GJ/thousand kWh"]


def test_show_has_years_and_source(run):
    document = json.loads(run("show", "jp.elec.a0273.G.fy2024.adjusted", "--json").stdout)
    assert document["factors"][0]["value"] == "0.000387"
    text = run("show", "jp.elec.a0273.G.fy2024.adjusted").stdout
    assert "applies_to_fy 2025" in text
    assert "A0273" in text
    assert "https://" in text


def test_a_workspaces_factors_are_added(run, tmp_path, factor_file):
    (tmp_path / "gxmeter.yaml").write_text("schema: gxmeter-workspace/1\n", "utf-8")
    words = (*RESOLVE, "A0269", "--menu", "Z", "--fy", "2025", "--json")
    assert json.loads(run(*words).stdout)["id"] == "jp.elec.a0269.M.fy2024.basic"
    path = factor_file('{id: own.Z, kind: menu, menu: Z, number: A0269, basic: "0.0001", adjusted: "0.0001"}')
    assert json.loads(run(*words).stdout)["id"] == "own.Z.basic"
    (path.parent / "drafts").mkdir()
    for place in ("drafts/next.yaml", ".hidden.yaml", "own.yml"):
        (path.parent / place).write_text("schema: other\n", "utf-8")
    assert json.loads(run(*words).stdout)["id"] == "own.Z.basic"
    path.write_text("schema: other\n", "utf-8")
    result = run(*words)
    assert result.exit_code == 2
    assert {item["file"] for item in json.loads(result.stdout)["findings"]} == {"factors/own.yaml"}
