"""How files of one device meet: followed, touched, overlapped, counted by two instruments."""

from __future__ import annotations

import pickle
from dataclasses import replace
from itertools import permutations

import pytest

from gxmeter.energy.kernel import partial
from gxmeter.energy.merge import Merged, close, merge, merged
from gxmeter.energy.model import Gap, GapLimits
from tests.properties.energy.build import plain, power_batch
from tests.unit.energy.test_kernel import LIMITS, SLOT, T0, at, closed, codes, span


def test_neighbouring_files_are_bridged_across_a_slot_edge() -> None:
    result = closed([at(-20, 100), at(-10, 100)], [at(20, 200), at(30, 200)])
    assert plain(result) == plain(closed([at(-20, 100), at(-10, 100), at(20, 200), at(30, 200)]))


def test_the_bridge_belongs_to_the_run_of_the_earlier_file() -> None:
    result = closed([at(0, 5, "a"), at(1, 5, "a")], [at(3, 5, "b"), at(4, 5, "b")])
    assert plain(result) == {(SLOT, "a", "s", "g0"): (30_000, 3_000), (SLOT, "b", "s", "g0"): (10_000, 1_000)}


def test_files_too_far_apart_leave_a_gap() -> None:
    result = closed([at(0, 5), at(1, 5)], [at(100, 5), at(101, 5)])
    assert result.gaps == [Gap("r", "s", "g0", T0 + 1_000, T0 + 100_000)]


def test_files_that_meet_in_one_identical_instant_join() -> None:
    result = closed([at(0, 5), at(1, 5), at(1, 9)], [at(1, 9), at(1, 5), at(2, 5)])
    assert plain(result) == plain(closed([at(0, 5), at(1, 5), at(1, 9), at(2, 5)]))
    assert codes(result) == []


def test_files_that_meet_in_a_different_instant_are_refused() -> None:
    result = closed([at(0, 5), at(1, 5)], [at(1, 6), at(2, 5)])
    assert codes(result) == ["files-overlap"]
    assert (result.findings[0].file, "file0" in result.findings[0].en) == ("file1", True)
    assert plain(result) == {(SLOT, "r", "s", "g0"): (10_000, 1_000)}
    assert result.source_of == {("r", "s", "g0"): {0}}


def test_a_refused_file_still_counts_for_its_other_devices() -> None:
    result = closed([at(0, 5), at(10, 5)], [at(3, 6), at(4, 6), at(0, 7, device="g1"), at(1, 7, device="g1")])
    assert {key[3] for key in plain(result)} == {"g0", "g1"}
    assert result.source_of == {("r", "s", "g0"): {0}, ("r", "s", "g1"): {1}}


def test_the_order_of_merging_does_not_matter_even_for_refusals() -> None:
    files = [[at(0, 5), at(5, 5)], [at(4, 6), at(9, 6)], [at(8, 7), at(12, 7)]]
    parts = [merged([partial([power_batch(rows)], limits=LIMITS, name=f"f{i}")]) for i, rows in enumerate(files)]
    seen = set()
    for a, b, c in permutations(parts):
        left, right = merge(merge(a, b), c), merge(a, merge(b, c))
        assert left == right == merge(left, Merged())
        result = close(left, LIMITS)
        seen.add((tuple(plain(result).items()), tuple(f.file or "" for f in result.findings)))
    assert len(seen) == 1
    assert seen.pop()[1] == ("f1",)  # f2 follows f0 once f1 is out


def test_a_device_in_two_runs_at_once_in_two_files_is_refused_and_named() -> None:
    result = closed([at(s, 5, "a") for s in (0, 2, 4)], [at(s, 5, "b") for s in (1, 3, 5)])
    assert [(f.code, f.file) for f in result.findings] == [("files-overlap", "file1")]
    assert "file0" in result.findings[0].en
    assert plain(result) == {(SLOT, "a", "s", "g0"): (40_000, 4_000)}


def test_what_waits_for_the_gap_limit_is_decided_over_all_files() -> None:
    """90 s is a gap to a device sampled every second, and none to one sampled every 20 s."""
    quick = [at(s, 5) for s in (*range(10), 99)]
    slow = [at(s, 5, device="g1") for s in (0, 20, 40, 130)]
    parts = [partial([power_batch(rows)], name=name) for name, rows in (("q", quick), ("s", slow))]
    assert [len(part.pending) for part in parts] == [1, 1]
    result = close(merged(pickle.loads(pickle.dumps(part)) for part in parts))
    assert [(g.device, g.start_ms - T0) for g in result.gaps] == [("g0", 9_000)]
    assert sum(leaf.covered_ms for leaf in result.leaves.values()) == 9_000 + 130_000
    assert result.source_of == {("r", "s", "g0"): {0}, ("r", "s", "g1"): {1}}


def test_a_partial_of_other_limits_is_an_error_and_never_an_answer() -> None:
    rows = [power_batch([at(0, 5), at(90, 5)])]
    for part, limits in (
        (partial(rows), GapLimits(default_ms=59_999)),  # what is sure at 60 s is not at less
        (partial(rows, limits=LIMITS), GapLimits(default_ms=60_001)),
        (replace(partial(rows), needs_limit=True), LIMITS),
    ):
        with pytest.raises(ValueError, match="read the file again"):
            close(merged([part]), limits)


def test_interval_files_that_overlap_are_refused_by_name() -> None:
    result = closed([span(0, 10)], [span(9, 12)], [span(10, 20)])
    assert codes(result) == ["files-overlap"]
    assert result.findings[0].file == "file1"
    assert sum(leaf.half_uj for leaf in result.leaves.values()) == 2_000


def test_counters_take_precedence_over_polled_power() -> None:
    """The counter covers 10 s to 20 s; the polled samples reach from 0 s to 200 s."""
    result = closed([at(s, 5, device="c0") for s in range(0, 201, 50)], [span(10, 20)])
    assert codes(result) == ["power-superseded"]
    assert [leaf.half_uj for leaf in result.leaves.values()] == [1_000]
    assert result.gaps == [Gap("r", "s", "c0", T0 + 20_000, T0 + 200_000)]


def test_polled_power_beside_the_counters_time_counts() -> None:
    result = closed(
        [at(0, 5, device="c0"), at(10, 5, device="c0")],
        [span(10, 20)],
        [at(25, 5, device="c0"), at(26, 5, device="c0")],
    )
    assert codes(result) == []
    assert sum(leaf.covered_ms for leaf in result.leaves.values()) == 21_000  # nothing is bridged over counted time


def test_nothing_to_do_for_a_device_that_every_file_leaves_out() -> None:
    result = closed([span(0, 10), span(0, 10, 999)], [span(0, 10)])
    assert codes(result) == ["interval-overlap", "files-overlap"]
    assert len(result.leaves) == 1
