"""A certificate or credit is used once, whatever it is called."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.intervals import Span, overlaps
from gxmeter.workspace.loaded import Document, Workspace
from gxmeter.workspace.models import Instrument

CODES = ("serials-twice",)

_TAIL = re.compile(r"(.*?)([0-9]+)", re.DOTALL)
"""What stands before a serial's last digits, and those digits."""


class _Serials(NamedTuple):
    """The serials of one instrument, both ends included; ``prefix`` is None where they do not count by number.

    ``first`` and ``last`` are texts without regard to case and width; ``low`` and ``high`` are the numbers at the
    ends of serials that share all that stands before them.
    """

    document: Document[Instrument]
    first: str
    last: str
    prefix: str | None
    low: int
    high: int


def check(workspace: Workspace) -> list[Finding]:
    """Instruments whose serials share at least one: the same paper would count twice, also as another kind."""
    every = [_serials(document) for document in workspace.instrument_documents]
    return [_twice(earlier.document, later.document) for earlier, later in (*_by_number(every), *_by_text(every))]


def _serials(document: Document[Instrument]) -> _Serials:
    first, last = sorted(_plain(text) for text in (document.model.serial_first, document.model.serial_last))
    ends = [_TAIL.fullmatch(text) for text in (first, last)]
    if ends[0] and ends[1] and ends[0][1] == ends[1][1]:
        low, high = sorted(int(end[2]) for end in ends if end)
        return _Serials(document, first, last, ends[0][1], low, high)
    return _Serials(document, first, last, None, 0, 0)


def _plain(serial: str) -> str:
    return unicodedata.normalize("NFKC", serial).casefold()


def _by_number(every: list[_Serials]) -> Iterator[tuple[_Serials, _Serials]]:
    """Pairs that share numbers after one prefix; leading zeros do not matter."""
    ranges: dict[str, list[tuple[Span, _Serials]]] = defaultdict(list)
    for item in every:
        if item.prefix is not None:
            ranges[item.prefix].append((Span(item.low, item.high + 1), item))
    for prefix in sorted(ranges):
        yield from overlaps(ranges[prefix])


def _by_text(every: list[_Serials]) -> Iterator[tuple[_Serials, _Serials]]:
    """Pairs of which at least one cannot be counted, compared as texts."""
    for earlier, later in combinations(every, 2):
        countable = earlier.prefix is not None and later.prefix is not None
        if not countable and earlier.first <= later.last and later.first <= earlier.last:
            yield earlier, later


def _twice(earlier: Document[Instrument], later: Document[Instrument]) -> Finding:
    place = later.place("serial_first")
    model = later.model
    shown = f"{model.serial_first} - {model.serial_last}"
    return finding("serials-twice", file=place.file, row=place.row, found=shown, other=earlier.file)
