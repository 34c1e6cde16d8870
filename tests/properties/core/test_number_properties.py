"""Decimals, units and the calendar against plain integers and fractions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.calendar import SLOT_MS, FiscalYear, jst_date, jst_midnight_ms, jst_month, slot_of
from gxmeter.core.numbers import Rounding, divided, nearest, plain, product, rounded, total
from gxmeter.core.units import Quantity, unit

ONES = ["J", "kWh", "MJ", "GJ", "thousand kWh", "t-CO2", "kg-CO2", "W", "h", "s", "ratio", "%", "m3", "kL"]
SYMBOLS = [*ONES, "t-CO2/kWh"]
digits = st.integers(-(10**20), 10**20)
scales = st.integers(-12, 3)
numbers = st.builds(lambda n, e: Decimal(n).scaleb(e), digits, scales)
places = st.integers(0, 15)
rules = st.sampled_from(Rounding)


def oracle(exact: Fraction, decimals: int, rule: Rounding) -> Fraction:
    """The rounding rules, said with integers and nothing else."""
    scaled = exact * 10**decimals
    below = scaled.numerator // scaled.denominator
    rest = scaled - below
    if rule is Rounding.TRUNCATE:
        chosen = below if scaled >= 0 or rest == 0 else below + 1
    elif rest != Fraction(1, 2):
        chosen = below if rest < Fraction(1, 2) else below + 1
    elif rule is Rounding.HALF_EVEN:
        chosen = below if below % 2 == 0 else below + 1
    else:
        chosen = below + 1 if scaled > 0 else below
    return Fraction(chosen, 10**decimals)


@given(numbers, numbers.filter(bool), places, rules)
def test_a_quotient_is_the_oracle_s(top: Decimal, bottom: Decimal, decimals: int, rule: Rounding) -> None:
    got = divided(top, bottom, decimals, rule)
    assert Fraction(got) == oracle(Fraction(top) / Fraction(bottom), decimals, rule)
    assert got.as_tuple().exponent == -decimals
    assert not (got == 0 and got.is_signed())


@given(numbers, places, rules)
def test_rounding_a_decimal_is_the_oracle_s(value: Decimal, decimals: int, rule: Rounding) -> None:
    assert Fraction(rounded(value, decimals, rule)) == oracle(Fraction(value), decimals, rule)


@given(st.integers(-(10**6), 10**6), st.integers(0, 4), rules)
def test_halves_are_where_the_rules_part(half: int, decimals: int, rule: Rounding) -> None:
    exact = Fraction(2 * half + 1, 2 * 10**decimals)
    assert Fraction(nearest(exact, decimals, rule)) == oracle(exact, decimals, rule)


@given(st.lists(numbers, max_size=6))
def test_sums_are_sums_of_fractions(values: list[Decimal]) -> None:
    assert Fraction(total(values)) == sum(map(Fraction, values))


@given(numbers, numbers)
def test_products_are_products_of_fractions(a: Decimal, b: Decimal) -> None:
    assert Fraction(product(a, b)) == Fraction(a) * Fraction(b)
    assert product(a, b) == product(b, a)


@given(numbers)
def test_a_plain_text_is_the_same_number(value: Decimal) -> None:
    text = plain(value)
    assert Fraction(text) == Fraction(value)
    assert plain(Decimal(text)) == text


@given(numbers, st.sampled_from(SYMBOLS), st.sampled_from(SYMBOLS))
def test_a_product_of_quantities_has_the_product_of_scales_and_dimensions(value: Decimal, a: str, b: str) -> None:
    left, right = unit(a), unit(b)
    got = Quantity(value, left) * Quantity(Decimal(3), right)
    powers = dict(left.dimension)
    for name, exponent in right.dimension:
        powers[name] = powers.get(name, 0) + exponent
    assert dict(got.unit.dimension) == {name: exponent for name, exponent in powers.items() if exponent}
    exact = Fraction(value) * 3 * left.scale * right.scale
    assert abs(Fraction(got.value) * got.unit.scale - exact) <= got.unit.scale * Fraction(1, 2 * 10**50)


@given(numbers, numbers, st.sampled_from(["J", "kWh", "GJ"]), st.sampled_from(["MJ", "Wh", "TJ"]))
def test_sums_across_units_are_sums_of_fractions(a: Decimal, b: Decimal, left: str, right: str) -> None:
    x, y = Quantity(a, unit(left)), Quantity(b, unit(right))
    exact = Fraction(a) + Fraction(b) * unit(right).scale / unit(left).scale
    assert abs(Fraction((x + y).value) - exact) <= Fraction(1, 2 * 10**50)
    assert abs(Fraction((x - y).value) - (2 * Fraction(a) - exact)) <= Fraction(1, 2 * 10**50)


@given(numbers, st.sampled_from(SYMBOLS), st.sampled_from(SYMBOLS), st.sampled_from(SYMBOLS))
def test_a_quantity_times_any_derived_unit_keeps_the_dimensions(value: Decimal, a: str, b: str, c: str) -> None:
    derived = unit(a) / unit(b)
    got = Quantity(value, derived) * Quantity(Decimal(1), unit(c))
    powers: dict[str, int] = {}
    for part, sign in ((unit(a), 1), (unit(b), -1), (unit(c), 1)):
        for name, exponent in part.dimension:
            powers[name] = powers.get(name, 0) + sign * exponent
    assert dict(got.unit.dimension) == {name: exponent for name, exponent in powers.items() if exponent}


@given(numbers, st.sampled_from(["J", "kJ", "kWh", "MWh", "TJ"]), st.sampled_from(["J", "MJ", "Wh", "GWh"]))
def test_a_conversion_is_the_ratio_of_the_scales(value: Decimal, a: str, b: str) -> None:
    got = Quantity(value, unit(a)).to(unit(b))
    exact = Fraction(value) * unit(a).scale / unit(b).scale
    assert abs(Fraction(got.value) - exact) <= Fraction(1, 2 * 10**50)


@given(st.dates(date(1970, 1, 3), date(2199, 12, 30)), st.integers(0, 86_399_999))
def test_the_day_and_year_in_japan_by_counting_days(day: date, within_ms: int) -> None:
    ts_ms = ((day - date(1970, 1, 1)).days * 24 - 9) * 3_600_000 + within_ms
    assert jst_date(ts_ms) == day
    assert jst_midnight_ms(day) == ts_ms - within_ms
    assert jst_month(ts_ms) == f"{day.year:04d}-{day.month:02d}"
    assert FiscalYear.of(ts_ms).year == (day.year if (day.month, day.day) >= (4, 1) else day.year - 1)
    assert slot_of(ts_ms) * SLOT_MS <= ts_ms < slot_of(ts_ms) * SLOT_MS + SLOT_MS


@given(st.integers(1970, 2199))
def test_a_year_has_365_or_366_days_of_48_slots(year: int) -> None:
    fy = FiscalYear(year)
    days = (date(year + 1, 4, 1) - date(year, 4, 1)).days
    assert fy.end_ms - fy.start_ms == days * 48 * SLOT_MS
    edges = fy.month_edges_ms()
    assert len(edges) == 13
    assert all(edge % SLOT_MS == 0 and a < edge for a, edge in pairwise(edges))
