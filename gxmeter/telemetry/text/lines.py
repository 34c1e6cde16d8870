"""Lines of a text file with their numbers, whatever the encoding and the line ends, streamed."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gxmeter.core.errors import InputError
from gxmeter.telemetry.text.opening import chunks, head

REPLACED = "\N{REPLACEMENT CHARACTER}"
"""Stands in a line for bytes that the encoding does not know."""

MAX_LINE = 1 << 24
"""Longest line that is read [characters]: beyond it the file is no text of lines."""

BLOCK = 1 << 22
"""Characters of a block, about [characters]."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Line(NamedTuple):
    """A line without its end; ``row`` from 1. ``torn``: the file ends in it, without a line end."""

    row: int
    text: str
    torn: bool = False


class Block(NamedTuple):
    """Some lines, each ended by a line feed; ``row`` is the number of the first.

    ``torn``: it is the last line of the file, alone and without an end.
    """

    row: int
    text: str
    torn: bool = False


def encoding_of(path: Path, declared: str = "") -> str:
    """The encoding of a text file: declared, by its byte order mark, UTF-8 where that fits, else CP932.

    Raises:
        InputError: ``encoding-unknown``: Python knows no encoding of the declared name.
    """
    if declared:
        try:
            b"a".decode(declared, "replace")  # Some names that Python knows stand for no encoding of text.
            name = codecs.lookup(declared).name
        except (LookupError, ValueError):
            raise InputError("encoding-unknown", file=path.name, found=declared) from None
        return "utf-8-sig" if name == "utf-8" else name
    first = head(path)
    for mark, name in _BOMS:
        if first.startswith(mark):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)
    except UnicodeDecodeError:
        return "cp932"
    return "utf-8"


def blocks(path: Path, encoding: str = "") -> Iterator[Block]:
    """The lines of a file, many at a time.

    Bytes that the encoding does not know become :data:`REPLACED`; the reader names such lines.

    Args:
        path: the file, plain or compressed.
        encoding: as declared; empty: told from the bytes.

    Raises:
        InputError: ``encoding-unknown``; ``line-too-long``; ``source-torn`` after the last whole line.
        OSError: the file cannot be read.
    """
    decoder = codecs.getincrementaldecoder(encoding_of(path, encoding))(errors="replace")
    rest, row = "", 1
    torn: InputError | None = None
    pieces = chunks(path)
    while True:
        try:
            piece = next(pieces, None)
        except InputError as error:
            torn, piece = error, None
        rest += decoder.decode(piece or b"", final=piece is None)
        if len(rest) < BLOCK and piece is not None:
            continue
        whole, rest = _whole(rest, last=piece is None)
        if whole:
            yield Block(row, whole)
            row += whole.count("\n")
        if piece is None:
            break
        if len(rest) > MAX_LINE:
            raise InputError("line-too-long", file=path.name, row=row)
    if rest:
        yield Block(row, rest, torn=True)
    if torn:
        raise torn


def lines(path: Path, encoding: str = "") -> Iterator[Line]:
    """The lines of a file one by one; see :func:`blocks`."""
    for block in blocks(path, encoding):
        if block.torn:
            yield Line(block.row, block.text, torn=True)
        else:
            for number, text in enumerate(block.text[:-1].split("\n"), block.row):
                yield Line(number, text)


def _whole(text: str, *, last: bool) -> tuple[str, str]:
    """The lines that are whole, their ends (LF, CRLF or CR) made LF, and what is left."""
    held = ""
    if text.endswith("\r") and not last:
        text, held = text[:-1], "\r"  # It may be half of a CRLF.
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    end = text.rfind("\n") + 1
    return text[:end], text[end:] + held
