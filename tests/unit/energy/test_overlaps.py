"""Files that repeat samples or records: compared one by one, then cut."""

from __future__ import annotations

from gxmeter.energy.fingerprints import fingerprints
from gxmeter.energy.kernel import partial
from gxmeter.energy.model import Device
from gxmeter.energy.overlaps import NEVER_MS, Repeat, Shared, cut, repeats, shared
from gxmeter.telemetry.model import Batch
from tests.properties.energy.build import interval_batch, power_batch
from tests.unit.energy.test_kernel import LIMITS, T0, at, span

G0 = Device("s", "g0")
C0 = Device("s", "c0")


def found(*files: list[Batch]) -> dict[int, Repeat]:
    parts = [partial(batches, limits=LIMITS, name=f"f{i}") for i, batches in enumerate(files)]

    def same(place: Shared) -> bool:
        one, other = (files[piece.file] for piece in (place.earlier, place.later))
        return fingerprints(lambda: one, [place.window]) == fingerprints(lambda: other, [place.window])

    return repeats(shared(parts), same)


def power_of(*files: list[Batch]) -> dict[int, dict[Device, int]]:
    return {i: repeat.power for i, repeat in found(*files).items()}


def interval_of(*files: list[Batch]) -> dict[int, dict[Device, int]]:
    return {i: repeat.interval for i, repeat in found(*files).items()}


def test_a_cut_of_samples_leaves_other_devices_and_interval_records_alone() -> None:
    power = power_batch([at(0, 5), at(1, 5), at(0, 6, device="g1")])
    intervals = interval_batch([span(0, 1)])
    kept, same = cut([power, intervals], Repeat(power={G0: T0 + 1_000}))
    assert kept.key.tolist() == [0, 1]
    assert kept.ts_ms.tolist() == [T0 + 1_000, T0]
    assert same is intervals


def test_a_cut_of_records_leaves_other_devices_and_samples_alone() -> None:
    power = power_batch([at(0, 5, device="c0")])
    intervals = interval_batch([span(0, 1), span(1, 2), span(0, 1, device="c1")])
    samples, kept = cut([power, intervals], Repeat(interval={C0: T0 + 1_000}))
    assert samples.ts_ms.tolist() == [T0]
    assert kept.start_ms.tolist() == [T0 + 1_000, T0]


def test_identical_samples_are_cut_where_the_earlier_file_ends() -> None:
    rows = [at(s, s) for s in range(10)]
    intervals = interval_batch([span(0, 1)])
    assert power_of([power_batch(rows[:6])], [intervals, power_batch(rows[3:])]) == {1: {G0: T0 + 5_000}}
    assert power_of([power_batch(rows)], [power_batch(rows[3:5])]) == {1: {G0: NEVER_MS}}


def test_identical_records_are_cut_where_the_earlier_file_ends() -> None:
    rows = [span(s, s + 1, 100 + s) for s in range(10)]
    assert interval_of([interval_batch(rows[:6])], [interval_batch(rows[3:])]) == {1: {C0: T0 + 6_000}}
    assert interval_of([interval_batch(rows)], [interval_batch(rows)]) == {1: {C0: NEVER_MS}}
    (repeat,) = found([interval_batch(rows)], [interval_batch(rows[3:5])]).values()
    assert (repeat.interval, repeat.others) == ({C0: NEVER_MS}, {"f0"})


def test_records_that_follow_interleave_or_disagree_are_left_to_the_merge() -> None:
    rows = [span(s, s + 1, 100 + s) for s in range(10)]
    assert found([interval_batch(rows[:5])], [interval_batch(rows[5:])]) == {}
    assert found([interval_batch(rows[:3] + rows[6:])], [interval_batch(rows[3:6])]) == {}
    assert found([interval_batch(rows)], [interval_batch([span(3, 4, 1)])]) == {}
    assert found([interval_batch(rows[:5])], [interval_batch([span(4, 6, 104)])]) == {}
    assert found([interval_batch(rows[:5])], [interval_batch([span(4, 5, 104, run="other")])]) == {}


def test_files_that_follow_or_disagree_are_left_to_the_merge() -> None:
    rows = [at(s, s) for s in range(10)]
    assert found([power_batch(rows[:5])], [power_batch(rows[5:])]) == {}
    assert found([power_batch(rows[:5])], [power_batch(rows[3:4] + rows[6:])]) == {}
    assert found([power_batch(rows[:5])], [power_batch([at(3, 3, run="other"), *rows[4:]])]) == {}
