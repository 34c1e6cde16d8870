"""CSV by the file rules of package.md: UTF-8, LF, RFC 4180 quoting only where needed, one exact form.

Writing and reading are inverse: a file that :func:`read_csv` accepts is byte-equal to what
:func:`write_csv` makes of its rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gxmeter.core.errors import InputError

_MAX_LINE = 1_000_000


def quote(cell: str) -> str:
    """A cell as written: quoted only if it holds a comma or a double quote.

    >>> quote("a,b")
    '"a,b"'
    """
    return '"' + cell.replace('"', '""') + '"' if "," in cell or '"' in cell else cell


def write_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Header and rows as bytes; every line ends with LF."""
    lines = [",".join(header)]
    lines += [",".join(map(quote, row)) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def read_csv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """(line number from 1, cells) of every line, the header included.

    Raises:
        InputError: ``text-malformed`` for a BOM, CR, NUL, invalid UTF-8, a missing last line end, a blank line
            or quoting that is not exactly as :func:`quote` writes it.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        raise InputError("text-malformed", found="BOM")
    if b"\r" in data or b"\0" in data:
        raise InputError("text-malformed", found="CR / NUL")
    if not data.endswith(b"\n"):
        raise InputError("text-malformed", found="no line end at the end")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("text-malformed", found="not UTF-8") from None
    for number, line in enumerate(text[:-1].split("\n"), 1):
        if not line or len(line) > _MAX_LINE:
            raise InputError("text-malformed", row=number, found="blank or too long line")
        yield number, _split(line, number) if '"' in line else line.split(",")


def _split(line: str, number: int) -> list[str]:
    cells: list[str] = []
    position, end = 0, len(line)
    while True:
        if position < end and line[position] == '"':
            cell, position = _quoted(line, position + 1, number)
        else:
            stop = line.find(",", position)
            stop = end if stop < 0 else stop
            cell, position = line[position:stop], stop
            if '"' in cell:
                raise InputError("text-malformed", row=number, found="bare quote")
        cells.append(cell)
        if position == end:
            return cells
        if line[position] != ",":
            raise InputError("text-malformed", row=number, found="text after a quoted cell")
        position += 1


def _quoted(line: str, position: int, number: int) -> tuple[str, int]:
    parts: list[str] = []
    while True:
        stop = line.find('"', position)
        if stop < 0:
            raise InputError("text-malformed", row=number, found="quote not closed")
        parts.append(line[position:stop])
        if line[stop + 1 : stop + 2] != '"':
            cell = "".join(parts)
            if quote(cell) == cell:
                raise InputError("text-malformed", row=number, found="needless quotes")
            return cell, stop + 1
        parts.append('"')
        position = stop + 2
