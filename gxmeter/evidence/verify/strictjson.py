"""JSON by the file rules of package.md: no duplicate keys, no floats, bounded depth and size."""

from __future__ import annotations

import json
import re
from typing import Any

from gxmeter.core.errors import InputError

MAX_BYTES = 200_000_000
"""Longest document that is read [bytes]."""

MAX_DEPTH = 40
"""Deepest nesting of arrays and objects."""

MAX_INTEGER = 2**53 - 1
"""Greatest integer of RFC 8785; bigger ones are texts."""

_MAX_DIGITS = 16
_STRING = re.compile(rb'"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z)', re.DOTALL)  # one left open ends with the data
_BRACKET = re.compile(rb"[\[\]{}]")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def strict_json(data: bytes, file: str, row: int | None = None) -> Any:  # noqa: ANN401 - any JSON value
    """Parse a JSON document.

    What comes back can be written as canonical JSON: integers fit, texts hold no lone surrogates.

    Raises:
        InputError: ``json-malformed`` with what was wrong.
    """
    if len(data) > MAX_BYTES or data.startswith(b"\xef\xbb\xbf") or _depth(data) > MAX_DEPTH:
        raise InputError("json-malformed", file=file, row=row, found="size, BOM or depth")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_refuse,
            parse_constant=_refuse,
            parse_int=_integer,
        )
        if _SURROGATE.search(data):
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate has no UTF-8 form
    except (ValueError, RecursionError) as error:
        raise InputError("json-malformed", file=file, row=row, found=str(error)) from error
    return value


def _depth(data: bytes) -> int:
    """Deepest nesting, before parsing: a parser meets its own limit as a crash."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(text: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(f"number {text[:20]} is no integer; decimals are strings")


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS + 1 or abs(int(text)) > MAX_INTEGER:
        raise ValueError("integer too long; big integers are strings")
    return int(text)
