"""Findings speak both languages, fill their holes, and weigh what they weigh."""

from __future__ import annotations

import re

import pytest

from gxmeter.core.errors import ExitCode, GxmeterError, InputError, exit_code
from gxmeter.core.findings import Finding, Level, catalogue, finding, ordered, worst

_HOLE = re.compile(r"\{([^}]*)\}")


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_every_message_is_one_sentence_in_each_language_with_the_same_holes(code: str) -> None:
    message = catalogue()[code]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    # A label that differs by language has a hole of its own in Japanese: {label_ja} beside {label}.
    assert {hole.removesuffix("_ja") for hole in _HOLE.findall(message.ja)} == set(_HOLE.findall(message.en))
    assert all(re.fullmatch(r"[a-z_]+", hole) for hole in _HOLE.findall(message.en))
    assert re.search(r"[ぁ-んァ-ヶ一-龠]", message.ja)
    for text in (message.ja, message.en):
        assert text == text.strip()
        assert "\n" not in text
    assert message.ja.endswith(("。", ")", "）", "」", "}"))


def test_holes_are_filled_and_foreign_text_is_made_safe() -> None:
    got = finding("unit-unknown", found="kW\x1b[31mq\n" + "x" * 300, file="a.yaml", row=3)
    assert "\x1b" not in got.en
    assert "\n" not in got.ja
    assert len(got.found) == 200
    assert (got.file, got.row, got.level) == ("a.yaml", 3, Level.MUST)


def test_a_site_that_nobody_gave_leaves_no_empty_quotation_marks() -> None:
    given = finding("single-sample", device="g0", site="tokyo")
    nameless = finding("single-sample", device="g0", site="")
    assert "(site “tokyo”)" in given.en
    assert "(拠点「tokyo」)" in given.ja
    assert nameless.en.startswith("Device g0 has")
    assert nameless.ja.startswith("機器 g0の記録")
    assert dict(nameless.params)["site"] == ""


def test_the_json_form_leaves_missing_keys_out() -> None:
    document = finding("unit-unknown", found="q").to_json()
    assert list(document) == ["code", "level", "found", "text"]
    assert set(document["text"]) == {"ja", "en"}


def test_an_unknown_code_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        finding("no-such-code")


def _made(code: str, level: Level, file: str | None = None, row: int | None = None) -> Finding:
    return Finding(code=code, level=level, ja="", en="", file=file, row=row)


def test_findings_come_once_each_and_heavy_ones_first() -> None:
    may, should = _made("c", Level.MAY), _made("b", Level.SHOULD)
    must_2, must_10 = _made("a", Level.MUST, "f", 2), _made("a", Level.MUST, "f", 10)
    assert ordered([may, must_10, should, must_2, may]) == [must_2, must_10, should, may]
    assert worst([may, should]) is Level.SHOULD
    assert worst([]) is None


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        ([], ExitCode.FINE),
        ([Level.MAY], ExitCode.FINE),
        ([Level.SHOULD, Level.MAY], ExitCode.SHOULD_FINDINGS),
        ([Level.SHOULD, Level.MUST], ExitCode.MUST_FINDINGS),
    ],
)
def test_the_exit_code_follows_the_heaviest(levels: list[Level], code: ExitCode) -> None:
    assert exit_code([_made("a", level) for level in levels]) is code


def test_an_error_carries_all_faults_of_an_input() -> None:
    faults = [finding("unit-unknown", found="a"), finding("unit-unknown", found="b")]
    error = InputError.from_findings(faults)
    assert isinstance(error, GxmeterError)
    assert list(error.findings) == faults
    assert faults[0].en in str(error)
    assert faults[1].en in str(error)
    assert error.code == "unit-unknown"
