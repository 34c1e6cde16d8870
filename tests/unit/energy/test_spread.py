"""Declared energy: its total, and the share of a part of its time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gxmeter.core.errors import InputError
from gxmeter.energy.spread import HALF_UJ_PER_KWH, declared_half_uj, spread_half_uj


def test_device_hours_times_power_equals_the_same_energy() -> None:
    hours = declared_half_uj(device_hours=Decimal(5_600_000), power_w=Decimal(700))
    assert hours == declared_half_uj(energy_kwh=Decimal(3_920_000)) == 3_920_000 * HALF_UJ_PER_KWH


def test_halves_go_to_the_even_integer() -> None:
    assert declared_half_uj(energy_kwh=Decimal("0.0000000000000625")) == 0  # 0.45 half-uJ
    assert declared_half_uj(device_hours=Decimal("0.0000000005"), power_w=Decimal("0.5")) == 2  # 1.8
    assert declared_half_uj(device_hours=Decimal("0.00000000125"), power_w=Decimal("0.5")) == 4  # 4.5
    assert declared_half_uj(device_hours=Decimal("0.00000000375"), power_w=Decimal("0.5")) == 14  # 13.5


def test_more_than_fifty_digits_stay_exact() -> None:
    assert declared_half_uj(energy_kwh=Decimal("1" * 59)) == int("1" * 59) * HALF_UJ_PER_KWH


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"device_hours": Decimal(1)},
        {"power_w": Decimal(1)},
        {"energy_kwh": Decimal(1), "power_w": Decimal(1)},
        {"energy_kwh": Decimal(1), "device_hours": Decimal(1), "power_w": Decimal(1)},
    ],
)
def test_only_one_whole_form_is_accepted(given: dict[str, Decimal]) -> None:
    with pytest.raises(InputError) as caught:
        declared_half_uj(**given)
    assert caught.value.code == "declared-energy-incomplete"


def test_a_negative_energy_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        declared_half_uj(energy_kwh=Decimal(-1))
    assert caught.value.code == "declared-energy-negative"


def test_a_part_outside_holds_nothing_and_is_cut_to_the_whole() -> None:
    assert spread_half_uj(10, 100, 200, 0, 100) == 0
    assert spread_half_uj(10, 100, 200, 200, 300) == 0
    assert spread_half_uj(10, 100, 200, 0, 300) == 10
    assert spread_half_uj(10, 100, 200, 0, 150) == 5


def test_a_whole_without_length_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        spread_half_uj(10, 100, 100, 100, 100)
    assert caught.value.code == "interval-not-forward"
