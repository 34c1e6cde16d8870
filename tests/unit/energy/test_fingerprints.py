"""Digests of stretches of files: equal exactly if the sets of records are, however they stand in the files."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gxmeter.energy.fingerprints import INTERVAL, POWER, Window, fingerprints
from gxmeter.energy.model import Device
from gxmeter.telemetry.model import Batch
from tests.properties.energy.build import interval_batch, power_batch
from tests.properties.energy.oracle import Row, Span
from tests.unit.energy.test_kernel import T0, at, span

A, B = Device("s", "a"), Device("s", "b")
POWERS = st.lists(
    st.builds(at, st.integers(0, 4), st.integers(1, 2), st.sampled_from(["r", "q"]), device=st.sampled_from("ab")),
    max_size=6,
)
SPANS = st.lists(
    st.builds(
        lambda begin, length, run, device: span(begin, begin + length, 5, run=run, device=device),
        st.integers(0, 4),
        st.integers(1, 2),
        st.sampled_from(["r", "q"]),
        st.sampled_from("ab"),
    ),
    max_size=6,
)
WINDOWS = [
    Window(kind, device, T0 + low * 1_000, T0 + until * 1_000)
    for kind in (POWER, INTERVAL)
    for device in (A, B)
    for low, until in ((0, 3), (2, 5), (3, 3))
]


def inside(rows: list[Row], spans: list[Span], window: Window) -> set[tuple[object, ...]]:
    """The oracle: records as a set."""
    if window.kind == POWER:
        return {
            row for row in rows if row.device == window.device.device and window.low_ms <= row.ts_ms < window.until_ms
        }
    return {
        one
        for one in spans
        if one.device == window.device.device
        and one.start_ms < window.until_ms
        and (one.end_ms > window.low_ms or one.start_ms >= window.low_ms)
    }


def batches(rows: list[Row], spans: list[Span], seed: int) -> list[Batch]:
    """The records cut into batches anywhere, in any order."""
    chance = random.Random(seed)
    rows, spans = chance.sample(rows, len(rows)), chance.sample(spans, len(spans))
    cut = chance.randint(0, 6)
    return [power_batch(rows[:cut]), interval_batch(spans[cut:]), power_batch(rows[cut:]), interval_batch(spans[:cut])]


@given(POWERS, SPANS, POWERS, SPANS, st.integers(0, 99), st.sampled_from([1, 3, 10**6]))
def test_digests_are_equal_exactly_if_the_records_are(
    rows: list[Row], spans: list[Span], more_rows: list[Row], more_spans: list[Span], seed: int, max_rows: int
) -> None:
    one, other = (rows, spans), (rows + more_rows, more_spans + spans[:3])
    first = fingerprints(lambda: batches(*one, seed), WINDOWS)
    second = fingerprints(lambda: batches(*other, seed + 1), WINDOWS, max_rows=max_rows)
    for window, a, b in zip(WINDOWS, first, second, strict=True):
        assert (a == b) == (inside(*one, window) == inside(*other, window)), window


def test_many_windows_take_few_readings() -> None:
    reads: list[int] = []
    devices = [f"d{i}" for i in range(50)]
    rows = [at(s, 5, device=device) for s in range(10) for device in devices]
    windows = [Window(POWER, Device("s", device), T0, T0 + 10_000) for device in devices]

    def read() -> list[Batch]:
        reads.append(1)
        return [power_batch(rows[:300]), power_batch(rows[300:])]

    whole = fingerprints(read, windows)
    assert (len(set(whole)), len(reads)) == (1, 1)
    reads.clear()
    assert fingerprints(read, windows, max_rows=100) == whole
    assert len(reads) == 5
