"""Delimited text as columns of texts, streamed; rows with too few or too many cells are named and left out."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from gxmeter.core.errors import InputError
from gxmeter.telemetry.text.lines import REPLACED, Line, lines
from gxmeter.telemetry.text.remarks import Remarks

CHUNK_ROWS = 1 << 16
"""Rows of a chunk at most [rows]."""

_DELIMITERS = (",", "\t", ";", "|")
_FIELD_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows: ``rows[i]`` is the line number of the i-th, ``columns[name][i]`` its text without outer blanks."""

    rows: list[int]
    columns: dict[str, list[str]]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table: the names of its columns, the mark between cells, and its rows."""

    header: tuple[str, ...]
    delimiter: str
    chunks: Iterator[Chunk]


def table(
    path: Path, remarks: Remarks, *, encoding: str = "", delimiter: str = "", skip: int = 0, keep_torn: bool = True
) -> Table:
    """Open delimited text; the first row (after ``skip`` lines, blank ones not counted) names the columns.

    Args:
        path: the file, plain or compressed.
        remarks: gets ``row-torn``, ``row-cells``, ``row-undecodable`` and, for packed files, ``file-torn``.
        encoding: as declared; empty: told from the bytes.
        delimiter: empty: the one that the header holds most of.
        skip: lines before the header.
        keep_torn: whether a last row without line end counts if all its cells are there. Its last cell may be cut
            short, so a format whose cells do not show that they are whole says False.

    Raises:
        InputError: ``table-empty``: there is no header; ``encoding-unknown``; ``line-too-long``.
        OSError: the file cannot be read.
    """
    source = _Lines(path, remarks, encoding)
    for _ in range(skip):
        next(source, None)
    first = next((text for text in source if text.strip()), None)
    if first is None:
        raise InputError("table-empty", file=path.name)
    mark = delimiter or max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_FIELD_LIMIT)
    header = tuple(cell.strip() for cell in next(csv.reader([first], delimiter=mark)))
    return Table(header, mark, _chunks(source, header, mark, remarks, keep_torn=keep_torn))


class _Lines:
    """The texts of a file's lines for the csv module; remembers where it is."""

    def __init__(self, path: Path, remarks: Remarks, encoding: str) -> None:
        self._lines = lines(path, encoding)
        self._remarks = remarks
        self.line = Line(0, "")

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        try:
            self.line = next(self._lines)
        except InputError as error:
            self._remarks.add("file-torn", row=self.line.row + 1, found=error.findings[0].code)
            raise StopIteration from None
        return self.line.text


def _chunks(
    source: _Lines, header: tuple[str, ...], delimiter: str, remarks: Remarks, *, keep_torn: bool
) -> Iterator[Chunk]:
    rows: list[int] = []
    cells: list[list[str]] = []
    reader = csv.reader(source, delimiter=delimiter, skipinitialspace=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            remarks.add("row-cells", row=source.line.row, found=str(error))
            continue
        if row is None:
            break
        if _usable(row, source.line, len(header), remarks, keep_torn=keep_torn):
            rows.append(source.line.row)
            cells.append(row)
        if len(rows) >= CHUNK_ROWS:
            yield _chunk(rows, cells, header)
            rows, cells = [], []
    if rows:
        yield _chunk(rows, cells, header)


def _usable(row: list[str], line: Line, width: int, remarks: Remarks, *, keep_torn: bool) -> bool:
    if not row or (len(row) == 1 and not row[0].strip()):
        return False
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        del row[width:]
    if line.torn and (len(row) != width or not keep_torn):
        remarks.add("row-torn", row=line.row, found=line.text)
        return False
    if len(row) != width:
        remarks.add("row-cells", row=line.row, found=line.text)
        return False
    if REPLACED in line.text:
        remarks.add("row-undecodable", row=line.row, found=line.text)
    return True


def _chunk(rows: list[int], cells: list[list[str]], header: tuple[str, ...]) -> Chunk:
    columns = {
        name: [cell.strip() for cell in column] for name, column in zip(header, zip(*cells, strict=True), strict=True)
    }
    return Chunk(rows, columns)
