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
