"""One declared run, priced, and claims held against it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.errors import InputError
from gxmeter.ledger.estimate import Activity, Claim, Estimate, Factor, estimate

D = Decimal
FACTOR = Factor.parse("0.45 kg/kWh")


def codes(answer: Estimate) -> list[str]:
    return [f.code for f in answer.findings]


@pytest.mark.parametrize("text", ["0.45 kg/kWh", "450 g/kWh", "0.00045 t/kWh", "0.45 t/MWh"])
def test_a_factor_may_be_written_in_any_mass(text: str) -> None:
    assert Factor.parse(text).t_per_kwh == D("0.00045")


@pytest.mark.parametrize(
    ("text", "code"),
    [("0.45 kWh/kg", "dimension-mismatch"), ("-1 kg/kWh", "estimate-negative"), ("x", "number-not-plain")],
)
def test_a_wrong_factor_is_refused(text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        Factor.parse(text)
    assert caught.value.code == code


def test_every_step_and_the_outermost_boundary_is_priced() -> None:
    ratios = {"node": D("1.25"), "it": D("1.1"), "facility": D("1.2")}
    answer = estimate(Activity(devices=D(16), hours=D(100), power_w=D(700), ratios=ratios), FACTOR)
    assert answer.to_json()["energy_kwh"] == {"device": "1120", "node": "1400", "it": "1540", "facility": "1848"}
    assert (answer.to_json()["emissions_tco2"], codes(answer)) == ("0.8316", [])


def test_what_is_inside_or_beyond_is_not_known() -> None:
    answer = estimate(Activity(boundary="node", energy_kwh=D(10)), None)
    assert answer.to_json()["energy_kwh"] == {"device": None, "node": "10", "it": None, "facility": None}
    assert answer.to_json()["emissions_tco2"] is None


def test_pue_on_device_power_skips_two_steps_and_says_so() -> None:
    answer = estimate(Activity(device_hours=D(10), power_w=D(700), ratios={"facility": D("1.2")}), FACTOR)
    assert codes(answer) == ["boundary-step-missing"] * 2
    assert answer.to_json()["energy_kwh"]["facility"] == "8.4"


def test_pue_on_facility_power_is_a_fault_and_not_applied() -> None:
    answer = estimate(Activity(boundary="facility", energy_kwh=D(7), ratios={"facility": D("1.2")}), FACTOR)
    assert (codes(answer), answer.to_json()["emissions_tco2"]) == (["pue-applied-twice"], "0.00315")


@pytest.mark.parametrize(
    ("given_values", "code"),
    [
        ({}, "estimate-incomplete"),
        ({"power_w": D(1)}, "estimate-incomplete"),
        ({"device_hours": D(1)}, "estimate-incomplete"),
        ({"devices": D(1), "power_w": D(1)}, "estimate-incomplete"),
        ({"devices": D(1), "device_hours": D(1), "power_w": D(1)}, "estimate-ambiguous"),
        ({"energy_kwh": D(1), "power_w": D(1)}, "estimate-ambiguous"),
        ({"energy_kwh": D(-1)}, "estimate-negative"),
        ({"device_hours": D("1." + "1" * 40), "power_w": D("1." + "1" * 40)}, "estimate-too-many-digits"),
    ],
)
def test_too_little_or_contradictory_is_refused(given_values: dict[str, Decimal], code: str) -> None:
    with pytest.raises(InputError) as caught:
        estimate(Activity(**given_values), FACTOR)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("claim", "computed", "contradicts"),
    [
        ("36e3", "36400", False),  # within half of the last printed digit
        ("36000", "36400", True),
        ("36000", "36360", False),  # within 1 % of the computed value
        ("36e3", "36500", False),  # exactly half a digit is not more than half
        ("36e3", "36600", True),
        ("0.5", "0.54", False),
        ("0.50", "0.54", True),
        ("1E-1", "0.14", False),
        ("1", "0", True),
        ("0", "0", False),
    ],
)
def test_digits_count_as_they_were_written(claim: str, computed: str, contradicts: bool) -> None:
    assert Claim.parse(claim, "x").contradicts(D(computed)) is contradicts


@pytest.mark.parametrize("text", ["-1", "1,000", "", "1e", "nan", "1e999", ".5"])
def test_a_claim_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Claim.parse(text, "--claimed-tco2")
    assert caught.value.code == "claim-malformed"


def test_a_claim_that_does_not_follow_comes_with_what_it_would_need() -> None:
    answer = estimate(Activity(energy_kwh=D(1000)), FACTOR, claimed_tco2=Claim.parse("0.9", "x"))
    assert codes(answer) == ["claim-mismatch"]
    assert answer.to_json()["implied"] == {"factor_kg_per_kwh": "0.9", "energy_kwh": "2000"}
    assert "0.9 kg-CO2/kWh" in answer.findings[0].en


def test_a_claimed_energy_is_held_against_the_outermost_boundary() -> None:
    activity = Activity(boundary="it", energy_kwh=D(1000), ratios={"facility": D("1.2")})
    assert codes(estimate(activity, None, claimed_energy_kwh=Claim.parse("1200", "x"))) == []
    assert codes(estimate(activity, None, claimed_energy_kwh=Claim.parse("1000", "x"))) == ["claim-mismatch"]


def test_nothing_is_implied_by_zero() -> None:
    answer = estimate(Activity(energy_kwh=D(0)), Factor(D(0)), claimed_tco2=Claim.parse("1", "x"))
    assert answer.to_json()["implied"] == {"factor_kg_per_kwh": None, "energy_kwh": None}


@given(st.integers(0, 10**12), st.integers(-9, 9))
def test_the_exact_value_with_fewer_digits_never_contradicts_itself(digits: int, exponent: int) -> None:
    value = D(digits).scaleb(exponent)
    assert not Claim.parse(f"{digits}e{exponent}", "x").contradicts(value)
