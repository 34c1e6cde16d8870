"""Delimited text as columns of texts, streamed; rows with too few or too many cells are named and left out."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.telemetry.text.columns import ArrowColumns, Chunk
from gxmeter.telemetry.text.lines import Block, blocks
from gxmeter.telemetry.text.remarks import Remarks
from gxmeter.telemetry.text.split import Form, carefully, cells_of, quickly

CHUNK_ROWS = 1 << 16
"""Rows of a chunk at most [rows]."""

_DELIMITERS = (",", "\t", ";", "|")
_FIELD_LIMIT = 1 << 20
_HEADER_LINES = 40
"""Lines that one row of headings may take: spreadsheets break them inside cells."""


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table: the names of its columns, the mark between cells, and its rows.

    A name that stands more than once gets its number behind it: ``power``, ``power (2)``.
    """

    header: tuple[str, ...]
    delimiter: str
    chunks: Iterator[Chunk]


def table(
    path: Path,
    remarks: Remarks,
    *,
    encoding: str = "",
    delimiter: str = "",
    skip: int = 0,
    header_rows: int = 1,
    names: Sequence[str] = (),
    keep_torn: bool = True,
) -> Table:
    """Open delimited text; the first row (after ``skip`` lines, blank ones not counted) names the columns.

    Args:
        path: the file, plain or compressed.
        remarks: gets ``row-torn``, ``row-unended``, ``row-cells``, ``row-undecodable``; ``file-torn`` for what breaks
            off.
        encoding: as declared; empty: told from the bytes.
        delimiter: empty: the one that the header holds most of.
        skip: lines before the header.
        header_rows: how many rows name the columns: where the last leaves one without a name, or gives one twice, those
            above it stand before it.
        names: of the columns, where no row names them.
        keep_torn: whether a last row without line end counts if all its cells are there, with ``row-unended``. Its last
            cell may be cut short, so a format that machines write, always with line ends, says False.

    Raises:
        InputError: ``table-empty``: there is no header; ``encoding-unknown``; ``line-too-long``; ``source-torn``.
        OSError: the file cannot be read.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    pieces = blocks(path, encoding)
    first = next(pieces, Block(1, ""))
    head = _Head(first)
    for _ in range(skip):
        head.line()
    texts = [head.peek()] if names else [head.row() for _ in range(header_rows)]
    if not texts[-1]:
        raise InputError("table-empty", file=path.name)
    mark = delimiter or max(_DELIMITERS, key=texts[-1].count)
    header = _names([list(names)] if names else [_cells(text, mark) for text in texts if text])
    rest = chain([head.rest()], _until_torn(pieces, remarks))
    return Table(header, mark, _chunks(rest, header, mark, remarks, keep_torn=keep_torn))


class _Head:
    """Takes lines from the beginning of a block."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._at = 0
        self._taken = 0

    def line(self) -> str | None:
        """The next line; None at the end."""
        if self._at >= len(self._block.text):
            return None
        end = self._block.text.find("\n", self._at)
        end = len(self._block.text) if end < 0 else end
        text, self._at = self._block.text[self._at : end], end + 1
        self._taken += 1
        return text

    def row(self) -> str:
        """The next row that is not blank, with the lines that a cell of it breaks into; empty text at the end."""
        text = next((text for text in iter(self.line, None) if text.strip()), "")
        if text.count('"') % 2:
            begun = (self._at, self._taken)
            lines = [text]
            while sum(line.count('"') for line in lines) % 2 and len(lines) < _HEADER_LINES:
                line = self.line()
                if line is None:
                    break
                lines.append(line)
            else:
                if len(lines) < _HEADER_LINES:
                    return "\n".join(lines)
            self._at, self._taken = begun
        return text

    def peek(self) -> str:
        """The next row that is not blank, not taken."""
        at, taken = self._at, self._taken
        text = self.row()
        self._at, self._taken = at, taken
        return text

    def rest(self) -> Block:
        """What has not been taken."""
        return Block(self._block.row + self._taken, self._block.text[self._at :], torn=self._block.torn)


def _cells(text: str, mark: str) -> list[str]:
    try:
        return next(cells_of(text.split("\n"), mark))
    except csv.Error:
        return text.split(mark)


def _names(rows: list[list[str]]) -> tuple[str, ...]:
    """Names of the columns, all different."""
    width = len(rows[-1])
    padded = [[" ".join(cell.split()) for cell in [*row, *[""] * width][:width]] for row in rows]
    columns = list(zip(*padded, strict=True))
    last = padded[-1]
    names = [
        name if name and last.count(name) == 1 else " ".join(part for part in column if part)
        for name, column in zip(last, columns, strict=True)
    ]
    return tuple(
        name if names.index(name) == i else f"{name} ({names[: i + 1].count(name)})" for i, name in enumerate(names)
    )


def _until_torn(pieces: Iterator[Block], remarks: Remarks) -> Iterator[Block]:
    """Blocks up to where the file cannot be read any more, which is named."""
    row = 1
    try:
        for block in pieces:
            row = block.row + block.text.count("\n")
            yield block
    except InputError as error:
        remarks.add("file-torn", row=row, found=error.findings[0].code)


def _chunks(
    pieces: Iterator[Block], names: tuple[str, ...], delimiter: str, remarks: Remarks, *, keep_torn: bool
) -> Iterator[Chunk]:
    form = Form(len(names), delimiter)
    for block in pieces:
        if not block.text:
            continue
        found = quickly(block, form)
        if found is not None:
            for start in range(0, len(found), CHUNK_ROWS):
                part = found.slice(start, CHUNK_ROWS)
                first = block.row + start
                yield Chunk(range(first, first + len(part)), ArrowColumns(part, names))
            continue
        rows, cells = carefully(block, form, remarks, keep_torn=keep_torn)
        for start in range(0, len(rows), CHUNK_ROWS):
            some = slice(start, start + CHUNK_ROWS)
            columns = (list(column) for column in zip(*cells[some], strict=True))
            yield Chunk(rows[some], dict(zip(names, columns, strict=True)))
