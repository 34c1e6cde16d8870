"""Amounts for the eye: a unit that fits, a few digits, and how wide a text is on a terminal.

Exact figures stand in the record and in ``--json``; what is made here is for people and is rounded once, half-even,
from whole numbers.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from fractions import Fraction

from gxmeter.core.numbers import Rounding, nearest
from gxmeter.meter.totals import UJ_PER_KWH

POWER_UNITS = ((1_000, "W"), (1_000_000, "kW"), (1_000_000_000, "MW"))
"""Sizes in milliwatts."""

ENERGY_UNITS = (
    (1_000_000, "J"),
    (3_600_000_000, "Wh"),
    (UJ_PER_KWH, "kWh"),
    (UJ_PER_KWH * 1_000, "MWh"),
    (UJ_PER_KWH * 1_000_000, "GWh"),
)
"""Sizes in microjoules; joules reach up to one watt-hour."""

MASS_UNITS = ((1, "g"), (1_000, "kg"), (1_000_000, "t"))
"""Sizes in grams."""

_GRAMS_PER_KG = 1_000
_LEAST_GRAMS = Fraction(1, 100)
_LIMIT = 1_000
_JOULES_PER_WH = 3_600
_SECONDS_PER_MINUTE, _SECONDS_PER_HOUR, _SECONDS_PER_DAY = 60, 3_600, 86_400


def power(milliwatts: int) -> str:
    """A power with three digits.

    >>> power(27_812), power(2_680_000), power(999_960)
    ('27.8 W', '2.68 kW', '1.00 kW')
    """
    return scaled(Fraction(milliwatts), POWER_UNITS, 3)


def energy(microjoules: int) -> str:
    """An energy with four digits.

    >>> energy(812_000_000), energy(44_424_000_000), energy(UJ_PER_KWH * 12_345)
    ('812.0 J', '12.34 Wh', '12.34 MWh')
    """
    return scaled(Fraction(microjoules), ENERGY_UNITS, 4)


def emissions(microjoules: int, kg_per_kwh: Decimal) -> str:
    """What an energy emits by a factor [kg-CO2/kWh], with three digits; little is not shown as nothing.

    >>> emissions(UJ_PER_KWH // 100, Decimal("0.423")), emissions(40_000_000, Decimal("0.423"))
    ('4.23 g-CO2', '< 0.01 g-CO2')
    """
    grams = Fraction(microjoules, UJ_PER_KWH) * Fraction(kg_per_kwh) * _GRAMS_PER_KG
    if 0 < grams < _LEAST_GRAMS:
        return "< 0.01 g-CO2"
    return scaled(grams, MASS_UNITS, 3) + "-CO2"


def scaled(amount: Fraction, units: tuple[tuple[int, str], ...], digits: int) -> str:
    """An amount in the largest unit that leaves at least 1 before the point, with so many digits.

    Args:
        amount: in the unit that the sizes are told in; not negative.
        units: (size, name), from the smallest on.
        digits: significant digits; whole parts are never cut.
    """
    text = ""
    for size, name in units:
        value = amount / size
        decimals = max(0, digits - len(str(int(value))))
        shown = nearest(value, decimals, Rounding.HALF_EVEN)
        text = f"{shown:f} {name}"
        if shown < (_JOULES_PER_WH if name == "J" else _LIMIT):
            break
    return text


def percent(part: int, whole: int) -> str:
    """A share in whole percent; what is neither nothing nor all is never shown as 0 or 100.

    >>> percent(1, 1000), percent(999, 1000), percent(2, 3), percent(0, 5), percent(5, 5)
    ('<1', '>99', '67', '0', '100')
    """
    if part in {0, whole} or part > whole:
        return str(nearest(Fraction(100 * part, whole), 0, Rounding.HALF_EVEN))
    if part * 100 < whole:
        return "<1"
    return ">99" if part * 100 > whole * 99 else str(nearest(Fraction(100 * part, whole), 0, Rounding.HALF_EVEN))


def duration(nanoseconds: int, *, ja: bool = False) -> str:
    """A time as hours, minutes and seconds, and days where there are some.

    >>> duration(83_400_000_000), duration(90_061_000_000_000), duration(90_061_000_000_000, ja=True)
    ('0:01:23', '1 d 1:01:01', '1日 1:01:01')
    """
    days, rest = divmod(nanoseconds // 1_000_000_000, _SECONDS_PER_DAY)
    hours, rest = divmod(rest, _SECONDS_PER_HOUR)
    minutes, seconds = divmod(rest, _SECONDS_PER_MINUTE)
    clock = f"{hours}:{minutes:02d}:{seconds:02d}"
    return clock if not days else f"{days}{'日' if ja else ' d'} {clock}"


def columns(text: str, *, ambiguous: int = 1) -> int:
    """Columns that a text takes on a terminal.

    Args:
        text: without control characters.
        ambiguous: columns of characters that are wide in East Asian terminals only, such as block elements
            (Unicode Standard Annex 11, class A).

    >>> columns("gpu0"), columns("実測"), columns("▁", ambiguous=2)
    (4, 4, 2)
    """
    wide = {"W": 2, "F": 2, "A": ambiguous}
    return sum(0 if unicodedata.combining(c) else wide.get(unicodedata.east_asian_width(c), 1) for c in text)


def cut(text: str, width: int, *, ambiguous: int = 1) -> str:
    """As much of a text from its start as fits so many columns.

    >>> cut("実測 C1", 3)
    '実'
    """
    taken = 0
    for place, character in enumerate(text):
        taken += columns(character, ambiguous=ambiguous)
        if taken > width:
            return text[:place]
    return text


def padded(text: str, width: int, *, right: bool = False) -> str:
    """A text filled with spaces to so many columns; ``right`` sets it to the right.

    >>> padded("実測", 6), padded("5 W", 6, right=True)
    ('実測  ', '   5 W')
    """
    space = " " * max(0, width - columns(text))
    return space + text if right else text + space
