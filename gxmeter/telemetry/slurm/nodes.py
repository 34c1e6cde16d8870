"""Names of nodes from SLURM's short form, ``gpu[001-003,7],login1``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

MAX_NODES = 100_000
"""More nodes than any job has [nodes]: a list that gives more is none."""

_NONE = frozenset({"", "none", "none assigned", "(null)", "n/a", "unknown"})
_RANGE = re.compile(r"(\d{1,12})(?:-(\d{1,12}))?", re.ASCII)


@lru_cache(maxsize=4096)
def nodes_of(text: str) -> tuple[str, ...]:
    """The names in the order of the list, each once; empty where there are none or the list cannot be read.

    >>> nodes_of("gpu[08-10],login1"), nodes_of("r[1-2]n[01,03]"), nodes_of("None assigned")
    (('gpu08', 'gpu09', 'gpu10', 'login1'), ('r1n01', 'r1n03', 'r2n01', 'r2n03'), ())
    """
    if text.strip().lower() in _NONE:
        return ()
    found: dict[str, None] = {}
    for item in _items(text.strip()):
        names = _expanded(item)
        if names is None or len(found) + len(names) > MAX_NODES:
            return ()
        found |= dict.fromkeys(names)
    return tuple(found)


def _items(text: str) -> Iterator[str]:
    """The parts between commas that stand outside brackets."""
    yield from re.split(r",(?![^\[\]]*\])", text)


def _expanded(item: str) -> list[str] | None:
    """The names that one part stands for, None where it is no name."""
    names = [""]
    for piece in re.findall(r"\[[^\[\]]*\]|[^\[\]]+|[\[\]]", item):
        if piece in {"[", "]"}:
            return None
        ends = _numbers(piece[1:-1]) if piece.startswith("[") else [piece]
        if ends is None or len(names) * len(ends) > MAX_NODES:
            return None
        names = [name + end for name in names for end in ends]
    return names if item and names != [""] else None


def _numbers(text: str) -> list[str] | None:
    """``001-003,7`` as numbers with their leading zeros."""
    found: list[str] = []
    for part in text.split(","):
        bounds = _RANGE.fullmatch(part.strip())
        if bounds is None:
            return None
        first, last = bounds[1], bounds[2] or bounds[1]
        if int(last) - int(first) >= MAX_NODES:
            return None
        found += [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    return found
