"""Each step outwards is explicit and taken once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gxmeter.core.errors import InputError
from gxmeter.energy.boundary import step_up
from gxmeter.energy.model import EnergyResult, Leaf, LeafKey
from gxmeter.energy.summary import half_uj_by_boundary
from gxmeter.telemetry.model import DeviceInfo

D = Decimal


def test_every_step_multiplies() -> None:
    up = step_up(D(100), "device", {"node": D("1.25"), "it": D("1.1"), "facility": D("1.2")})
    assert up.energy_kwh == {"device": D(100), "node": D(125), "it": D("137.5"), "facility": D(165)}
    assert (up.outermost, up.missing, up.findings) == ("facility", (), ())


def test_a_step_skipped_on_the_way_counts_as_one_and_is_named() -> None:
    up = step_up(D(100), "device", {"facility": D("1.2")})
    assert up.energy_kwh["facility"] == 120
    assert up.missing == ("node", "it")


def test_steps_that_were_not_asked_for_are_not_known() -> None:
    up = step_up(D(100), "device", {"node": D("1.25")})
    assert set(up.energy_kwh) == {"device", "node"}
    assert (up.outermost, up.missing) == ("node", ())


def test_a_pue_on_facility_energy_is_not_applied() -> None:
    up = step_up(D(100), "facility", {"facility": D("1.2"), "node": D("1.1")})
    assert up.energy_kwh == {"facility": D(100)}
    assert [f.code for f in up.findings] == ["overhead-applied-twice", "pue-applied-twice"]


def test_ratios_below_one_are_all_named() -> None:
    with pytest.raises(InputError) as caught:
        step_up(D(1), "device", {"node": D("0.9"), "facility": D("0.99")})
    assert [f.code for f in caught.value.findings] == ["ratio-below-one"] * 2


def test_an_unknown_boundary_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        step_up(D(1), "rack", {})
    assert caught.value.code == "boundary-unknown"


def test_energy_at_a_boundary_that_nobody_knows_is_shown_not_dropped() -> None:
    result = EnergyResult()
    for n, boundary in enumerate(("rack", "node")):
        result.devices["s", f"d{n}"] = DeviceInfo(f"d{n}", "s", "h", "gpu", "x", boundary, "m", "C1")
        result.leaves[LeafKey(0, "r", "s", f"d{n}")] = Leaf(10 + n, 1)
    assert half_uj_by_boundary(result) == {"node": 11, "rack": 10}
