"""Text as received: packed, in any encoding, with any marks, cut short or damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from gxmeter.core.errors import InputError
from gxmeter.telemetry.text import lines as lines_module
from gxmeter.telemetry.text import opening, split
from gxmeter.telemetry.text.instants import Clock
from gxmeter.telemetry.text.lines import encoding_of, lines
from gxmeter.telemetry.text.numbers import Numerals
from gxmeter.telemetry.text.remarks import Remarks
from gxmeter.telemetry.text.table import Table, table
from gxmeter.telemetry.text.units import in_half_uj, in_mw


def file(folder: Path, data: bytes) -> Path:
    path = folder / "x.csv"
    path.write_bytes(data)
    return path


def cells(found: Table) -> list[tuple[int, ...]]:
    return [
        (chunk.rows[i], *(column[i] for column in chunk.columns.values()))
        for chunk in found.chunks
        for i in range(len(chunk))
    ]


def codes(remarks: Remarks) -> list[str]:
    return [item.code for item in remarks.findings()]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_lines_are_the_same_whatever_ends_them_and_wherever_the_pieces_are_cut(
    end: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CHUNK", size)
    monkeypatch.setattr(lines_module, "BLOCK", 1)
    path = file(tmp_path, end.join(["電力", "", "b", "torn"]).encode())
    assert [tuple(line) for line in lines(path)] == [
        (1, "電力", False),
        (2, "", False),
        (3, "b", False),
        (4, "torn", True),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp932"])
def test_the_encoding_is_told_by_the_bytes(encoding: str, tmp_path: Path) -> None:
    path = file(tmp_path, "日時,電力\n2026/4/1,５".encode(encoding))
    assert [line.text for line in lines(path)] == ["日時,電力", "2026/4/1,５"]


@pytest.mark.parametrize("name", ["utf-99", "hex", "rot13", "zlib", "x\0y", "undefined"])
def test_an_encoding_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        encoding_of(file(tmp_path, b"a"), name)
    assert caught.value.code == "encoding-unknown"


def test_a_declared_encoding_goes_before_what_the_bytes_tell(tmp_path: Path) -> None:
    assert [line.text for line in lines(file(tmp_path, "電力\n".encode("euc-jp")), "euc-jp")] == ["電力"]


def test_bytes_that_the_encoding_does_not_know_are_named_and_numbers_beside_them_kept(tmp_path: Path) -> None:
    remarks = Remarks("x")
    found = cells(table(file(tmp_path, b"a,b\n1,2\n\xff\xfe,3\n"), remarks, encoding="utf-8"))
    assert [row[0] for row in found] == [2, 3]
    assert codes(remarks) == ["row-undecodable"]


def test_a_packed_file_that_breaks_off_gives_its_rows_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CHUNK", 100)
    monkeypatch.setattr(lines_module, "BLOCK", 100)
    rows = "".join(f"{i * i},{i}\n" for i in range(5000))
    packed = gzip.compress(("a,b\n" + rows).encode())
    remarks = Remarks("x")
    found = cells(table(file(tmp_path, packed[: len(packed) // 2]), remarks))
    assert 500 < len(found) < 5000
    assert found[100] == (102, "10000", "100")
    assert "file-torn" in codes(remarks)


def test_a_line_without_end_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "MAX_LINE", 1000)
    monkeypatch.setattr(lines_module, "BLOCK", 100)
    monkeypatch.setattr(opening, "CHUNK", 100)
    with pytest.raises(InputError) as caught:
        list(lines(file(tmp_path, b"a\n" + b"x" * 5000)))
    assert caught.value.code == "line-too-long"


def test_rows_with_other_cells_are_counted_in_one_finding_with_the_first(tmp_path: Path) -> None:
    remarks = Remarks("x")
    found = cells(table(file(tmp_path, b"a,b\n1,2\n1\n1,2,3\n3,4,,\n\n5,6\n"), remarks))
    assert found == [(2, "1", "2"), (5, "3", "4"), (7, "5", "6")]
    (item,) = remarks.findings()
    assert (item.code, item.row, dict(item.params)["count"]) == ("row-cells", 3, "2")


def test_one_quotation_mark_too_many_costs_one_row(tmp_path: Path) -> None:
    remarks = Remarks("x")
    text = 'a,b\n1,"2\n' + "".join(f"{i},x\n" for i in range(100))
    found = cells(table(file(tmp_path, text.encode()), remarks))
    assert len(found) + len(remarks.findings()) >= 101
    assert found[-1] == (102, "99", "x")


def test_a_torn_last_row_is_left_out_or_kept_and_named_either_way(tmp_path: Path) -> None:
    for keep, code, count in ((True, "row-unended", 2), (False, "row-torn", 1)):
        remarks = Remarks("x")
        found = cells(table(file(tmp_path, b"a,b\n1,2\n3,4"), remarks, keep_torn=keep))
        assert (len(found), codes(remarks)) == (count, [code])


def test_names_that_stand_twice_are_told_apart(tmp_path: Path) -> None:
    assert table(file(tmp_path, b"a,a,b\n"), Remarks("x")).header == ("a", "a (2)", "b")
    two = table(file(tmp_path, b",solar,wind\ntime,MWh,MWh\n"), Remarks("x"), header_rows=2)
    assert two.header == ("time", "solar MWh", "wind MWh")


def test_large_and_small_blocks_are_split_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit by the library, below it by hand; a block with one odd row goes by hand too."""
    rows = [f" {i} , name{i % 3} ,{i}.5" for i in range(9000)]
    rows[5000] = "one cell"
    path = file(tmp_path, ("i,n,v\n" + "\n".join(rows) + "\n").encode())
    quick, slow = Remarks("x"), Remarks("x")
    assert path.stat().st_size > split.PLAIN_FROM
    first = cells(table(path, quick))
    monkeypatch.setattr(split, "PLAIN_FROM", 1 << 30)
    assert first == cells(table(path, slow))
    assert quick.findings() == slow.findings()


def test_a_comma_that_may_group_or_divide_is_told_by_others_else_named() -> None:
    alone = Numerals()
    assert alone.scaled(["1,234"], 1).values.tolist() == [1234]
    assert [item.code for item in alone.findings("f")] == ["decimal-assumed"]
    told = Numerals()
    assert told.scaled(["1,234", "0,5"], 1000).values.tolist() == [1234, 500]
    assert told.findings("f") == []
    declared = Numerals(",")
    assert declared.scaled(["1,234", "1.234", "1.5"], 1000).values.tolist()[:2] == [1234, 1_234_000]


def test_points_that_turn_out_to_group_are_named() -> None:
    numerals = Numerals()
    assert numerals.scaled(["1.234"], 1000).values.tolist() == [1234]
    numerals.scaled(["12,5"], 1000)
    assert [item.code for item in numerals.findings("f")] == ["decimal-mistaken"]
    together = Numerals()
    assert together.scaled(["1.234", "12,5"], 1000).values.tolist() == [1_234_000, 12_500]


def test_units_are_worth_what_the_si_says() -> None:
    assert (in_mw("kW"), in_half_uj("J"), in_half_uj("kWh")) == (10**6, 2 * 10**6, 7_200_000_000_000)
    with pytest.raises(ValueError, match="no unit of power"):
        in_mw("kWh")


def test_an_unknown_zone_is_refused_and_a_missing_one_is_said() -> None:
    with pytest.raises(InputError) as caught:
        Clock("Mars/Base")
    assert caught.value.code == "time-zone-unknown"
    clock = Clock()
    clock.one("2026-04-01 00:00")
    assert [item.code for item in clock.findings("f")] == ["time-zone-assumed"]


@pytest.mark.parametrize(
    "text", ["2026-04-01 24:00:01", "2026-02-29", "2026-04-01 00:00:60", "26-04-01", "0", "-5", "1e9"]
)
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    assert Clock("UTC").one(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "令和8年4月1日 0時30分",
        "R8.4.1 0:30",
        "２０２６／４／１　０：３０",
        "2026年4月1日(水) 0:30",
        "202604010030",
        "2026-04-01T00:30+0900",
    ],
)
def test_times_as_they_are_written_in_japan(text: str) -> None:
    assert Clock("Asia/Tokyo").one(text) == 1_774_971_000_000
