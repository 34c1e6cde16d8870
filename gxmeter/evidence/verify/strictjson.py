"""JSON by the file rules of package.md: no duplicate keys, no floats, bounded depth and size."""

from __future__ import annotations

import json
from typing import Any

from gxmeter.core.errors import InputError

MAX_BYTES = 200_000_000
MAX_DEPTH = 40
_MAX_DIGITS = 30
_QUOTE, _BACKSLASH = 0x22, 0x5C


def strict_json(data: bytes, file: str, row: int | None = None) -> Any:  # noqa: ANN401 - any JSON value
    """Parse a JSON document.

    Raises:
        InputError: ``json-malformed`` with what was wrong.
    """
    if len(data) > MAX_BYTES or data.startswith(b"\xef\xbb\xbf") or _depth(data) > MAX_DEPTH:
        raise InputError("json-malformed", file=file, row=row, found="size, BOM or depth")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_refuse,
            parse_constant=_refuse,
            parse_int=_integer,
        )
    except (ValueError, RecursionError) as error:
        raise InputError("json-malformed", file=file, row=row, found=str(error)) from error


def _depth(data: bytes) -> int:
    depth = deepest = 0
    in_text = escaped = False
    for byte in data:
        if in_text:
            in_text = escaped or byte != _QUOTE
            escaped = not escaped and byte == _BACKSLASH
        elif byte == _QUOTE:
            in_text = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(text: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(f"number {text[:20]} is no integer; decimals are strings")


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError("integer too long; big integers are strings")
    return int(text)
