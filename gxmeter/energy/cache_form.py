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
from typing import Any, TypeVar, cast

import numpy as np

from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import Int64

T = TypeVar("T")

_INT_BYTES = 8

_Read = Callable[[Any, list[Int64]], Any]
"""Makes a value from its JSON and the columns."""


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
        made: T = _reader(cast("Any", kind))(body, columns)
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


@cache
def _reader(kind: Any) -> _Read:  # noqa: ANN401 - types come from annotations
    """What makes values of a type from JSON; made once for each type, because an entry holds thousands of values."""
    origin = typing.get_origin(kind)
    if origin is not None and origin is not np.ndarray:
        return _of_several(origin, typing.get_args(kind))
    if origin is np.ndarray:
        return lambda body, columns: columns[body]
    if kind is Finding:
        return _finding
    if kind in {int, str, bool}:
        return lambda body, _: _plain(body, kind)
    return _fields(kind, [_reader(hint) for hint in _hints(kind)])


def _of_several(origin: Any, inner: tuple[Any, ...]) -> _Read:  # noqa: ANN401 - see _reader
    """Of a value that may be missing, and of containers."""
    if origin in {types.UnionType, typing.Union}:
        (some,) = (_reader(one) for one in inner if one is not types.NoneType)
        return lambda body, columns: None if body is None else some(body, columns)
    if origin in _MAPPINGS:
        return _mapping(_MAPPINGS[origin], _reader(inner[0]), _reader((*inner, int)[1]))
    if inner[1:] in {(), (Ellipsis,)}:
        return _sequence(_SEQUENCES[origin], _reader(inner[0]))
    return _fields(lambda *values: values, [_reader(one) for one in inner])


def _hints(kind: type) -> Iterable[Any]:
    """The annotated types of a dataclass's or named tuple's fields, in order."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else kind._fields  # type: ignore[attr-defined]
    return (hints[name] for name in names)


def _plain(body: Any, kind: type) -> Any:  # noqa: ANN401 - see _reader
    if type(body) is not kind:
        raise ValueError(f"{body!r} is no {kind.__name__}")
    return body


def _finding(body: Any, _: list[Int64]) -> Finding:  # noqa: ANN401 - see _reader
    code, file, row, expected, found, params = body
    return finding(code, file=file, row=row, expected=expected, found=found, **dict(params))


def _sequence(make: Callable[[list[Any]], Any], item: _Read) -> _Read:
    def read(body: Any, columns: list[Int64]) -> Any:  # noqa: ANN401 - see _reader
        return make([item(one, columns) for one in _plain(body, list)])

    return read


def _mapping(make: Callable[[dict[Any, Any]], Any], key: _Read, item: _Read) -> _Read:
    def read(body: Any, columns: list[Int64]) -> Any:  # noqa: ANN401 - see _reader
        return make({key(k, columns): item(v, columns) for k, v in _plain(body, list)})

    return read


def _fields(make: Callable[..., Any], readers: list[_Read]) -> _Read:
    def read(body: Any, columns: list[Int64]) -> Any:  # noqa: ANN401 - see _reader
        values = zip(readers, _plain(body, list), strict=True)
        return make(*[reader(one, columns) for reader, one in values])

    return read


_SEQUENCES: dict[Any, Callable[[list[Any]], Any]] = {tuple: tuple, list: list, set: set, frozenset: frozenset}
_MAPPINGS: dict[Any, Callable[[dict[Any, Any]], Any]] = {dict: dict, Mapping: dict, Counter: Counter}
