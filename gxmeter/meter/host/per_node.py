"""Numbers as launchers write them into the environment: whole numbers, and lists with one entry per node."""

from __future__ import annotations

import re

_MAX_DIGITS = 10
_ENTRY = re.compile(r"(\d{1,9})(?:\(x(\d{1,6})\))?")


def whole_number(text: str | None) -> int | None:
    """The number that a text is, from 0; None where it is something else.

    >>> whole_number("16"), whole_number("-1"), whole_number("auto"), whole_number(None)
    (16, None, None, None)
    """
    stripped = (text or "").strip()
    if not (stripped.isascii() and stripped.isdigit() and len(stripped) <= _MAX_DIGITS):
        return None
    return int(stripped)


def of_node(text: str | None, node: int | None) -> int | None:
    """The entry of a node in a list of SLURM such as ``8(x3),4`` (sbatch(1), ``SLURM_JOB_CPUS_PER_NODE``).

    Args:
        text: the list.
        node: place of the node in it, or None where that is not known: then an entry that all nodes have counts.

    >>> of_node("8(x3),4", 3), of_node("8(x3),4", None), of_node("8(x4)", None)
    (4, None, 8)
    """
    runs = [_ENTRY.fullmatch(part.strip()) for part in (text or "").split(",")]
    if not all(runs):
        return None
    entries = [(int(run[1]), int(run[2] or 1)) for run in runs if run]
    if node is None:
        return entries[0][0] if len({number for number, _ in entries}) == 1 else None
    for number, times in entries:
        if node < times:
            return number
        node -= times
    return None
