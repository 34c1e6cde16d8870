"""Quantities add within a dimension, convert exactly, and refuse the rest."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.errors import InputError
from gxmeter.core.units import Quantity, unit

ENERGY = ["J", "kJ", "MJ", "GJ", "TJ", "Wh", "kWh", "MWh", "GWh", "thousand kWh"]
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=6)


def q(text: str) -> Quantity:
    return Quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "to", "expected"),
    [
        ("1 kWh", "MJ", "3.6 MJ"),
        ("1 thousand kWh", "MWh", "1 MWh"),
        ("8.64 GJ/thousand kWh", "MJ/kWh", "8.64 MJ/kWh"),
        ("0.423 kg-CO2/kWh", "t-CO2/kWh", "0.000423 t-CO2/kWh"),
        ("3 h", "ms", "10800000 ms"),
        ("1 kL", "m3", "1 m3"),
        ("1 ratio", "%", "100 %"),
    ],
)
def test_conversions_that_can_be_done_by_hand(text: str, to: str, expected: str) -> None:
    assert str(q(text).to(unit(to))) == expected


@given(amounts, st.sampled_from(ENERGY), st.sampled_from(ENERGY))
def test_there_and_back_is_the_same_energy(amount: Decimal, a: str, b: str) -> None:
    # 1/3600 has no finite expansion, so the way back may differ in the last of 50 decimals.
    back = Quantity(amount, unit(a)).to(unit(b)).to(unit(a)).value
    assert abs(back - amount) < Decimal("1e-30")


@given(amounts, amounts)
def test_addition_takes_the_unit_of_the_left(a: Decimal, b: Decimal) -> None:
    got = Quantity(a, unit("MWh")) + Quantity(b, unit("kWh"))
    assert got.unit.symbol == "MWh"
    assert got.value * 1000 == a * 1000 + b
    assert (got - Quantity(b, unit("kWh"))).value == a


@pytest.mark.parametrize(("a", "b"), [("1 kWh", "1 kg-CO2"), ("1 W", "1 Wh"), ("1 kL", "1 L/h"), ("1 FLOP", "1 token")])
def test_apples_are_not_added_to_pears(a: str, b: str) -> None:
    for combine in (lambda: q(a) + q(b), lambda: q(a) - q(b), lambda: q(a).to(q(b).unit)):
        with pytest.raises(InputError) as caught:
            combine()
        assert caught.value.code == "dimension-mismatch"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("2 kWh", "0.45 kg/kWh", "0.9 kg-CO2"),
        ("0.45 kg/kWh", "2 kWh", "0.9 kg-CO2"),
        ("2 MWh", "0.45 kg/kWh", "900 kg-CO2"),
        ("2 kW", "3 h", "6 kWh"),
        ("1000 thousand kWh", "8.64 GJ/thousand kWh", "8640 GJ"),
    ],
)
def test_products_derive_their_unit(a: str, b: str, expected: str) -> None:
    assert str(q(a) * q(b)) == expected


@pytest.mark.parametrize("symbol", ["kWq", "", "kWh/", "/kWh", "kWh/kWh/kWh", "KWH", "kwh"])
def test_an_unknown_unit_is_said(symbol: str) -> None:
    with pytest.raises(InputError) as caught:
        unit(symbol)
    assert caught.value.code == "unit-unknown"


@pytest.mark.parametrize(("short", "full"), [("kg", "kg-CO2"), ("tCO2", "t-CO2"), ("t-CO2e", "t-CO2"), ("g", "g-CO2")])
def test_bare_masses_in_a_factor_are_masses_of_co2(short: str, full: str) -> None:
    assert unit(f"{short}/kWh") == unit(f"{full}/kWh")


def test_a_derived_unit_that_has_a_name_gets_it() -> None:
    assert (unit("kWh") / unit("h")).symbol == "kW"
    assert (unit("GJ") / unit("MJ")).scale == 1000
    assert repr(q("1 kWh")) == "Quantity('1 kWh')"
