"""What is declared of a file: checked as a whole, and above what a reader says in one place for all formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from gxmeter.core.errors import InputError
from gxmeter.energy.model import Source
from gxmeter.energy.sources import open_source, sources_under
from gxmeter.telemetry.columns import columns_of
from gxmeter.telemetry.model import Reading
from gxmeter.telemetry.options import ALL_OPTIONS, ReadOptions
from gxmeter.telemetry.registry import check_options, formats, heeded
from tests.support.reader_cases import SAMPLES

SAMPLE = SAMPLES / "parquet" / "samples.parquet"


def read(options: ReadOptions) -> Reading:
    reading = open_source(Source(SAMPLE, "parquet", "r", "s", options=options))
    for _ in reading.batches:
        pass
    return reading


@pytest.mark.parametrize("format_", formats())
def test_every_format_heeds_only_options_that_there_are(format_: str) -> None:
    assert set(heeded(format_)) <= set(ALL_OPTIONS)


def test_all_that_is_wrong_with_options_is_said_at_once() -> None:
    options = ReadOptions(
        time_zone="Mars/Base",
        encoding="no-such",
        decimal=";",
        boundary="rack",
        grade="G",
        host="h",
        columns=(("a", "b"),),
    )
    with pytest.raises(InputError) as caught:
        check_options("parquet", options)
    said = [(item.code, item.found) for item in caught.value.findings]
    unheeded = ("--time-zone", "--encoding", "--decimal", "--host", "--columns")
    assert said == [
        *(("option-not-heeded", name) for name in unheeded),
        ("option-value", ";"),
        ("option-value", "rack"),
        ("option-value", "G"),
        ("option-value", "no-such"),
        ("time-zone-unknown", "Mars/Base"),
    ]
    assert {item.expected for item in caught.value.findings[:5]} == {"--boundary, --grade, --jobs"}


def test_options_are_checked_before_any_file_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        sources_under([tmp_path / "none"], format="gxmeter", options=ReadOptions(grade="A"))
    assert [item.code for item in caught.value.findings] == ["option-not-heeded"]


def test_a_declared_boundary_and_a_weaker_grade_replace_what_the_reader_says_without_a_word() -> None:
    reading = read(ReadOptions(boundary="node", grade="D1"))
    assert {(info.boundary, info.grade) for info in reading.devices.values()} == {("node", "D1")}
    assert reading.findings == []
    assert {(info.boundary, info.grade) for info in read(ReadOptions()).devices.values()} == {("device", "C2")}


def test_a_grade_declared_better_than_the_format_shows_is_named_with_the_number_of_devices() -> None:
    reading = read(ReadOptions(grade="A"))
    (item,) = reading.findings
    assert (item.code, item.expected, item.found, dict(item.params)["count"]) == ("grade-raised", "C2", "A", "2")


def test_columns_stand_in_a_small_file_of_roles_and_names(tmp_path: Path) -> None:
    path = tmp_path / "columns.yaml"
    path.write_text("time: 時刻\npower: 'Power (kW)'\n", "utf-8")
    assert columns_of(path) == (("time", "時刻"), ("power", "Power (kW)"))


@pytest.mark.parametrize(
    ("text", "code"),
    [("- time\n", "columns-unreadable"), ("time: [a]\n", "columns-unreadable"), ("time:\n", "columns-unreadable"),
     ("time: a\ntime: b\n", "yaml-key-twice"), ("a: 'x\n", "yaml-syntax"), (None, "source-unreadable")],
)  # fmt: skip
def test_a_table_of_columns_that_is_none_is_refused_in_a_sentence(tmp_path: Path, text: str | None, code: str) -> None:
    path = tmp_path / "columns.yaml"
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        columns_of(path)
    assert caught.value.code == code
