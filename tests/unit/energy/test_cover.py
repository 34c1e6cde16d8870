"""Cover: every declared device accounts for every half-hour, against an oracle of plain integers."""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxmeter.api.cover import measured_pct
from gxmeter.core.calendar import SLOT_MS, jst_midnight_ms
from gxmeter.energy.cover import Cover, DeviceCover, State, cover
from gxmeter.energy.model import EnergyResult, Leaf, LeafKey
from gxmeter.telemetry.model import DeviceInfo
from gxmeter.workspace.models import Site

DAY = date(2026, 4, 1)
START_MS = jst_midnight_ms(DAY)
FIRST = START_MS // SLOT_MS
PER_DAY = 48


def site_of(*devices: dict[str, object], name: str = "tokyo") -> Site:
    return Site.model_validate(
        {
            "id": name,
            "name_ja": "東京",
            "name_en": "Tokyo",
            "country": "JP",
            "supply_area": "tokyo",
            "entity": "acme",
            "arrangement": "owned",
            "devices": tuple({"kind": "gpu", "name": "x", "host": "n1", **device} for device in devices),
        }
    )


def result_of(*leaves: tuple[str, str, int, int], boundary: str = "device", host: str = "n1") -> EnergyResult:
    """Energy of (run, device, slots after the start, covered ms)."""
    result = EnergyResult()
    for run, device, slot, covered_ms in leaves:
        result.leaves[LeafKey(FIRST + slot, run, "tokyo", device)] = Leaf(1, covered_ms)
        result.devices["tokyo", device] = DeviceInfo(device, "tokyo", host, "k", "x", boundary, "m", "B")
    return result


def days(result: EnergyResult, site: Site, count: int = 1) -> Cover:
    return cover(result, [site], START_MS, START_MS + count * PER_DAY * SLOT_MS)


def slots(found: DeviceCover) -> tuple[int, int, int, int]:
    return (found.slots[State.RUN], found.slots[State.IDLE], found.slots[State.OFF], found.slots[State.UNKNOWN])


def test_a_run_goes_before_idle_and_idle_before_off_and_nothing_known_is_unknown() -> None:
    site = site_of(
        {"id": "n1.gpu0", "off": ({"first_day": "2026-04-01", "last_day": "2026-04-01", "reason": "power"},)}
    )
    result = result_of(("r", "n1.gpu0", 0, SLOT_MS), ("", "n1.gpu0", 0, 5), ("idle", "n1.gpu0", 1, SLOT_MS // 2))
    (found,) = days(result, site, 2).devices
    assert slots(found) == (1, 1, 46, 48)
    assert found.covered_ms == {State.RUN: SLOT_MS, State.IDLE: SLOT_MS // 2}  # the five ms are the run's already
    assert found.measured_while_off == 2


def test_idle_minutes_within_a_half_hour_of_a_run_are_measured_time_as_well() -> None:
    """18 minutes of a run and 12 idle ones: complete telemetry is 100 % measured."""
    result = result_of(("r", "n1.gpu0", 0, 1_080_000), ("", "n1.gpu0", 0, 720_000))
    (found,) = days(result, site_of({"id": "n1.gpu0"})).devices
    assert slots(found) == (1, 0, 0, PER_DAY - 1)
    assert found.covered_ms == {State.RUN: 1_080_000, State.IDLE: 720_000}
    assert measured_pct(found) == 100


def test_before_it_came_and_after_it_went_a_device_is_off() -> None:
    site = site_of({"id": "n1.gpu0", "installed_on": "2026-04-02", "removed_on": "2026-04-03"})
    (found,) = days(EnergyResult(), site, 4).devices
    assert slots(found) == (0, 0, 96, 96)
    assert [(s.start_ms, s.end_ms) for s in found.unknown] == [
        (START_MS + PER_DAY * SLOT_MS, START_MS + 3 * PER_DAY * SLOT_MS)
    ]


def test_the_longest_unknown_stretches_come_first() -> None:
    measured = [("r", "n1.gpu0", slot, SLOT_MS) for slot in (0, 2, 6, 7, 9, 20)]
    (found,) = days(result_of(*measured), site_of({"id": "n1.gpu0"})).devices
    assert [(s.start_ms // SLOT_MS - FIRST, s.end_ms // SLOT_MS - FIRST) for s in found.unknown] == [
        (21, 48),
        (10, 20),
        (3, 6),
    ]


def test_a_meter_of_the_whole_machine_accounts_for_its_parts() -> None:
    result = result_of(("r", "pdu-7", 0, SLOT_MS), boundary="node", host="N1.cluster")
    found = days(result, site_of({"id": "n1.gpu0"}, {"id": "n2.gpu0", "host": "n2"}))
    assert [slots(device)[0] for device in found.devices] == [1, 0]
    assert [(item.device, item.boundary, item.slots) for item in found.undeclared] == [("pdu-7", "node", 1)]


def test_another_part_does_not_account_for_a_part_but_any_part_does_for_the_machine() -> None:
    result = result_of(("r", "n1.gpu1", 0, SLOT_MS))
    found = days(result, site_of({"id": "n1", "kind": "node"}, {"id": "n1.gpu0"}, {"id": "n1.gpu1"}))
    assert [slots(device)[0] for device in found.devices] == [1, 0, 1]
    assert found.undeclared == ()


def test_two_runs_in_one_half_hour_cover_it_together_and_two_meters_do_not() -> None:
    result = result_of(("a", "n1.gpu0", 0, 600_000), ("b", "n1.gpu0", 0, 700_000))
    for device, covered_ms in (("pdu", 900_000), ("bmc", SLOT_MS)):
        result.leaves[LeafKey(FIRST + 1, "a", "tokyo", device)] = Leaf(1, covered_ms)
        result.devices["tokyo", device] = DeviceInfo(device, "tokyo", "n1", "k", "x", "node", "m", "B")
    (found,) = days(result, site_of({"id": "n1.gpu0"})).devices
    assert found.covered_ms[State.RUN] == 1_300_000 + SLOT_MS


def test_telemetry_outside_the_period_and_of_another_site_says_nothing() -> None:
    result = result_of(("r", "n1.gpu0", -1, SLOT_MS), ("r", "n1.gpu0", PER_DAY, SLOT_MS))
    result.leaves[LeafKey(FIRST, "r", "osaka", "n1.gpu0")] = Leaf(1, 1)
    result.devices["osaka", "n1.gpu0"] = DeviceInfo("n1.gpu0", "osaka", "n1", "k", "x", "device", "m", "B")
    found = days(result, site_of({"id": "n1.gpu0"}))
    assert slots(found.devices[0]) == (0, 0, 0, PER_DAY)
    assert found.undeclared == ()


LEAVES = st.lists(
    st.tuples(
        st.sampled_from(["r", "s", "", "idle"]), st.sampled_from("abc"), st.integers(-3, 99), st.integers(0, 900_000)
    ),
    max_size=40,
    unique_by=lambda leaf: leaf[:3],
)
DAYS = st.one_of(st.none(), st.integers(-1, 3))


def day(offset: int) -> str:
    return (DAY + timedelta(days=offset)).isoformat()


@settings(max_examples=150)
@given(leaves=LEAVES, came=DAYS, went=DAYS, off=st.lists(st.integers(-1, 3), max_size=2))
def test_slots_always_add_up_and_are_those_of_the_oracle(
    leaves: list[tuple[str, str, int, int]], came: int | None, went: int | None, off: list[int]
) -> None:
    if came is not None and went is not None and went < came:
        came, went = went, came
    declared: dict[str, object] = {"id": "a"}
    declared |= {} if came is None else {"installed_on": day(came)}
    declared |= {} if went is None else {"removed_on": day(went)}
    declared["off"] = tuple({"first_day": day(d), "last_day": day(d), "reason": "x"} for d in off)
    found = days(result_of(*leaves), site_of(declared, {"id": "b"}), 2)
    assert all(sum(device.slots.values()) == 2 * PER_DAY for device in found.devices)

    names, covered = [], {"run": 0, "idle": 0}
    for slot in range(2 * PER_DAY):
        mine = [(run, covered_ms) for run, device, at, covered_ms in leaves if device == "a" and at == slot]
        runs = [covered_ms for run, covered_ms in mine if run in {"r", "s"}]
        idles = [covered_ms for run, covered_ms in mine if run not in {"r", "s"}]
        today = slot // PER_DAY
        gone = (came is not None and today < came) or (went is not None and today > went) or today in off
        names.append("run" if runs else "idle" if idles else "off" if gone else "unknown")
        covered["run"] += min(sum(runs), SLOT_MS)
        covered["idle"] += min(sum(idles), SLOT_MS - min(sum(runs), SLOT_MS))
    assert slots(found.devices[0]) == tuple(names.count(name) for name in ("run", "idle", "off", "unknown"))
    assert found.devices[0].covered_ms == {State.RUN: covered["run"], State.IDLE: covered["idle"]}
    assert {item.device for item in found.undeclared} == {d for _, d, at, _ in leaves if d == "c" and 0 <= at < 96}


@pytest.mark.nightly
def test_ten_thousand_devices_and_a_year_of_half_hours_take_seconds() -> None:
    site = site_of(*({"id": f"n{number}.gpu0", "host": f"n{number}"} for number in range(10_000)))
    result = result_of(*(("r", f"n{number}.gpu0", number % 17_520, SLOT_MS) for number in range(10_000)))
    begun = time.process_time()
    found = days(result, site, 365)
    assert sum(device.slots[State.RUN] for device in found.devices) == 10_000
    assert time.process_time() - begun < 30
