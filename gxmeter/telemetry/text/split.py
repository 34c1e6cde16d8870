"""Lines of delimited text to cells: quickly where they are plain, and carefully where they are not."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gxmeter.telemetry.text.lines import REPLACED, Block
from gxmeter.telemetry.text.remarks import Remarks

if TYPE_CHECKING:
    import _csv

    import pyarrow as pa

PLAIN_FROM = 1 << 16
"""Blocks of fewer characters are not worth loading a library for [characters]."""

_MAX_ROW_LINES = 50
"""A quoted cell may hold line ends; a row of more lines than this is a quotation mark too many."""


class Form(NamedTuple):
    """How many cells a row has, and the mark between them."""

    width: int
    delimiter: str


def quickly(block: Block, form: Form) -> pa.Table | None:
    """The cells of a block in which every row is plain and whole; None where it needs care."""
    if block.torn or len(block.text) < PLAIN_FROM or '"' in block.text or REPLACED in block.text:
        return None
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a large file is read
    from pyarrow import csv as pc  # noqa: PLC0415 - heavy, loaded when a large file is read

    data = block.text.encode("utf-8")
    names = [str(i) for i in range(form.width)]
    try:
        return pc.read_csv(
            pa.py_buffer(data),
            pc.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
            pc.ParseOptions(delimiter=form.delimiter, quote_char=False, double_quote=False, ignore_empty_lines=False),
            pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None


def carefully(block: Block, form: Form, remarks: Remarks, *, keep_torn: bool) -> tuple[list[int], list[list[str]]]:
    """Line numbers and cells of the rows that are whole; names the others.

    Args:
        block: some lines.
        form: how the rows are made.
        remarks: gets ``row-torn``, ``row-unended``, ``row-cells`` and ``row-undecodable``.
        keep_torn: whether a last row without line end counts if all its cells are there.
    """
    texts = block.text.removesuffix("\n").split("\n")
    rows: list[int] = []
    cells: list[list[str]] = []
    at = 0
    while at < len(texts):
        row, taken = _row(texts, at, form)
        number, text = block.row + at, texts[at]
        at += taken
        if not any(cell.strip() for cell in row) and not text.strip(f"{form.delimiter} \t"):
            continue
        if not _fits(row, form.width) or (block.torn and not keep_torn):
            remarks.add("row-torn" if block.torn else "row-cells", row=number, found=text)
            continue
        if block.torn:
            remarks.add("row-unended", row=number, found=text)
        if REPLACED in text:
            remarks.add("row-undecodable", row=number, found=text)
        rows.append(number)
        cells.append(row[: form.width])
    return rows, cells


def cells_of(texts: Sequence[str], delimiter: str) -> _csv.Reader:
    """Rows of cells from lines without their ends, as the csv module reads them; a mark left open is an error."""
    return csv.reader((f"{text}\n" for text in texts), delimiter=delimiter, skipinitialspace=True, strict=True)


def _row(texts: Sequence[str], at: int, form: Form) -> tuple[list[str], int]:
    """The cells of the row that begins with a line, and how many lines it takes.

    Where a quotation mark stays open, the lines up to its end are one row if that row has the right cells; else the
    line stands alone, so that one mark too many costs one row. A mark that never closes is no row.
    """
    text = texts[at]
    if '"' not in text:
        return [cell.strip() for cell in text.split(form.delimiter)], 1
    for lines in (texts[at : at + _MAX_ROW_LINES], [text]):
        reader = cells_of(lines, form.delimiter)
        try:
            row = [cell.strip() for cell in next(reader, [])]
        except csv.Error:
            continue
        if reader.line_num == 1 or _fits(row, form.width):
            return row, reader.line_num
    return [], 1


def _fits(row: Sequence[str], width: int) -> bool:
    """Whether a row has its cells; empty ones too many at its end do no harm."""
    return len(row) == width or (len(row) > width and not any(row[width:]))
