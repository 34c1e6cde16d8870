"""Readings of a counter become energy; how they are handed in changes nothing."""

from __future__ import annotations

import numpy as np

from gxmeter.telemetry.counters import Counters
from gxmeter.telemetry.model import IntervalBatch, SeriesKey

FIRST, SECOND = SeriesKey("run-1", "site", "gpu"), SeriesKey("run-2", "site", "gpu")


def pushed(counters: Counters, *readings: tuple[SeriesKey, int, int]) -> list[tuple[str, int, int, int]]:
    keys = tuple(dict.fromkeys(key for key, _, _ in readings))
    code = np.array([keys.index(key) for key, _, _ in readings], np.int32)
    batch = counters.push(
        keys, code, *(np.array(column, np.int64) for column in zip(*(r[1:] for r in readings), strict=True))
    )
    return rows(batch)


def rows(batch: IntervalBatch) -> list[tuple[str, int, int, int]]:
    columns = (batch.key, batch.start_ms, batch.end_ms, batch.half_uj)
    return [(batch.keys[key].run, *rest) for key, *rest in zip(*(c.tolist() for c in columns), strict=True)]


def test_energy_between_two_runs_belongs_to_the_first_however_the_readings_are_handed_in() -> None:
    readings = [(FIRST, 0, 10), (FIRST, 1000, 30), (SECOND, 2000, 70), (SECOND, 3000, 150)]
    wanted = [("run-1", 0, 1000, 20), ("run-1", 1000, 2000, 40), ("run-2", 2000, 3000, 80)]
    assert pushed(Counters("f", 1), *readings) == wanted
    for cut in range(1, 4):
        counters = Counters("f", 1)
        assert pushed(counters, *readings[:cut]) + pushed(counters, *readings[cut:]) == wanted


def told(counters: Counters) -> dict[str, str]:
    return {item.code: dict(item.params)["count"] for item in counters.findings()}


def test_a_step_that_no_device_can_make_is_named_and_not_booked() -> None:
    counters = Counters("f", 2_000, max_power_mw=1_000)  # millijoules of a part of at most one watt
    assert pushed(counters, (FIRST, 0, 0), (FIRST, 1000, 1000), (FIRST, 2000, 2001), (FIRST, 3000, 3001)) == [
        ("run-1", 0, 1000, 2_000_000),
        ("run-1", 2000, 3000, 2_000_000),
    ]
    assert told(counters) == {"counter-jump": "1"}


def test_a_counter_that_begins_anew_costs_the_interval_and_no_more() -> None:
    counters = Counters("f", 1)
    assert [row[3] for row in pushed(counters, (FIRST, 0, 50), (FIRST, 1, 60), (FIRST, 2, 5), (FIRST, 3, 9))] == [10, 4]
    assert told(counters) == {"counter-went-back": "1"}


def test_a_wrap_is_taken_from_the_last_tenth_only() -> None:
    near, far = Counters("f", 1, wraps_at=1000), Counters("f", 1, wraps_at=1000)
    assert [row[3] for row in pushed(near, (FIRST, 0, 950), (FIRST, 1, 20))] == [70]
    assert told(near) == {"counter-wrapped": "1"}
    assert pushed(far, (FIRST, 0, 500), (FIRST, 1, 20)) == []
    assert told(far) == {"counter-went-back": "1"}


def test_late_readings_and_two_at_one_instant_are_named() -> None:
    counters = Counters("f", 1)
    pushed(counters, (FIRST, 0, 0), (FIRST, 2000, 20))
    assert pushed(counters, (FIRST, 1000, 10), (FIRST, 2000, 25), (FIRST, 3000, 40)) == [("run-1", 2000, 3000, 20)]
    assert told(counters) == {"counter-late": "1", "counter-two-readings": "1"}


def test_of_two_readings_at_one_instant_the_larger_ends_what_came_before() -> None:
    counters = Counters("f", 1)
    assert [row[3] for row in pushed(counters, (FIRST, 0, 0), (FIRST, 1, 5), (FIRST, 1, 7), (FIRST, 2, 9))] == [7, 2]
    assert told(counters) == {"counter-two-readings": "1"}


def test_energy_over_more_than_half_an_hour_is_booked_and_its_timing_named() -> None:
    counters = Counters("f", 1)
    assert [row[3] for row in pushed(counters, (FIRST, 0, 0), (FIRST, 1_800_001, 7), (FIRST, 9_000_000, 7))] == [7, 0]
    assert told(counters) == {"timing-unknown": "1"}
