"""Units of power and energy as files write them, and what they are worth in the reader's integers."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple
from unicodedata import normalize

POWER, ENERGY = "power", "energy"

_PREFIXES = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12}


class Unit(NamedTuple):
    """``kind``: power or energy. ``factor``: in mW or half-microjoules, exact."""

    kind: str
    factor: Fraction


def _units() -> dict[str, Unit]:
    found = {}
    for prefix, exponent in _PREFIXES.items():
        ratio = Fraction(10) ** exponent
        found[f"{prefix}W"] = Unit(POWER, 1000 * ratio)
        found[f"{prefix}J"] = Unit(ENERGY, 2_000_000 * ratio)
        found[f"{prefix}Wh"] = Unit(ENERGY, 7_200_000_000 * ratio)
    return found


UNITS = _units()
"""1 W = 1,000 mW; 1 J = 2,000,000 half-uJ; 1 Wh = 3,600 J (SI brochure, 9th edition, table 8)."""

_SPELLINGS = {
    "watt": "W", "watts": "W", "kilowatts": "kW", "kilowatt": "kW", "megawatts": "MW", "joule": "J", "joules": "J",
    "ワット": "W", "キロワット": "kW", "ワット時": "Wh", "キロワット時": "kWh", "ジュール": "J",
}  # fmt: skip


def unit_named(text: str) -> str:
    """The unit that a text names, as :data:`UNITS` spells it, or empty text.

    Full-width letters are letters, and capitals do not matter, except where they tell milli from mega.

    >>> [unit_named(t) for t in ("kWh", "ＫＷＨ", "KW", "MW", "mW", "mwh", "Watts", "MB")]
    ['kWh', 'kWh', 'kW', 'MW', 'mW', '', 'W', '']
    """
    plain = normalize("NFKC", text).strip().replace("\N{GREEK SMALL LETTER MU}", "u").replace("·", "").replace("・", "")
    if plain in UNITS:
        return plain
    small = plain.lower()
    if small in _SPELLINGS:
        return _SPELLINGS[small]
    same = [unit for unit in UNITS if unit.lower() == small]
    if len(same) == 1:
        return same[0]
    # All capitals: milli and nano are never written with one, so it is mega; MWH.
    return next((unit for unit in same if unit.upper() == plain and unit[0].isupper()), "")


def in_mw(unit: str) -> Fraction:
    """Milliwatts in one of a unit of power [mW]."""
    return _of_kind(unit, POWER)


def in_half_uj(unit: str) -> Fraction:
    """Half-microjoules in one of a unit of energy [half-uJ]."""
    return _of_kind(unit, ENERGY)


def _of_kind(unit: str, kind: str) -> Fraction:
    known = UNITS[unit]
    if known.kind != kind:
        raise ValueError(f"{unit} is no unit of {kind}")
    return known.factor
