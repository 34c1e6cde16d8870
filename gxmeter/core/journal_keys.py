"""The keys of one JSON object of a journal line, each typed, bounded and taken once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from gxmeter.core.journal import Facts

MAX_INT = 1 << 60
"""Greatest whole number in a journal; twice that (half-microjoules) still fits a signed 64-bit integer."""

T = TypeVar("T")

MAX_TEXT = 300
"""Longest text [characters]."""

_MAX_LIST = 100_000
_MAX_FACTS = 32


class FieldError(ValueError):
    """A field of a line breaks the format; the text names it."""


def no_float(text: str) -> int:
    """Refuses a number that is no integer."""
    raise FieldError(f"number {text[:20]} is no integer")


def no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuses an object in which a key stands twice."""
    body = dict(pairs)
    if len(body) != len(pairs):
        raise FieldError("a key twice")
    return body


def whole(value: object, key: str, low: int = 0) -> int:
    """The value where it is a whole number from ``low`` to :data:`MAX_INT`; a boolean is none."""
    if type(value) is not int or not low <= value <= MAX_INT:
        raise FieldError(key)
    return value


class Fields:
    """The keys of one JSON object, taken one by one; :meth:`done` refuses what nobody took."""

    def __init__(self, body: dict[str, object]) -> None:
        self._body = dict(body)

    def take(self, key: str) -> object:
        """Whatever stands there."""
        if key not in self._body:
            raise FieldError(f"{key} is missing")
        return self._body.pop(key)

    def has(self, key: str) -> bool:
        """Whether the key is there and not yet taken."""
        return key in self._body

    def done(self) -> None:
        """Refuse keys that nobody took."""
        if self._body:
            raise FieldError(f"unknown key {min(self._body)[:40]}")

    def whole(self, key: str, *, low: int = 0) -> int:
        """A whole number."""
        return whole(self.take(key), key, low)

    def text(self, key: str) -> str:
        """A text of at most 300 characters."""
        value = self.take(key)
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise FieldError(key)
        return value

    def choice(self, key: str, allowed: Iterable[str]) -> str:
        """One of a few texts."""
        value = self.text(key)
        if value not in allowed:
            raise FieldError(key)
        return value

    def pattern(self, key: str, pattern: re.Pattern[str]) -> str:
        """A text of a form."""
        value = self.text(key)
        if not pattern.fullmatch(value):
            raise FieldError(key)
        return value

    def maybe(self, key: str, read: Callable[[str], T]) -> T | None:
        """The field, or None where it is null or absent."""
        if self._body.get(key) is None:
            self._body.pop(key, None)
            return None
        return read(key)

    def items(self, key: str) -> list[object]:
        """A list."""
        value = self.take(key)
        if not isinstance(value, list) or len(value) > _MAX_LIST:
            raise FieldError(key)
        return value

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers."""
        return tuple(whole(item, key) for item in self.items(key))

    def span(self, key: str) -> tuple[int, int]:
        """Two whole numbers."""
        values = self.wholes(key)
        if len(values) != 2:  # noqa: PLR2004 - a span has two ends
            raise FieldError(key)
        return values[0], values[1]

    def facts(self, key: str) -> Facts:
        """A flat object of texts and whole numbers."""
        value = self.take(key)
        if not isinstance(value, dict) or len(value) > _MAX_FACTS:
            raise FieldError(key)
        return tuple((name, _fact(name, item)) for name, item in value.items())

    def objects(self, key: str) -> list[Fields]:
        """A list of objects."""
        return [object_of(item, key) for item in self.items(key)]


def object_of(value: object, key: str) -> Fields:
    """The keys of a value that must be an object."""
    if not isinstance(value, dict):
        raise FieldError(key)
    return Fields(value)


def _fact(name: str, value: object) -> str | int:
    if len(name) > MAX_TEXT or not isinstance(value, str | int):
        raise FieldError(name[:40])
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        return value
    return whole(value, name)
