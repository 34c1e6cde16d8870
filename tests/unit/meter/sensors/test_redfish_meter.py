"""Answers that come at uneven times, and the energy of intervals that end when they end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.meter.sensors.redfish_meter import EnergyMeter, PowerMeter
from gxmeter.meter.sensors.redfish_walk import Answer

RATED_MW = 3_000_000
MS = 1_000_000

EVENTS = st.lists(st.tuples(st.booleans(), st.integers(1, 2000), st.integers(100, 2900)), min_size=1, max_size=40)
"""Reads and answers, milliseconds between them, watts of the node in between."""


@given(EVENTS)
def test_an_energy_meter_is_told_whole_whatever_the_times(events: list[tuple[bool, int, int]]) -> None:
    meter = EnergyMeter(RATED_MW)
    now_ns, count_mj = 10**12, 7 * 10**9
    meter.add(now_ns, Answer(None, count_mj))
    meter.start(now_ns)
    told = 0
    for is_read, milliseconds, watts in events:
        now_ns += milliseconds * MS
        count_mj += milliseconds * watts
        if is_read:
            told += meter.take(now_ns)[0] or 0
        else:
            assert meter.add(now_ns, Answer(None, count_mj)) is None
    meter.add(now_ns, Answer(None, count_mj))
    told += meter.take(now_ns)[0] or 0
    ahead = max(0, -meter._due_uj)
    assert told == (count_mj - 7 * 10**9) * 1000 + ahead
    assert min(told, 1) >= 0


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 2000)), min_size=1, max_size=40), st.integers(1, 6000))
def test_a_steady_power_is_told_to_the_microjoule(events: list[tuple[bool, int]], watts: int) -> None:
    meter = PowerMeter(RATED_MW)
    began_ns = now_ns = 10**12
    answer = Answer(watts * 1000)
    meter.add(now_ns, answer)
    meter.start(now_ns)
    told = 0
    for is_read, milliseconds in events:
        now_ns += milliseconds * MS
        if is_read:
            energy_uj, counter, fault = meter.take(now_ns)
            assert (counter, fault) == (None, None)
            told += energy_uj or 0
        else:
            meter.add(now_ns, answer)
    told += meter.take(now_ns)[0] or 0
    assert told == (now_ns - began_ns) // MS * watts * 1000


def test_what_was_used_before_the_start_is_not_counted() -> None:
    meter = EnergyMeter(RATED_MW)
    meter.add(0, Answer(None, 1_000_000))
    meter.add(1000 * MS, Answer(None, 2_000_000))
    meter.start(1400 * MS)
    meter.add(2000 * MS, Answer(None, 3_000_000))
    assert meter.take(2000 * MS)[0] == 600_000_000


def test_a_repeated_count_is_no_news_and_the_power_holds_meanwhile() -> None:
    meter = EnergyMeter(RATED_MW)
    meter.add(0, Answer(None, 1_000_000))
    meter.add(1000 * MS, Answer(None, 2_000_000))
    meter.start(1000 * MS)
    meter.add(2000 * MS, Answer(None, 2_000_000))
    assert meter.take(2000 * MS) == (1_000_000_000, (2_000_000, 2_000_000), None)
    meter.add(3000 * MS, Answer(None, 4_000_000))
    assert meter.take(3000 * MS) == (1_000_000_000, (2_000_000, 4_000_000), None)


@pytest.mark.parametrize(
    ("count_mj", "after_ms", "code"),
    [(1_500_000, 1000, "counter-backwards"), (90_000_000, 1000, "reading-implausible"), (2_000_000, 10_000, "stuck")],
)
def test_a_meter_that_cannot_be_believed_gives_no_number(count_mj: int, after_ms: int, code: str) -> None:
    meter = EnergyMeter(RATED_MW)
    meter.add(0, Answer(None, 1_000_000))
    meter.add(1000 * MS, Answer(None, 2_000_000))
    meter.start(1000 * MS)
    meter.add((1000 + after_ms) * MS, Answer(None, count_mj))
    energy_uj, _, fault = meter.take((1000 + after_ms) * MS)
    assert energy_uj is None
    assert fault is not None
    assert code in fault.code


def test_a_meter_that_stands_stays_a_fault_until_it_moves() -> None:
    meter = EnergyMeter(RATED_MW)
    meter.add(0, Answer(None, 1_000_000))
    meter.add(1000 * MS, Answer(None, 2_000_000))
    meter.start(1000 * MS)
    for second in range(2, 25):
        meter.add(second * 1000 * MS, Answer(None, 2_000_000))
        _, _, fault = meter.take(second * 1000 * MS)
        assert (fault.code if fault else None) == ("counter-stuck" if second >= 11 else None)
    meter.add(25_000 * MS, Answer(None, 3_000_000))
    _, _, begins = meter.take(25_000 * MS)
    assert begins is not None
    assert begins.code == "counter-begins"
    meter.add(26_000 * MS, Answer(None, 4_000_000))
    assert meter.take(26_000 * MS)[::2] == (1_000_000_000, None)


def test_an_answer_without_a_number_is_said_by_both() -> None:
    for meter in (PowerMeter(RATED_MW), EnergyMeter(RATED_MW)):
        fault = meter.add(0, Answer(None, None))
        assert fault is not None
        assert fault.code == "bmc-no-number"
