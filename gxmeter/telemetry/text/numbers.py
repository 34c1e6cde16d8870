"""Numbers as people and instruments write them, to integers without a float in between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from unicodedata import normalize

import numpy as np

from gxmeter.telemetry.model import Int64

MISSING = frozenset(
    {"", "-", "--", "n/a", "[n/a]", "na", "nan", "null", "none", "[not supported]", "not supported", "unknown",
     "[unknown error]", "err", "error", "#n/a", "unknown error", "欠測", "－"}
)  # fmt: skip
"""Cells that say that nothing was measured (small letters)."""

MAX_INTEGER = 2**62
"""Greatest magnitude that is handed on: sums of two still fit int64."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_UNIT = re.compile(r"\s*(mW|W|kW|MW|mJ|J|kJ|MJ|Wh|kWh|MWh|GWh|C|%|MiB|MHz)$")


@dataclass(frozen=True, slots=True)
class Scaled:
    """Integers from texts: ``values[i]`` counts only where ``good[i]``; elsewhere ``missing[i]`` or it is no number."""

    values: Int64
    good: np.typing.NDArray[np.bool_]
    missing: np.typing.NDArray[np.bool_]


def scaled(texts: Sequence[str], multiplier: Fraction | int, *, decimal: str = "") -> Scaled:
    """Multiply numbers written as text, exactly, and round half-even to an integer.

    Args:
        texts: the cells; a unit behind the number is passed over.
        multiplier: from the unit of the text to the unit wanted, e.g. 1000 for W to mW.
        decimal: the decimal mark, ``.`` or ``,``; empty: told cell by cell where it is clear (:func:`number`).
    """
    cache: dict[str, int | None] = {}
    values = np.zeros(len(texts), np.int64)
    good = np.zeros(len(texts), np.bool_)
    missing = np.zeros(len(texts), np.bool_)
    for i, text in enumerate(texts):
        if text in cache:
            value = cache[text]
        else:
            exact = number(text, decimal=decimal)
            value = None if exact is None else round(Fraction(exact) * multiplier)
            cache[text] = value if value is None or abs(value) <= MAX_INTEGER else None
            value = cache[text]
        if value is None:
            missing[i] = is_missing(text)
        else:
            values[i], good[i] = value, True
    return Scaled(values, good, missing)


def is_missing(text: str) -> bool:
    """Whether a cell says that nothing was measured."""
    return text.strip().lower() in MISSING


def number(text: str, *, decimal: str = "") -> Decimal | None:
    """The number that a cell holds, or None.

    Full-width digits are digits; blanks, apostrophes and underscores group thousands. Of ``,`` and ``.`` the last one
    is the decimal mark where both stand; a single ``,`` is one unless exactly three digits follow it: then it is taken
    to group thousands, as only a declared ``decimal`` could tell.

    >>> [str(number(t)) for t in ("1,234.5", "1.234,5", "12,5", "1,234", "４１２．５ W", "N/A")]
    ['1234.5', '1234.5', '12.5', '1234', '412.5', 'None']
    """
    if is_missing(text):
        return None
    plain = _UNIT.sub("", normalize("NFKC", text).strip())
    plain = re.sub(r"[\s'_\u2019]", "", plain).replace("\N{MINUS SIGN}", "-")
    plain = _with_point(plain, decimal)
    return Decimal(plain) if _NUMBER.fullmatch(plain) else None


def _with_point(text: str, decimal: str) -> str:
    """The text with ``.`` as its decimal mark and no groups."""
    if decimal:
        return text.replace("." if decimal == "," else ",", "").replace(decimal, ".")
    if "," in text and "." in text:
        mark = max(",.", key=text.rfind)
        return _with_point(text, mark)
    if text.count(",") == 1 and not re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", text):
        return text.replace(",", ".")
    return text.replace(",", "")
