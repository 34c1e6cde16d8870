"""Identifiers: one alphabet for runs, sites, contracts, lines and evidence."""

from __future__ import annotations

import re

ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}"
"""ASCII letters, digits, dot, underscore and hyphen; first a letter or digit; at most 80 characters."""

_ID = re.compile(ID_PATTERN)


def is_id(text: str) -> bool:
    """Whether a text may stand as an identifier (and so as a file name) everywhere.

    >>> is_id("tokyo-dc1"), is_id("../x"), is_id("")
    (True, False, False)
    """
    return bool(_ID.fullmatch(text)) and ".." not in text
