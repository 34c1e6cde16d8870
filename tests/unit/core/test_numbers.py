"""Decimals are exact, rounding happens once and by name."""

from __future__ import annotations

from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.errors import InputError
from gxmeter.core.numbers import Rounding, divided, fixed, parse_decimal, plain, product, rounded, total

decimals = st.decimals(min_value=-(10**15), max_value=10**15, places=6)
divisors = decimals.filter(bool)
places = st.integers(min_value=0, max_value=12)


@pytest.mark.parametrize(
    "text", ["", "1e3", "1,000", "NaN", "Infinity", "+1", "01", ".5", "1.", "-", " 1", "1\n", "1_0", "\uff11", "1" * 61]
)
def test_what_is_not_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_decimal(text)
    assert caught.value.code == "number-not-plain"


@given(decimals)
def test_what_is_written_plainly_is_read_back(value: Decimal) -> None:
    assert parse_decimal(plain(value)) == value


@given(decimals, places)
def test_a_fixed_text_keeps_its_decimals_and_its_value(value: Decimal, digits: int) -> None:
    value = rounded(value, digits, Rounding.HALF_UP)
    text = fixed(value, digits)
    assert Decimal(text) == value
    assert len(text.partition(".")[2]) == digits
    assert not (text.startswith("-") and value == 0)


def test_fixed_refuses_to_round() -> None:
    with pytest.raises(Inexact):
        fixed(Decimal("1.55"), 1)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rounding.HALF_EVEN, ["2", "4", "-2", "-4"]),
        (Rounding.HALF_UP, ["3", "4", "-3", "-4"]),
        (Rounding.TRUNCATE, ["2", "3", "-2", "-3"]),
    ],
)
def test_each_rule_at_the_half(rule: Rounding, expected: list[str]) -> None:
    halves = [Decimal(t) for t in ("2.5", "3.5", "-2.5", "-3.5")]
    assert [str(rounded(h, 0, rule)) for h in halves] == expected
    assert [plain(divided(h, Decimal(1), 0, rule)) for h in halves] == expected


@given(decimals, divisors, places, st.sampled_from(Rounding))
def test_a_quotient_is_the_nearest_and_never_rounded_twice(
    top: Decimal, bottom: Decimal, digits: int, rule: Rounding
) -> None:
    exact = Fraction(top) / Fraction(bottom)
    got = Fraction(divided(top, bottom, digits, rule))
    unit = Fraction(1, 10**digits)
    if rule is Rounding.TRUNCATE:
        assert abs(got) <= abs(exact) < abs(got) + unit
    else:
        assert abs(got - exact) <= unit / 2
    if rule is Rounding.HALF_EVEN and abs(got - exact) == unit / 2:
        assert (got / unit) % 2 == 0


def test_a_quotient_that_rounds_to_nothing_has_no_sign() -> None:
    assert str(divided(Decimal(-1), Decimal(1000), 1, Rounding.HALF_EVEN)) == "0.0"


def test_dividing_by_zero_is_said() -> None:
    with pytest.raises(InputError) as caught:
        divided(Decimal(1), Decimal(0), 2, Rounding.HALF_UP)
    assert caught.value.code == "division-by-zero"


@given(st.lists(decimals, max_size=20))
def test_a_sum_does_not_depend_on_the_order(values: list[Decimal]) -> None:
    assert total(values) == total(sorted(values)) == sum(map(Fraction, values))


def test_an_inexact_product_is_an_error_not_a_guess() -> None:
    with pytest.raises(Inexact):
        product(Decimal("1." + "3" * 30), Decimal("1." + "7" * 30))
    assert product() == 1
