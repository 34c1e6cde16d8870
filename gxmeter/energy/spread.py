"""Declared energy spread evenly over its time, in integers, so that the parts add up to the whole.

The rule is step 5.2 of ``docs/reference/package.md``: the energy up to x ms after the start is
``E(x) = (d // T) * x + (d % T) * x // T`` with floor divisions, and a part [a, b) gets ``E(b) - E(a)``.
Parts that meet share the same ``E``, so nothing is lost or counted twice at a cut.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import prod

from gxmeter.core.errors import InputError

HALF_UJ_PER_KWH = 7_200_000_000_000
"""Half-microjoules in a kilowatt-hour [half-uJ/kWh]: 3.6e6 J of 2e6 half-uJ each."""

HALF_UJ_PER_WH = 7_200_000_000
"""Half-microjoules in a watt-hour [half-uJ/Wh]."""


def cumulative_half_uj(total: int, length_ms: int, x_ms: int) -> int:
    """Energy from the start up to ``x_ms`` after it, of ``total`` spread over ``length_ms`` [half-uJ].

    Args:
        total: energy of the whole [half-uJ].
        length_ms: length T of the whole [ms], above 0.
        x_ms: how far from the start [ms], in 0..T.

    >>> [cumulative_half_uj(10, 3, x) for x in range(4)]
    [0, 3, 6, 10]
    """
    return total // length_ms * x_ms + total % length_ms * x_ms // length_ms


def spread_half_uj(total: int, start_ms: int, end_ms: int, a_ms: int, b_ms: int) -> int:
    """The share of ``total`` that falls into the part [a, b) of its time [start, end) [half-uJ].

    Args:
        total: energy of the whole [half-uJ].
        start_ms: when it starts [Unix ms].
        end_ms: when it ends [Unix ms], after ``start_ms``.
        a_ms: start of the part [Unix ms]; what lies before ``start_ms`` holds nothing.
        b_ms: end of the part [Unix ms]; what lies after ``end_ms`` holds nothing.

    Raises:
        InputError: ``interval-not-forward`` if the whole has no length.

    >>> spread_half_uj(10, 0, 3, 0, 1), spread_half_uj(10, 0, 3, 1, 3)
    (3, 7)
    """
    length_ms = end_ms - start_ms
    if length_ms <= 0:
        raise InputError("interval-not-forward", start=start_ms, end=end_ms)
    a = min(max(a_ms - start_ms, 0), length_ms)
    b = min(max(b_ms - start_ms, 0), length_ms)
    if b <= a:
        return 0
    return cumulative_half_uj(total, length_ms, b) - cumulative_half_uj(total, length_ms, a)


def declared_half_uj(
    *,
    energy_kwh: Decimal | None = None,
    device_hours: Decimal | None = None,
    power_w: Decimal | None = None,
) -> int:
    """A declared energy as an integer [half-uJ], rounded half-even once (package.md 5.2).

    Args:
        energy_kwh: the energy itself [kWh]; or
        device_hours: device-hours [h], together with
        power_w: mean power of one device [W].

    Raises:
        InputError: ``declared-energy-incomplete`` unless exactly one of the two forms is given;
            ``declared-energy-negative``.

    >>> declared_half_uj(device_hours=Decimal(2), power_w=Decimal(500)) == HALF_UJ_PER_KWH
    True
    """
    parts = (device_hours, power_w)
    if (energy_kwh is None) == (parts == (None, None)) or (energy_kwh is None and None in parts):
        raise InputError("declared-energy-incomplete")
    if energy_kwh is not None:
        value = Fraction(energy_kwh) * HALF_UJ_PER_KWH
    else:
        value = prod(
            (Fraction(p) for p in parts if p is not None),
            start=Fraction(HALF_UJ_PER_WH),
        )
    if value < 0:
        raise InputError("declared-energy-negative", found=value)
    return round(value)  # a Fraction rounds half-even, and exactly whatever the number of digits
