"""Units with dimensions, and quantities that refuse to be added across them.

A unit is a product of base dimensions with an exact rational scale. A quantity is an exact decimal
with a unit; ``+`` and ``-`` need the same dimension, ``*`` and ``/`` derive a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache

from gxmeter.core.errors import InputError
from gxmeter.core.numbers import PRECISION, Rounding, nearest, parse_decimal, plain

Dimension = tuple[tuple[str, int], ...]
"""Sorted (base, exponent) pairs, e.g. ``(("co2e", 1), ("energy", -1))`` for t-CO2/kWh."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure.

    Attributes:
        symbol: as written in files, ASCII, e.g. ``kWh``, ``t-CO2/kWh``.
        dimension: what it measures.
        scale: how many base units (J, kg-CO2e, m3, s, 1) one of it is; exact.
    """

    symbol: str
    dimension: Dimension
    scale: Fraction

    def __mul__(self, other: Unit) -> Unit:
        """The product unit; a known one where dimension and scale agree."""
        return _derived(self, other, 1)

    def __truediv__(self, other: Unit) -> Unit:
        """The quotient unit; a known one where dimension and scale agree."""
        return _derived(self, other, -1)


def _base(name: str) -> Dimension:
    return ((name, 1),)


_JOULES = {
    "J": Fraction(1),
    "kJ": Fraction(10**3),
    "MJ": Fraction(10**6),
    "GJ": Fraction(10**9),
    "TJ": Fraction(10**12),
    "Wh": Fraction(3600),
    "kWh": Fraction(3_600_000),
    "thousand kWh": Fraction(3_600_000_000),
    "MWh": Fraction(3_600_000_000),
    "GWh": Fraction(3_600_000_000_000),
}
_WATTS = {"mW": Fraction(1, 1000), "W": Fraction(1), "kW": Fraction(1000), "MW": Fraction(10**6)}
_CO2 = {"g-CO2": Fraction(1, 1000), "kg-CO2": Fraction(1), "t-CO2": Fraction(1000)}
_MASS = {"g": Fraction(1, 1000), "kg": Fraction(1), "t": Fraction(1000)}
_VOLUME = {"L": Fraction(1, 1000), "kL": Fraction(1), "m3": Fraction(1), "thousand m3": Fraction(1000)}
_TIME = {"ms": Fraction(1, 1000), "s": Fraction(1), "h": Fraction(3600)}
_COUNT = {"FLOP": "flop", "token": "token", "device-hour": "device-hour", "parameter": "parameter"}
_ALIASES = {
    "kg": "kg-CO2",
    "g": "g-CO2",
    "t": "t-CO2",
    "tCO2": "t-CO2",
    "kgCO2": "kg-CO2",
    "gCO2": "g-CO2",
    "t-CO2e": "t-CO2",
    "kg-CO2e": "kg-CO2",
}


@cache
def _simple() -> dict[str, Unit]:
    table = {"ratio": Unit("ratio", (), Fraction(1)), "%": Unit("%", (), Fraction(1, 100))}
    for symbols, dimension in (
        (_JOULES, _base("energy")),
        (_WATTS, (("energy", 1), ("time", -1))),
        (_CO2, _base("co2e")),
        (_MASS, _base("mass")),
        (_VOLUME, _base("volume")),
        (_TIME, _base("time")),
    ):
        table |= {symbol: Unit(symbol, dimension, scale) for symbol, scale in symbols.items()}
    table |= {symbol: Unit(symbol, _base(name), Fraction(1)) for symbol, name in _COUNT.items()}
    return table


def _merge(a: Dimension, b: Dimension, sign: int) -> Dimension:
    powers = dict(a)
    for name, exponent in b:
        powers[name] = powers.get(name, 0) + sign * exponent
    return tuple(sorted((name, exponent) for name, exponent in powers.items() if exponent))


def _derived(a: Unit, b: Unit, sign: int) -> Unit:
    dimension = _merge(a.dimension, b.dimension, sign)
    scale = a.scale * b.scale if sign > 0 else a.scale / b.scale
    for unit in _simple().values():
        if unit.dimension == dimension and unit.scale == scale:
            return unit
    return Unit(f"{a.symbol}{'*' if sign > 0 else '/'}{b.symbol}", dimension, scale)


def unit(symbol: str) -> Unit:
    """Look a unit up by its symbol; ``A/B`` composes two known ones.

    In a quotient such as ``kg/kWh`` the bare masses mean masses of CO2 (interfaces.md, ``--factor``).

    Raises:
        InputError: ``unit-unknown``.

    >>> unit("t-CO2/kWh").dimension
    (('co2e', 1), ('energy', -1))
    """
    table = _simple()
    if symbol in table:
        return table[symbol]
    if symbol in _ALIASES:
        return table[_ALIASES[symbol]]
    top, slash, bottom = symbol.partition("/")
    top = _ALIASES.get(top, top)
    if not slash or top not in table or bottom not in table:
        raise InputError("unit-unknown", found=symbol)
    a, b = table[top], table[bottom]
    return Unit(f"{top}/{bottom}", _merge(a.dimension, b.dimension, -1), a.scale / b.scale)


def _parts(quotient: Unit) -> tuple[Unit, Unit] | None:
    """Numerator and denominator of a unit written ``A/B`` of two known ones; None for every other unit."""
    top, _, bottom = quotient.symbol.partition("/")
    table = _simple()
    return (table[top], table[bottom]) if top in table and bottom in table else None


def _decimal(exact: Fraction) -> Decimal:
    """The decimal of an exact amount: itself where it has at most 50 decimals, else rounded half-even there."""
    return Decimal(plain(nearest(exact, PRECISION, Rounding.HALF_EVEN)))


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact amount with its unit.

    >>> Quantity.parse("2 kWh") * Quantity.parse("0.45 kg/kWh")
    Quantity('0.9 kg-CO2')
    >>> Quantity.parse("1 kWh").to(unit("MJ"))
    Quantity('3.6 MJ')
    """

    value: Decimal
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """Read ``"0.45 kg/kWh"``: a plain decimal, a space, a unit symbol.

        Raises:
            InputError: ``number-not-plain``, ``unit-unknown``.
        """
        number, _, symbol = text.strip().partition(" ")
        return cls(parse_decimal(number), unit(symbol.strip()))

    def to(self, target: Unit) -> Quantity:
        """The same amount in another unit of the same dimension.

        Exact where the result has at most 50 decimals; else rounded half-even at the 50th decimal
        place, which only a quotient such as J to kWh can need.

        Raises:
            InputError: ``dimension-mismatch``.
        """
        self._same_dimension(target)
        return Quantity(_decimal(self._in(target)), target)

    def _in(self, target: Unit) -> Fraction:
        """The exact amount in another unit of the same dimension."""
        return Fraction(self.value) * self.unit.scale / target.scale

    def _same_dimension(self, other: Unit) -> None:
        if self.unit.dimension != other.dimension:
            raise InputError("dimension-mismatch", expected=self.unit.symbol, found=other.symbol)

    def __add__(self, other: Quantity) -> Quantity:
        """Add; the result has this quantity's unit and is as exact as :meth:`to`."""
        self._same_dimension(other.unit)
        return Quantity(_decimal(Fraction(self.value) + other._in(self.unit)), self.unit)

    def __sub__(self, other: Quantity) -> Quantity:
        """Subtract; the result has this quantity's unit and is as exact as :meth:`to`."""
        self._same_dimension(other.unit)
        return Quantity(_decimal(Fraction(self.value) - other._in(self.unit)), self.unit)

    def __mul__(self, other: Quantity) -> Quantity:
        """Multiply; dimensions that cancel across scales (MWh x kg/kWh) are reduced. As exact as :meth:`to`."""
        for numerator, quotient in ((self, other), (other, self)):
            parts = _parts(quotient.unit)
            if parts and parts[1].dimension == numerator.unit.dimension:
                return Quantity(_decimal(numerator._in(parts[1]) * Fraction(quotient.value)), parts[0])
        return Quantity(_decimal(Fraction(self.value) * Fraction(other.value)), self.unit * other.unit)

    def __repr__(self) -> str:
        """``Quantity('0.9 kg-CO2')``."""
        return f"Quantity({str(self)!r})"

    def __str__(self) -> str:
        """``0.9 kg-CO2``."""
        return f"{plain(self.value)} {self.unit.symbol}"
