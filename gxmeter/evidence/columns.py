"""Columns of a package table, derived from its row class: names, types, texts in and out.

The five types and their file form are those of package.md, "File rules".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from gxmeter.core.calendar import instant, parse_instant
from gxmeter.core.errors import InputError
from gxmeter.core.ids import is_id
from gxmeter.core.numbers import parse_decimal, plain
from gxmeter.ledger.tables import Instant, Printed

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,59})")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_UNWRITABLE = re.compile("[\0\n\r\v\f\x1c-\x1e\x85\u2028\u2029\ud800-\udfff]")
"""NUL, everything that some reader takes for a line end, and lone surrogates, which have no UTF-8 form."""

_FIGURE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
"""A figure id is a name and, after dots, what it is broken down by: ids in it make it longer than an id."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``kind``: text, integer, decimal, printed, instant or boolean; ``optional`` allows an empty cell."""

    name: str
    kind: str
    optional: bool


@cache
def columns_of(row_type: type, optional_texts: frozenset[str] = frozenset()) -> tuple[Column, ...]:
    """The columns of a row class, in file order; texts in ``optional_texts`` may be empty."""
    hints = get_type_hints(row_type)
    return tuple(_column(f.name, hints[f.name], f.name in optional_texts) for f in fields(row_type))


def _column(name: str, hint: Any, may_be_empty: bool) -> Column:  # noqa: ANN401, FBT001 - a type form
    optional = may_be_empty
    if isinstance(hint, UnionType) or get_origin(hint) is not None:
        members = [member for member in get_args(hint) if member is not NoneType]
        optional, hint = True, members[0]
    kinds = {str: "text", int: "integer", Decimal: "decimal", bool: "boolean", Instant: "instant", Printed: "printed"}
    return Column(name, kinds[hint], optional)


def write_cell(column: Column, value: Any) -> str:  # noqa: ANN401 - typed by the column
    """A value as cell text.

    Raises:
        InputError: ``cell-not-writable``: a text that a spreadsheet would run, or one with a line end.
    """
    if value is None:
        return ""
    if column.kind == "text":
        return _safe(column, str(value))
    if column.kind == "decimal":
        return plain(value)
    if column.kind == "instant":
        return instant(value)
    if column.kind == "boolean":
        return "true" if value else "false"
    return str(value)


def _safe(column: Column, text: str) -> str:
    if text.startswith(_FORMULA_STARTS) or _UNWRITABLE.search(text):
        raise InputError("cell-not-writable", column=column.name, found=text)
    return text


def read_cell(column: Column, text: str) -> Any:  # noqa: ANN401 - typed by the column
    """A cell text as value.

    Raises:
        InputError: the text is not of the column's type, or empty where it must not be.
    """
    if text == "":
        if not column.optional:
            raise InputError("cell-empty", column=column.name)
        return "" if column.kind == "text" else None
    return _READERS[column.kind](column, text)


def _read_text(column: Column, text: str) -> str:
    if column.name == "figure_id":
        well_formed = bool(_FIGURE_ID.fullmatch(text)) and ".." not in text
    elif column.name == "evidence_id":
        well_formed = all(map(is_id, text.split("|")))
    else:
        well_formed = not column.name.endswith("_id") or is_id(text)
    if not well_formed:
        raise InputError("id-malformed", column=column.name, found=text)
    return _safe(column, text)


def _read_decimal(column: Column, text: str) -> Decimal:
    value = parse_decimal(text)
    if plain(value) != text:
        raise InputError("number-not-shortest", column=column.name, found=text, expected=plain(value))
    return value


def _read_printed(_column: Column, text: str) -> str:
    parse_decimal(text)
    return text


def _read_integer(column: Column, text: str) -> int:
    if not _INTEGER.fullmatch(text) or text == "-0":
        raise InputError("integer-not-plain", column=column.name, found=text)
    return int(text)


def _read_instant(_column: Column, text: str) -> int:
    ts_ms = parse_instant(text)
    if instant(ts_ms) != text:
        raise InputError("instant-malformed", found=text)
    return ts_ms


def _read_boolean(column: Column, text: str) -> bool:
    if text not in {"true", "false"}:
        raise InputError("boolean-malformed", column=column.name, found=text)
    return text == "true"


_READERS: dict[str, Callable[[Column, str], Any]] = {
    "text": _read_text,
    "decimal": _read_decimal,
    "integer": _read_integer,
    "instant": _read_instant,
    "printed": _read_printed,
    "boolean": _read_boolean,
}


def make_row(row_type: type, columns: Sequence[Column], cells: Sequence[str]) -> Any:  # noqa: ANN401
    """A row object from its cells.

    Raises:
        InputError: the first cell that is not allowed.
    """
    return row_type(*(read_cell(column, cell) for column, cell in zip(columns, cells, strict=True)))
