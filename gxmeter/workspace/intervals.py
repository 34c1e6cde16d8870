"""Overlaps of half-open intervals in time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Span(NamedTuple):
    """[``start_ms``, ``end_ms``) in Unix milliseconds."""

    start_ms: int
    end_ms: int


def overlaps(items: Iterable[tuple[Span, T]]) -> list[tuple[T, T]]:
    """Pairs (earlier, later) that share time; each later one is told once, against the one that reaches furthest.

    >>> overlaps([(Span(0, 5), "a"), (Span(4, 9), "b"), (Span(9, 12), "c")])
    [('a', 'b')]
    """
    pairs: list[tuple[T, T]] = []
    furthest: tuple[Span, T] | None = None
    for span, item in sorted(items, key=lambda pair: pair[0]):
        if furthest is not None and span.start_ms < furthest[0].end_ms:
            pairs.append((furthest[1], item))
        if furthest is None or span.end_ms > furthest[0].end_ms:
            furthest = (span, item)
    return pairs
