"""Counters against plain integers, and large energies against the engine's rule."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.energy.intervals import split
from gxmeter.telemetry.counters import LONG_MS, Counters
from gxmeter.telemetry.meter_table.spans import pieces
from gxmeter.telemetry.model import SeriesKey

KEYS = tuple(SeriesKey("r", "s", f"d{i}") for i in range(3))
readings = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 10**7), st.integers(0, 10**6)), min_size=1, max_size=60)


def push(counters: Counters, rows: list[tuple[int, int, int]]) -> list[tuple[str, int, int, int]]:
    device, ts_ms, value = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    batch = counters.push(KEYS, device.astype(np.int32), ts_ms, value)
    columns = (batch.key, batch.start_ms, batch.end_ms, batch.half_uj)
    return [(batch.keys[k].device, a, b, e) for k, a, b, e in zip(*(c.tolist() for c in columns), strict=True)]


def oracle(rows: list[tuple[int, int, int]], per_count: int) -> tuple[list[tuple[str, int, int, int]], dict[str, int]]:
    """Sorted by time, the larger of two readings at one instant; every step that goes on is energy."""
    found, faults = [], {"counter-went-back": 0, "timing-unknown": 0}
    for device in range(3):
        at: dict[int, int] = {}
        for code, ts_ms, value in rows:
            if code == device:
                at[ts_ms] = max(value, at.get(ts_ms, value))
        times = sorted(at)
        for a, b in pairwise(times):
            if at[b] < at[a]:
                faults["counter-went-back"] += 1
                continue
            found.append((f"d{device}", a, b, (at[b] - at[a]) * per_count))
            faults["timing-unknown"] += at[b] > at[a] and b - a > LONG_MS
    return found, faults


@given(readings, st.sampled_from([1, 2000, 7_200_000]))
def test_the_energy_of_a_counter_is_that_of_its_steps(rows: list[tuple[int, int, int]], per_count: int) -> None:
    counters = Counters("f", per_count)
    wanted, faults = oracle(rows, per_count)
    assert sorted(push(counters, rows)) == sorted(wanted)
    counts = dict.fromkeys(faults, 0)
    for item in counters.findings():
        if item.code in counts:
            counts[item.code] += int(dict(item.params)["count"])
    assert counts == faults


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=40), st.integers(0, 999), st.randoms())
def test_a_counter_that_wraps_loses_nothing(steps: list[int], start: int, random: object) -> None:
    """A range of 10,000 counts and steps of at most 1,000: it wraps from its last tenth."""
    values = [9_000 + start]
    for step in steps:
        values.append((values[-1] + step) % 10_000)
    counters = Counters("f", 1, wraps_at=10_000)
    found = push(counters, [(0, 1000 * i, value) for i, value in enumerate(values)])
    assert sum(energy for *_, energy in found) == sum(steps)


@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=30, unique=True), st.data())
def test_the_whole_energy_is_booked_in_whatever_order_the_readings_come(times: list[int], data: st.DataObject) -> None:
    rows = [(0, at, at * 3) for at in times]
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    counters = Counters("f", 1)
    found = [row for part in (shuffled[:cut], shuffled[cut:]) if part for row in push(counters, part)]
    assert sum(energy for *_, energy in found) == 3 * (max(times) - min(times))
    spans = sorted((a, b) for _, a, b, _ in found)
    assert all(b <= c for (_, b), (c, _) in pairwise(spans))


@given(st.integers(0, 10**12), st.integers(1, 40 * 86_400_000), st.integers(0, 2**62))
def test_pieces_of_a_large_energy_are_those_that_the_engine_would_cut(start: int, length: int, half_uj: int) -> None:
    whole = split(
        np.zeros(1, np.int64), np.array([start]), np.array([start + length]), half_uj=np.array([half_uj], np.int64)
    )
    parts = pieces(start, start + length, half_uj)
    assert [part[2] for part in parts] == whole.half_uj.tolist()
    assert [end - begin for begin, end, _ in parts] == whole.covered_ms.tolist()
    assert parts[0][0] == start
    assert parts[-1][1] == start + length


@given(st.integers(0, 10**12), st.integers(1, 400 * 86_400_000), st.integers(0, 2**90))
def test_pieces_add_up_however_large_the_energy(start: int, length: int, half_uj: int) -> None:
    parts = pieces(start, start + length, half_uj)
    assert sum(part[2] for part in parts) == half_uj
    assert [a[1] for a in parts[:-1]] == [b[0] for b in parts[1:]]
