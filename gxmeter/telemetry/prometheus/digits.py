"""Columns of plain decimal numbers to integers, all at once: for speed alone.

What this cannot read exactly, :func:`gxmeter.telemetry.text.numbers.scaled` reads one by one, with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gxmeter.telemetry.model import Int64
from gxmeter.telemetry.text.numbers import MAX_INTEGER, scaled

Mask = npt.NDArray[np.bool_]

_PLACES = (0, 3, 6)
"""Decimals that a column is tried with: counts, milliseconds and milliwatts, and what has been computed with."""
_DIGITS = 38


class Integers(NamedTuple):
    """Integers from texts: ``values[i]`` counts only where ``good[i]``; elsewhere ``missing[i]`` or it is no number."""

    values: Int64
    good: Mask
    missing: Mask


def integers(texts: Sequence[str], multiplier: Fraction) -> Integers:
    """Multiply numbers written as text, exactly, and round half-even to an integer.

    Args:
        texts: numbers with a decimal point, also with an exponent, or what is no number.
        multiplier: from the unit of the text to the unit wanted.
    """
    values = _quick(texts, multiplier)
    if values is None:
        found = scaled(texts, multiplier, decimal=".")
        return Integers(found.values, found.good, found.missing)
    return Integers(values, np.ones(len(texts), np.bool_), np.zeros(len(texts), np.bool_))


def _quick(texts: Sequence[str], multiplier: Fraction) -> Int64 | None:
    """The integers; None where a text is no plain number, has many decimals, or is large."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded when a file is read

    column = pa.array(texts, pa.string())
    for places in _PLACES:
        try:
            found = column.cast(pa.decimal128(_DIGITS, places))
        except pa.ArrowInvalid:
            continue
        words = np.frombuffer(found.buffers()[1], np.int64).reshape(-1, 2)[: len(texts)]
        low, high = words[:, 0], words[:, 1]
        factor = multiplier / 10**places
        most = int(np.abs(low).max(initial=0))
        if (high != low >> 63).any() or not 0 <= most * factor.numerator <= MAX_INTEGER:
            return None
        return _divided(low * factor.numerator, factor.denominator)
    return None


def _divided(values: Int64, divisor: int) -> Int64:
    """Quotients, halves to the even neighbour."""
    whole, rest = np.divmod(values, divisor)
    up = (2 * rest > divisor) | ((2 * rest == divisor) & (whole % 2 == 1))
    return np.asarray(whole + up)
