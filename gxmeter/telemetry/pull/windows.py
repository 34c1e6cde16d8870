"""Times that are still to be fetched, in pieces that a server can answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Window(NamedTuple):
    """[``from_ms``, ``to_ms``) [Unix ms]."""

    from_ms: int
    to_ms: int

    @property
    def length_ms(self) -> int:
        """How long it is [ms]."""
        return self.to_ms - self.from_ms


def missing(wanted: Window, covered: Iterable[Window]) -> Iterator[Window]:
    """What of a time is not covered.

    >>> list(missing(Window(0, 10), [Window(2, 4), Window(3, 6), Window(9, 12)]))
    [Window(from_ms=0, to_ms=2), Window(from_ms=6, to_ms=9)]
    """
    at = wanted.from_ms
    for one in sorted(covered):
        if one.from_ms >= wanted.to_ms:
            break
        if one.from_ms > at:
            yield Window(at, one.from_ms)
        at = max(at, one.to_ms)
    if at < wanted.to_ms:
        yield Window(at, wanted.to_ms)


def pieces(whole: Window, length_ms: int) -> Iterator[Window]:
    """A time in pieces that end at multiples of a length.

    >>> list(pieces(Window(5, 25), 10))
    [Window(from_ms=5, to_ms=10), Window(from_ms=10, to_ms=20), Window(from_ms=20, to_ms=25)]
    """
    at = whole.from_ms
    while at < whole.to_ms:
        end = min((at // length_ms + 1) * length_ms, whole.to_ms)
        yield Window(at, end)
        at = end


def halves(window: Window, grain_ms: int) -> tuple[Window, Window] | None:
    """A time in two, cut at a multiple of a grain from its start; None where it is too short.

    >>> halves(Window(0, 30), 10), halves(Window(0, 10), 10)
    ((Window(from_ms=0, to_ms=10), Window(from_ms=10, to_ms=30)), None)
    """
    middle = window.from_ms + window.length_ms // 2 // grain_ms * grain_ms
    if not window.from_ms < middle < window.to_ms:
        return None
    return Window(window.from_ms, middle), Window(middle, window.to_ms)
