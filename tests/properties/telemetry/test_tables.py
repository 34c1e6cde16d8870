"""Tables against the csv module: the quick way and the careful way give the same cells, and no row is lost unnamed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.telemetry.text import lines, split
from gxmeter.telemetry.text.columns import ArrowColumns
from gxmeter.telemetry.text.lines import Block
from gxmeter.telemetry.text.remarks import Remarks
from gxmeter.telemetry.text.table import Chunk, table

plain = st.text(st.characters(exclude_characters='",\r\n\x00', exclude_categories=["Cs"]), max_size=6)
quotable = st.text(st.characters(exclude_characters="\r\x00\ufffd", exclude_categories=["Cs"]), max_size=8)


@contextmanager
def set_to(module: object, name: str, value: object) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, value)
        yield


def read(data: bytes, remarks: Remarks) -> list[Chunk]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        path.write_bytes(data)
        return list(table(path, remarks, encoding="utf-8").chunks)


def rows_of(chunks: list[Chunk]) -> list[tuple[int, ...] | list[str]]:
    return [
        [str(chunk.rows[i]), *(column[i] for column in chunk.columns.values())]
        for chunk in chunks
        for i in range(len(chunk))
    ]


@given(st.lists(st.lists(plain, min_size=1, max_size=4), max_size=12))
def test_the_quick_way_reads_what_the_careful_way_reads(rows: list[list[str]]) -> None:
    text = "".join("x" + ",".join(row) + "\n" for row in rows)
    remarks = Remarks("x")
    numbers, cells = split.carefully(Block(2, text), split.Form(3, ","), remarks, keep_torn=True)
    with set_to(split, "PLAIN_FROM", 1):
        found = split.quickly(Block(2, text), split.Form(3, ","))
    if found is None:
        assert not text or "\N{REPLACEMENT CHARACTER}" in text or any(len(row) != 3 for row in rows)
        return
    columns = ArrowColumns(found, ("a", "b", "c"))
    assert numbers == list(range(2, 2 + len(found)))
    assert [list(row) for row in zip(columns["a"], columns["b"], columns["c"], strict=True)] == cells
    for name in "abc":
        texts, codes = columns.coded(name)
        assert [texts[code] for code in codes] == columns[name]


@given(st.lists(st.tuples(quotable, quotable, quotable), max_size=8), st.integers(1, 200))
def test_rows_that_the_csv_module_writes_are_read_back_in_blocks_of_any_size(
    rows: list[tuple[str, str, str]], block: int
) -> None:
    """Cells with line ends are read where they are not cut by a block; else their lines are named."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *rows])
    remarks = Remarks("x")
    with set_to(lines, "BLOCK", block):
        found = [row[1:] for row in rows_of(read(out.getvalue().encode(), remarks))]
    wanted = [[cell.strip() for cell in row] for row in rows]
    broken = any("\n" in cell for row in rows for cell in row)
    if not broken or block > len(out.getvalue()):
        assert [row for row in found if any(row)] == [row for row in wanted if any(row)]
        assert not remarks.findings()
    else:
        assert all(row in found or remarks.findings() for row in wanted if any(row))


@given(st.lists(st.sampled_from(["1,2,3", "1,2", "1,2,3,4", "1,2,3,,", "", '"1,2,3', '"1",2,3', ",,"]), max_size=25))
def test_every_row_is_read_or_counted(rows: list[str]) -> None:
    remarks = Remarks("x")
    found = rows_of(read(("a,b,c\n" + "".join(f"{row}\n" for row in rows)).encode(), remarks))
    named = sum(int(dict(item.params)["count"]) for item in remarks.findings())
    whole = [row for row in rows if row not in {"", ",,"}]
    # A mark that opens may take the next line with it only where both together make a right row.
    blank = {"", ",,"}
    lines_read = sum(max(sum(part not in blank for part in cell.split("\n")) for cell in row) for row in found)
    assert lines_read + named == len(whole)
