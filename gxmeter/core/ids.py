"""Identifiers: one alphabet for runs, sites, contracts, lines and evidence."""

from __future__ import annotations

import re

ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"
"""ASCII letters, digits, dot, underscore and hyphen; first a letter or digit; at most 80 characters."""

IDLE_RUN = "idle"
"""The run id that is none: energy of a device outside any run (ADR 0016). No declared run may bear it."""

_ID = re.compile(ID_PATTERN)


def is_id(text: str) -> bool:
    """Whether a text may stand as an identifier (and so as a file name) everywhere.

    >>> is_id("tokyo-dc1"), is_id("../x"), is_id("")
    (True, False, False)
    """
    return bool(_ID.fullmatch(text)) and ".." not in text


def is_idle(run: str) -> bool:
    """Whether a record belongs to no run: it names none, or the one that stands for none.

    >>> is_idle(""), is_idle("idle"), is_idle("pretrain-1")
    (True, True, False)
    """
    return run in {"", IDLE_RUN}
