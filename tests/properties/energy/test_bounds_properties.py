"""No number of the kernel leaves int64: the greatest powers, the longest segments, a whole slot, any batches and files.

The oracle adds Python integers, so a sum that wraps anywhere would differ from it.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gxmeter.energy.kernel import partial
from gxmeter.energy.merge import close, merged
from gxmeter.energy.model import GapLimits
from gxmeter.energy.screen import MAX_POWER_MW, check_bounds, interval_rows
from gxmeter.telemetry.model import Batch
from tests.properties.energy import oracle
from tests.properties.energy.build import interval_batch, plain, power_batch
from tests.properties.energy.oracle import SLOT_MS, Row, Span

T0 = 1_775_001_600_000
LIMITS = GapLimits(default_ms=SLOT_MS)
GREAT_MW = st.sampled_from([0, 1, MAX_POWER_MW - 1, MAX_POWER_MW, MAX_POWER_MW])
STEPS_MS = st.sampled_from([1, 999, 60_000, 450_000, SLOT_MS - 1, SLOT_MS])


@settings(max_examples=150)
@given(st.lists(st.tuples(STEPS_MS, GREAT_MW), max_size=20), st.integers(0, SLOT_MS), st.randoms(use_true_random=False))
def test_greatest_powers_cut_anywhere_give_the_oracles_leaves(
    steps: list[tuple[int, int]], start_ms: int, random: Random
) -> None:
    ts_ms, samples = T0 + start_ms, []
    for step_ms, power_mw in steps:
        ts_ms += step_ms
        samples.append(Row("s", "g0", ts_ms, power_mw, "r"))
    places = sorted({0, len(samples), *(random.randint(0, len(samples)) for _ in range(6))})
    batches: list[Batch] = [power_batch(samples[a:b]) for a, b in pairwise(places)]
    files = [[], []]
    for i, batch in enumerate(batches):
        files[i >= len(batches) // 2].append(batch)
    result = close(merged(partial(f, name=str(i), limits=LIMITS) for i, f in enumerate(files)), LIMITS)
    assert plain(result) == oracle.integrate(samples, SLOT_MS)[0]
    assert all(0 <= leaf.half_uj <= 2 * MAX_POWER_MW * SLOT_MS < 2**63 for leaf in result.leaves.values())


def test_a_slot_at_the_greatest_power_from_many_batches_and_files_is_the_greatest_leaf() -> None:
    samples = [Row("s", "g0", T0 + 450 * i, MAX_POWER_MW, "r") for i in range(4_001)]
    parts = [
        partial([power_batch(samples[i : i + 100]) for i in range(first, first + 1_000, 100)], name=str(first))
        for first in range(0, 4_001, 1_000)
    ]
    result = close(merged(parts))
    assert [leaf.half_uj for leaf in result.leaves.values()] == [2 * MAX_POWER_MW * SLOT_MS]


def test_the_same_series_twice_is_refused_before_it_is_added() -> None:
    samples = [Row("s", "g0", T0 + SLOT_MS * i, MAX_POWER_MW, "r") for i in range(3)]
    parts = [partial([power_batch(samples)], name=name, limits=LIMITS) for name in "ab"]
    result = close(merged(parts), LIMITS)
    assert [(f.code, f.file) for f in result.findings] == [("files-overlap", "b")]
    assert plain(result) == oracle.integrate(samples, SLOT_MS)[0]


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from([0, 1, 2]), st.integers(0, 1)), min_size=1, max_size=12),
    st.integers(0, SLOT_MS),
)
def test_records_of_the_greatest_energy_stay_within_the_bound(
    shapes: list[tuple[int, int, int]], start_ms: int
) -> None:
    """Each record holds the greatest energy that passes the screen, or one less."""
    ts_ms, records = T0 + start_ms, []
    for length, scale, less in shapes:
        length_ms = length * (1, 997, 700_000)[scale]
        most = min(2 * length_ms * (MAX_POWER_MW + 1) - 1, 2**63 - 1)
        records.append(Span("s", "c0", ts_ms, ts_ms + length_ms, most - less, "r"))
        ts_ms += length_ms
    result = close(merged([partial([interval_batch(records)])]))
    assert plain(result) == oracle.spread(records)
    assert not result.findings


def test_what_is_just_beyond_the_bound_is_screened_out() -> None:
    from gxmeter.energy.keys import KeyTable
    from gxmeter.energy.screen import Faults

    table = KeyTable()
    batch = interval_batch([Span("s", "c0", T0, T0 + 7, 14 * (MAX_POWER_MW + 1), "r")])
    key = table.codes(batch.keys)[batch.key]
    assert not interval_rows(Faults(table), key, (batch.start_ms, batch.end_ms), batch.half_uj).any()


@pytest.mark.parametrize(
    ("half_uj", "covered_ms"),
    [(0, SLOT_MS + 1), (0, -1), (-1, 10), (2 * (MAX_POWER_MW + 1) * 10 + SLOT_MS + 1, 10), (1, 0)],
)
def test_a_sum_out_of_bounds_is_refused(half_uj: int, covered_ms: int) -> None:
    with pytest.raises(ArithmeticError, match=f"{half_uj} half-uJ in {covered_ms} ms"):
        check_bounds(np.array([0, half_uj]), np.array([0, covered_ms]))
