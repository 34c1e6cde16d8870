"""The kernel on numbers that can be checked by hand."""

from __future__ import annotations

import pytest

from gxmeter.core.errors import InputError
from gxmeter.energy.kernel import partial
from gxmeter.energy.merge import Merged, close, merged
from gxmeter.energy.model import Device, EnergyResult, GapLimits
from gxmeter.energy.ordering import LateRecordError
from gxmeter.energy.screen import MAX_POWER_MW
from tests.properties.energy.build import interval_batch, plain, power_batch
from tests.properties.energy.oracle import SLOT_MS, Row, Span, integrate

T0 = 1_775_001_600_000  # 1 April 2026 00:00 UTC, a slot edge
SLOT = T0 // SLOT_MS
LIMITS = GapLimits(default_ms=60_000)


def at(seconds: float, power_mw: int, run: str = "r", device: str = "g0") -> Row:
    return Row("s", device, T0 + round(seconds * 1000), power_mw, run)


def closed(*files: list[Row] | list[Span]) -> EnergyResult:
    parts = []
    for i, rows in enumerate(files):
        batch = power_batch(rows) if not rows or isinstance(rows[0], Row) else interval_batch(rows)
        parts.append(partial([batch], limits=LIMITS, name=f"file{i}"))
    return close(merged(parts), LIMITS)


def codes(result: EnergyResult) -> list[str]:
    return [f.code for f in result.findings]


def test_constant_kilowatt_for_a_minute_is_sixty_kilojoules() -> None:
    result = closed([at(0, 1_000_000), at(60, 1_000_000)])
    assert plain(result) == {(SLOT, "r", "s", "g0"): (60_000 * 2_000_000, 60_000)}


def test_a_ramp_is_a_trapezoid_with_half_microjoules() -> None:
    result = closed([Row("s", "g0", T0, 0, "r"), Row("s", "g0", T0 + 1, 1, "r")])
    assert plain(result) == {(SLOT, "r", "s", "g0"): (1, 1)}


def test_a_slot_edge_splits_by_the_boundary_power() -> None:
    """From 100 mW to 200 mW over 30 s, 10 s of them before the edge: pb = 133 mW, rounded down."""
    result = closed([at(-10, 100), at(20, 200)])
    head, whole = (100 + 133) * 10_000, 300 * 30_000
    assert plain(result) == {
        (SLOT - 1, "r", "s", "g0"): (head, 10_000),
        (SLOT, "r", "s", "g0"): (whole - head, 20_000),
    }


def test_a_segment_that_ends_at_the_edge_stays_in_its_slot() -> None:
    assert set(plain(closed([at(-10, 100), at(0, 100)]))) == {(SLOT - 1, "r", "s", "g0")}


def test_a_segment_belongs_to_the_run_of_its_first_sample() -> None:
    result = closed([at(0, 5, "a"), at(1, 5, "b"), at(3, 5, "b")])
    assert plain(result) == {(SLOT, "a", "s", "g0"): (10_000, 1_000), (SLOT, "b", "s", "g0"): (20_000, 2_000)}


def test_an_instant_is_entered_by_its_least_power_and_left_by_its_greatest() -> None:
    """Three samples at 1 s, in any order, one of them twice."""
    tied = [at(1, 30), at(1, 10), at(1, 20), at(1, 30)]
    for rows in ([at(0, 10), *tied, at(2, 30)], [at(0, 10), *tied[::-1], at(2, 30)]):
        assert plain(closed(rows)) == {(SLOT, "r", "s", "g0"): ((10 + 10) * 1_000 + (30 + 30) * 1_000, 2_000)}


def test_a_device_in_two_runs_at_once_is_counted_once_and_each_time_by_the_run_before_it() -> None:
    """Two loggers of two runs on one device, in one file: 1 kW is 1 kW."""
    result = closed([at(s, 1_000_000, run) for s, run in ((0, "a"), (1, "b"), (4, "a"), (5, "b"), (8, "a"))])
    assert {key[1]: leaf[1] for key, leaf in plain(result).items()} == {"a": 2_000, "b": 6_000}
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == 2 * 1_000_000 * 8_000


def test_of_two_runs_with_the_same_sample_the_first_by_name_has_it() -> None:
    for pair in ("ab", "ba"):
        assert {key[1] for key in plain(closed([at(0, 5, pair[0]), at(0, 5, pair[1]), at(1, 5, "c")]))} == {"a"}


def test_beyond_the_limit_is_a_gap_and_at_the_limit_is_not() -> None:
    result = closed([at(0, 5), at(60, 5), at(120.001, 5)])
    assert [(g.start_ms - T0, g.end_ms - T0) for g in result.gaps] == [(60_000, 120_001)]
    assert sum(leaf.covered_ms for leaf in result.leaves.values()) == 60_000


def test_the_greatest_power_over_the_longest_segment_does_not_wrap() -> None:
    limits = GapLimits(default_ms=SLOT_MS)
    rows = [at(0, MAX_POWER_MW), at(1800, MAX_POWER_MW)]
    result = close(merged([partial([power_batch(rows)], limits=limits)]), limits)
    assert [leaf.half_uj for leaf in result.leaves.values()] == [2 * MAX_POWER_MW * SLOT_MS]


def test_the_tail_keeps_what_the_boundary_powers_floor_left_over() -> None:
    """A head of half an hour less 7 ms before a tail of 6 ms: the remainder is more than the tail could hold itself."""
    limits = GapLimits(default_ms=SLOT_MS)
    rows = [Row("s", "g0", T0 + 7, MAX_POWER_MW - 3, "r"), Row("s", "g0", T0 + SLOT_MS + 6, MAX_POWER_MW - 2, "r")]
    result = close(merged([partial([power_batch(rows)], limits=limits)]), limits)
    assert plain(result) == integrate(rows, SLOT_MS)[0]
    assert plain(result)[SLOT + 1, "r", "s", "g0"] == (12_000_001_799_963, 6)


def test_what_cannot_be_is_left_out_and_named_once_per_device() -> None:
    rows = [at(0, 5), at(1, -1), at(2, MAX_POWER_MW + 1), at(3, MAX_POWER_MW + 2), at(4, 5), Row("s", "g0", -1, 5, "r")]
    result = closed(rows)
    assert codes(result) == ["power-implausible", "power-negative", "time-implausible"]
    assert "2 records" in result.findings[0].en
    assert plain(result) == {(SLOT, "r", "s", "g0"): (40_000, 4_000)}


def test_a_single_sample_is_no_energy_but_a_finding() -> None:
    result = closed([at(0, 5)])
    assert (result.leaves, codes(result)) == ({}, ["single-sample"])


def test_a_late_batch_is_refused_by_the_stream() -> None:
    with pytest.raises(LateRecordError):
        partial([power_batch([at(10, 5)]), power_batch([at(9, 5)])], limits=LIMITS)
    with pytest.raises(LateRecordError):
        partial([interval_batch([span(5, 6)]), interval_batch([span(4, 5.5)])], limits=LIMITS)


def test_nothing_gives_nothing() -> None:
    assert closed([]).leaves == close(Merged(), LIMITS).leaves == {}


def test_many_batches_are_added_up_on_the_way() -> None:
    power = partial((power_batch([at(i, 7)]) for i in range(300)), limits=LIMITS)
    intervals = partial((interval_batch([span(i, i + 1)]) for i in range(300)), limits=LIMITS)
    assert (len(power.power), len(intervals.interval)) == (1, 1)
    assert power.power.half_uj.tolist() == [2 * 7 * 299_000]
    assert intervals.ranges == {Device("s", "c0"): ((T0, T0 + 300_000, "r"),)}


@pytest.mark.parametrize("limit_ms", [0, -5, SLOT_MS + 1])
def test_a_limit_out_of_range_is_refused(limit_ms: int) -> None:
    with pytest.raises(InputError) as caught:
        GapLimits(default_ms=limit_ms)
    assert caught.value.code == "gap-limit-out-of-range"


def span(start_s: float, end_s: float, half_uj: int = 1_000, run: str = "r", device: str = "c0") -> Span:
    return Span("s", device, T0 + round(start_s * 1000), T0 + round(end_s * 1000), half_uj, run)


def test_an_interval_over_three_slots_keeps_its_total() -> None:
    result = closed([span(-900, 2700, 1_000_003)])
    assert [leaf.half_uj for leaf in result.leaves.values()] == [250_000, 500_002, 250_001]  # E: 250000.75, 750002.25
    assert result.gaps == []  # an interval has no gap limit


def test_an_interval_of_a_month_goes_by_plain_integers() -> None:
    half_uj = 2 * MAX_POWER_MW * 1_000
    result = closed([span(0, 31 * 86_400, half_uj)])
    assert len(result.leaves) == 31 * 48
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == half_uj


def test_a_hole_between_intervals_beyond_the_limit_is_a_gap() -> None:
    result = closed([span(0, 10), span(70, 80), span(141, 150, run="q")])
    assert [(g.run, g.start_ms - T0, g.end_ms - T0) for g in result.gaps] == [("r", 80_000, 141_000)]


def test_intervals_that_overlap_count_once() -> None:
    result = closed([span(0, 10), span(5, 12), span(9, 11), span(12, 13)])
    assert codes(result) == ["interval-overlap"]
    assert "2 records" in result.findings[0].en
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == 2_000


def test_intervals_that_cannot_be_are_left_out() -> None:
    bad = [
        span(5, 5),
        span(6, 7, -1),
        span(8, 9, 2 * (MAX_POWER_MW + 1) * 1_000),
        span(20, 20 + 3_661 * 86_400),
        Span("s", "c0", -5, 5, 1, "r"),
    ]
    result = closed(bad)
    assert codes(result) == [
        "interval-backward",
        "interval-negative",
        "interval-too-long",
        "power-implausible",
        "time-implausible",
    ]
    assert result.leaves == {}
