"""How files of one device meet: followed, touched, overlapped, counted by two instruments."""

from __future__ import annotations

from itertools import permutations

from gxmeter.energy.kernel import partial
from gxmeter.energy.merge import Merged, close, merge, merged
from gxmeter.energy.model import Gap
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
