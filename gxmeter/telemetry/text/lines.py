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


def encoding_of(path: Path, declared: str = "") -> str:
    """The encoding of a text file: declared, by its byte order mark, UTF-8 where that fits, else CP932.

    Raises:
        InputError: ``encoding-unknown``: Python knows no encoding of the declared name.
    """
    if declared:
        try:
            name = codecs.lookup(declared).name
        except LookupError:
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


def lines(path: Path, encoding: str = "") -> Iterator[Line]:
    """The lines of a file.

    Bytes that the encoding does not know become :data:`REPLACED`; the reader names such lines.

    Args:
        path: the file, plain or compressed.
        encoding: as declared; empty: told from the bytes.

    Raises:
        InputError: ``encoding-unknown``; ``line-too-long``; ``source-torn`` after the last whole line.
        OSError: the file cannot be read.
    """
    decoder = codecs.getincrementaldecoder(encoding_of(path, encoding))(errors="replace")
    rest, row = "", 0
    torn: InputError | None = None
    pieces = chunks(path)
    while True:
        try:
            chunk = next(pieces, None)
        except InputError as error:
            torn, chunk = error, None
        text = rest + decoder.decode(chunk or b"", final=chunk is None)
        *whole, rest = _split(text, last=chunk is None)
        for line in whole:
            row += 1
            yield Line(row, line)
        if chunk is None:
            break
        if len(rest) > MAX_LINE:
            raise InputError("line-too-long", file=path.name, row=row + 1)
    if rest:
        yield Line(row + 1, rest, torn=True)
    if torn:
        raise torn


def _split(text: str, *, last: bool) -> list[str]:
    """Lines ended by LF, CRLF or CR, then the rest; a CR at the very end may still be half of a CRLF."""
    held = ""
    if text.endswith("\r") and not last:
        text, held = text[:-1], "\r"
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    parts = text.split("\n")
    parts[-1] += held
    return parts
