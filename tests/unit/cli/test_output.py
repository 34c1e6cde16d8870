"""Answers go to standard output, everything for people to standard error, in their language."""

from __future__ import annotations

import json

import pytest
import typer

from gxmeter.cli import output
from gxmeter.core.errors import ExitCode, InputError
from gxmeter.core.findings import finding


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "GXMETER_LANG": "ja"}, "ja"),
    ],
)
def test_the_language_is_the_persons(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    for name in ("GXMETER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert output.language() == expected


def test_a_finding_is_shown_with_its_place(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GXMETER_LANG", "en")
    item = finding("unit-unknown", found="kWq", file="sites/a.yaml", row=7)
    output.show_findings([item])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "unit-unknown sites/a.yaml:7: " in shown.err
    assert item.en in shown.err
    monkeypatch.setenv("GXMETER_LANG", "ja")
    output.show_findings([item])
    assert item.ja in capsys.readouterr().err


def test_an_error_is_one_json_document_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    code = output.report_error(InputError("unit-unknown", found="kWq"), as_json=True)
    assert code == ExitCode.COULD_NOT_RUN
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "unit-unknown"


def test_a_command_ends_with_the_code_of_its_findings() -> None:
    with pytest.raises(typer.Exit) as caught:
        output.finish([finding("unit-unknown", found="q")])
    assert caught.value.exit_code == ExitCode.MUST_FINDINGS


def test_remarks_that_differ_in_their_place_only_are_one_line_and_faults_are_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GXMETER_LANG", "en")
    remarks = [finding("journal-no-end", file=f"{name}.gxj") for name in "abcde"]
    faults = [finding("unit-unknown", found="kWq", file="sites/a.yaml", row=row) for row in (7, 8)]
    others = [finding("power-superseded", file=name, device=name, site="s") for name in "xy"]
    output.show_findings([*faults, *remarks, *others])
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[2].rstrip(":") for line in lines] == 2 * ["unit-unknown"] + ["journal-no-end"] + 2 * [
        "power-superseded"
    ]
    assert " a.gxj: " in lines[2]
    assert lines[2].endswith(" (and 4 more: b.gxj, c.gxj, d.gxj, …)")
    monkeypatch.setenv("GXMETER_LANG", "ja")
    output.show_findings(remarks[:2])
    assert capsys.readouterr().err.endswith("(ほか 1 箇所: b.gxj)\n")
