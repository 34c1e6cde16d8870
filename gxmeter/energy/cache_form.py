"""Results of tasks as bytes and back: JSON for what has names, raw integers for columns, nothing that could run.

The types decide, not the bytes: a value is written and read by the annotations of its class, so a new field travels by
itself, and bytes that do not fit the annotations are refused. Columns stand behind the JSON as little-endian int64.
"""

from __future__ import annotations

import json
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np

from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import Int64

T = TypeVar("T")

_INT_BYTES = 8


def to_bytes(value: object) -> bytes:
    """A value of annotated dataclasses, named tuples and plain containers as bytes."""
    columns: list[Int64] = []
    body = _packed(value, columns)
    head = json.dumps([[len(column) for column in columns], body], ensure_ascii=False, separators=(",", ":")).encode()
    return b"%d\n%s" % (len(head), head) + b"".join(column.astype("<i8").tobytes() for column in columns)


def from_bytes(data: bytes, kind: type[T]) -> T:
    """The value of some bytes.

    Raises:
        ValueError: the bytes hold no value of that kind.
    """
    try:
        size, _, rest = data.partition(b"\n")
        end = int(size)
        lengths, body = json.loads(rest[:end], parse_float=_no_float, parse_constant=_no_float)
        columns = _columns(rest[end:], lengths)
        made: T = _unpacked(body, kind, columns)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"no {kind.__name__}: {error}") from error
    return made


def _no_float(text: str) -> object:
    raise ValueError(f"{text} is no integer")


def _columns(data: bytes, lengths: list[int]) -> list[Int64]:
    if any(length < 0 for length in lengths) or sum(lengths) * _INT_BYTES != len(data):
        raise ValueError("the columns are not as long as they are said to be")
    numbers = np.frombuffer(data, "<i8").astype(np.int64)
    return np.split(numbers, np.cumsum(lengths)[:-1]) if lengths else []


def _packed(value: Any, columns: list[Int64]) -> Any:  # noqa: ANN401 - any value of the types below
    match value:
        case None | bool() | int() | str():
            return value
        case np.ndarray():
            columns.append(value)
            return len(columns) - 1
        case Finding():
            params = [list(pair) for pair in value.params]
            return [value.code, value.file, value.row, value.expected, value.found, params]
    return [_packed(item, columns) for item in _inside(value)]


def _inside(value: Any) -> Iterable[object]:  # noqa: ANN401 - see _packed
    """What a container or an object holds, in a fixed order."""
    match value:
        case Mapping():
            return value.items()
        case frozenset() | set():
            return sorted(value)
        case tuple() | list():
            return value
    if is_dataclass(value):
        return [getattr(value, field.name) for field in fields(value)]
    raise TypeError(f"{type(value).__name__} has no form in the cache")


def _unpacked(body: Any, kind: Any, columns: list[Int64]) -> Any:  # noqa: ANN401 - types come from annotations
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return None if body is None else _unpacked(body, _only(inner), columns)
    if origin in _CONTAINERS:
        return _CONTAINERS[origin](body, inner, columns)
    if origin is np.ndarray:
        return columns[body]
    if kind is Finding:
        code, file, row, expected, found, params = body
        return finding(code, file=file, row=row, expected=expected, found=found, **dict(params))
    if kind in {int, str, bool}:
        if type(body) is not kind:
            raise ValueError(f"{body!r} is no {kind.__name__}")
        return body
    hints = _hints(kind)
    if type(body) is not list or len(body) != len(hints):
        raise ValueError(f"no fields of {kind.__name__}")
    return kind(*(_unpacked(item, hint, columns) for item, hint in zip(body, hints, strict=True)))


@cache
def _hints(kind: type) -> tuple[Any, ...]:
    """The annotated types of a dataclass's or named tuple's fields, in order."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else kind._fields  # type: ignore[attr-defined]
    return tuple(hints[name] for name in names)


def _only(inner: tuple[Any, ...]) -> Any:  # noqa: ANN401 - a type
    """The type of an optional value."""
    (kind,) = (one for one in inner if one is not types.NoneType)
    return kind


def _items(body: Any, kind: Any, columns: list[Int64]) -> list[Any]:  # noqa: ANN401 - see _unpacked
    if type(body) is not list:
        raise ValueError("no list")
    return [_unpacked(item, kind, columns) for item in body]


def _tuple(body: Any, inner: tuple[Any, ...], columns: list[Int64]) -> tuple[Any, ...]:  # noqa: ANN401 - see _unpacked
    if inner[1:] == (Ellipsis,):
        return tuple(_items(body, inner[0], columns))
    return tuple(_unpacked(item, kind, columns) for item, kind in zip(body, inner, strict=True))


def _dict(body: Any, inner: tuple[Any, ...], columns: list[Int64]) -> dict[Any, Any]:  # noqa: ANN401 - see _unpacked
    key, item = inner
    return {_unpacked(k, key, columns): _unpacked(v, item, columns) for k, v in body}


_CONTAINERS: dict[Any, Callable[[Any, tuple[Any, ...], list[Int64]], Any]] = {
    tuple: _tuple,
    list: lambda body, inner, columns: _items(body, inner[0], columns),
    set: lambda body, inner, columns: set(_items(body, inner[0], columns)),
    frozenset: lambda body, inner, columns: frozenset(_items(body, inner[0], columns)),
    dict: _dict,
    Mapping: _dict,
    Counter: lambda body, inner, columns: Counter(_dict(body, (inner[0], int), columns)),
}
