"""Exact decimal arithmetic and the named rounding rules.

Every number from the lines on is a :class:`decimal.Decimal`, computed in :data:`EXACT`: 50 digits,
and *inexact results raise* instead of being rounded in silence. Where a result must be rounded
(J to kWh, a quotient, a printed figure) the code calls :func:`rounded` or :func:`divided` with a
rule that has a name; the name is written beside the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from enum import StrEnum
from fractions import Fraction
from functools import reduce

from gxmeter.core.errors import InputError

PRECISION = 50
"""Significant digits of every decimal operation [digits]; the same in both verifiers."""

EXACT = Context(
    prec=PRECISION,
    rounding=ROUND_HALF_EVEN,
    traps=[InvalidOperation, DivisionByZero, Overflow, Inexact],
)
"""Context for sums and products: a result that does not fit 50 digits is an error, never a guess."""

_PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_MAX_TEXT = 60


class Rounding(StrEnum):
    """A rounding rule that is printed beside the figure it was applied to."""

    HALF_EVEN = "half-even"
    HALF_UP = "half-up"
    TRUNCATE = "truncate"


_MODES = {
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.TRUNCATE: ROUND_DOWN,
}


def parse_decimal(text: str) -> Decimal:
    """Read a plain decimal text as written in every file: no exponent, no thousands mark, no NaN.

    Args:
        text: e.g. ``"0.000423"`` or ``"-12"``; at most 60 characters.

    Raises:
        InputError: ``number-not-plain``.

    >>> parse_decimal("0.000423")
    Decimal('0.000423')
    """
    if len(text) > _MAX_TEXT or not _PLAIN.fullmatch(text):
        raise InputError("number-not-plain", found=text[:_MAX_TEXT])
    return Decimal(text)


def plain(value: Decimal) -> str:
    """Write a decimal as plain text, without exponent, trailing zeros or a negative zero.

    >>> plain(Decimal("1E+3")), plain(Decimal("0.500")), plain(Decimal("-0.0"))
    ('1000', '0.5', '0')
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def fixed(value: Decimal, decimals: int) -> str:
    """Write a decimal with a fixed number of decimals; the value must already be rounded to it.

    >>> fixed(Decimal("1.5"), 3)
    '1.500'
    """
    text = format(EXACT.quantize(value, Decimal(1).scaleb(-decimals)), "f")
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def rounded(value: Decimal, decimals: int, rule: Rounding) -> Decimal:
    """Round once to ``decimals`` places by a named rule.

    >>> rounded(Decimal("2.5"), 0, Rounding.HALF_EVEN), rounded(Decimal("2.5"), 0, Rounding.HALF_UP)
    (Decimal('2'), Decimal('3'))
    """
    with localcontext(EXACT) as ctx:
        ctx.traps[Inexact] = False
        return value.quantize(Decimal(1).scaleb(-decimals), rounding=_MODES[rule])


def divided(numerator: Decimal, denominator: Decimal, decimals: int, rule: Rounding) -> Decimal:
    """Return ``numerator / denominator`` rounded once, exactly, to ``decimals`` places by a named rule.

    The quotient is formed in integers, so no double rounding can happen.

    >>> divided(Decimal(1), Decimal(3), 12, Rounding.HALF_EVEN)
    Decimal('0.333333333333')
    """
    if denominator == 0:
        raise InputError("division-by-zero", found=plain(numerator))
    return nearest(Fraction(numerator) / Fraction(denominator), decimals, rule)


def nearest(exact: Fraction, decimals: int, rule: Rounding) -> Decimal:
    """The decimal with ``decimals`` places that a named rule gives for an exact ratio; rounded once, in integers.

    >>> nearest(Fraction(5, 18), 4, Rounding.HALF_EVEN)
    Decimal('0.2778')
    """
    bottom = exact.denominator
    whole, rest = divmod(abs(exact.numerator) * 10**decimals, bottom)
    up = rule is Rounding.HALF_UP and 2 * rest >= bottom
    up = up or (rule is Rounding.HALF_EVEN and (2 * rest > bottom or (2 * rest == bottom and whole % 2 == 1)))
    whole += up
    return Decimal((int(exact < 0 and whole != 0), tuple(int(c) for c in str(whole)), -decimals))


def product(*values: Decimal) -> Decimal:
    """Multiply exactly.

    Raises:
        decimal.Inexact: when the product needs more than 50 digits.
    """
    return reduce(EXACT.multiply, values, Decimal(1))


def total(values: Iterable[Decimal]) -> Decimal:
    """Add exactly; the empty sum is 0.

    Raises:
        decimal.Inexact: when the sum needs more than 50 digits.
    """
    return reduce(EXACT.add, values, Decimal(0))
