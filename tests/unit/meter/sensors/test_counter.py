"""What a counter adds up to, and what it must never turn into energy."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.findings import catalogue, finding
from gxmeter.meter.sensors.counter import JUDGED_NS, LIMIT_FACTOR, STILL_NS, Counter, Step

S = 1_000_000_000
RATED_MW = 700_000


def started(value: int = 5_000_000, **options: int) -> Counter:
    """A GPU's counter in millijoules, rated 700 W."""
    counter = Counter(1000, RATED_MW, **options)
    counter.start(value)
    return counter


def code(step: Step) -> str | None:
    return step.fault.code if step.fault else None


def test_counts_become_microjoules_with_the_counts_beside_them() -> None:
    step = started(5_000_000).step(5_300_000, S)
    assert (step.energy_uj, step.counter, step.fault) == (300_000_000, (5_000_000, 5_300_000), None)


def test_each_step_counts_from_the_one_before() -> None:
    counter = started(0)
    assert [counter.step(value, S).energy_uj for value in (100, 250, 400)] == [100_000, 150_000, 150_000]


def test_a_counter_that_goes_back_gives_nothing_once() -> None:
    counter = started(5_000_000)
    back = counter.step(40_000, S)
    assert (back.energy_uj, code(back), back.counter) == (None, "counter-backwards", (5_000_000, 40_000))
    assert dict(back.fault.params) == {"before": "5000000", "after": "40000"}  # type: ignore[union-attr]
    assert counter.step(340_000, S).energy_uj == 300_000_000


def test_a_counter_that_runs_over_goes_on() -> None:
    counter = Counter(1, 100_000, span=262_143_328_850)
    counter.start(262_143_328_850 - 40_000_000)
    assert counter.step(60_000_000, S).energy_uj == 100_000_000


def test_a_run_over_that_is_too_great_is_none() -> None:
    """One failed read, taken for a run over, once made 73 Wh of 0.2 (``metering.md`` section 0)."""
    counter = Counter(1, 100_000, span=262_143_328_850)
    counter.start(1_000_000_000)
    phantom = counter.step(500_000_000, S)
    assert (phantom.energy_uj, code(phantom)) == (None, "counter-backwards")


def test_a_jump_beyond_twice_the_rating_is_no_energy() -> None:
    counter = started(0)
    assert counter.step(1_400_000, S).energy_uj == 1_400_000_000
    jump = counter.step(1_400_000 + 1_400_001, S)
    assert (jump.energy_uj, code(jump)) == (None, "reading-implausible")
    assert dict(jump.fault.params) == {"found": "1400", "seconds": "1.000"}  # type: ignore[union-attr]
    assert counter.step(1_400_000 + 1_400_001 + 700_000, S).energy_uj == 700_000_000


def test_a_short_step_may_hold_two_moves_of_the_counter() -> None:
    """140 J in a tenth of a second are 1,400 W by the clock and 700 W by the counter's own."""
    counter = started(0)
    assert counter.step(210_000, S // 10).energy_uj == 210_000_000


def test_many_short_steps_are_judged_together() -> None:
    counter = started(0)
    steps = [counter.step(n * 210_000, S // 10) for n in range(1, 11)]
    assert [code(step) for step in steps[:6]] == [None] * 6
    assert "reading-implausible" in {code(step) for step in steps}


def test_a_long_step_before_does_not_excuse_a_jump() -> None:
    counter = started(0)
    assert counter.step(6_000, 60 * S).energy_uj == 6_000_000
    jump = counter.step(6_000 + 10_000_000, S // 2)
    assert (jump.energy_uj, code(jump)) == (None, "reading-implausible")


def test_a_counter_that_stands_still_is_no_zero() -> None:
    counter = started()
    stuck = counter.step(5_000_000, S)
    assert (stuck.energy_uj, code(stuck)) == (None, "counter-stuck")
    assert dict(stuck.fault.params) == {"counter": "5000000", "seconds": "1.000"}  # type: ignore[union-attr]
    assert code(counter.step(5_000_000, S // 10)) == "counter-stuck"


def test_half_a_second_without_a_move_is_a_standstill_by_itself() -> None:
    """At a period of half a second no interval may say zero."""
    assert code(started().step(5_000_000, STILL_NS)) == "counter-stuck"
    assert started().step(5_000_000, STILL_NS - 1).energy_uj == 0


def test_a_counter_not_yet_due_to_move_gives_zero_until_a_second_has_passed() -> None:
    counter = started()
    steps = [counter.step(5_000_000, S // 5) for _ in range(5)]
    assert [step.energy_uj for step in steps] == [0, 0, 0, 0, None]
    assert code(steps[-1]) == "counter-stuck"


def test_what_a_counter_makes_up_after_standing_still_belongs_to_no_interval() -> None:
    counter = started()
    counter.step(5_000_000, S)
    moved = counter.step(5_400_000, S)
    assert (moved.energy_uj, code(moved)) == (None, "counter-begins")
    assert counter.step(5_700_000, S).energy_uj == 300_000_000


def test_a_counter_that_cannot_be_read_is_a_gap_until_it_has_been_read_twice() -> None:
    counter = started()
    lost = counter.step(None, S, reason="GPU is lost")
    assert (code(lost), dict(lost.fault.params)) == ("sensor-read-failed", {"reason": "GPU is lost"})  # type: ignore[union-attr]
    again = counter.step(9_000_000, S)
    assert (again.energy_uj, code(again), again.counter) == (None, "counter-begins", None)
    assert counter.step(9_300_000, S).energy_uj == 300_000_000


def test_a_counter_that_could_not_be_read_at_the_start_begins_later() -> None:
    counter = Counter(1000, RATED_MW)
    counter.start(None)
    assert code(counter.step(1_000, S)) == "counter-begins"
    assert counter.step(301_000, S).energy_uj == 300_000_000


@given(st.lists(st.tuples(st.integers(1, RATED_MW // 10), st.just(S // 10)), min_size=1, max_size=60))
def test_no_count_of_a_counter_that_behaves_is_lost(steps: list[tuple[int, int]]) -> None:
    counter, value = started(0), 0
    total = 0
    for delta, elapsed_ns in steps:
        value += delta
        step = counter.step(value, elapsed_ns)
        assert step.fault is None
        total += step.energy_uj or 0
    assert total == value * 1000


READINGS = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(0, 3_000_000)), st.integers(1_000_000, 3 * S)),
    min_size=1,
    max_size=40,
)


@given(READINGS, st.sampled_from([None, 3_000_000]))
def test_whatever_a_counter_says_it_never_makes_more_than_the_hardware_can_draw(
    readings: list[tuple[int | None, int]], span: int | None
) -> None:
    counter = Counter(1000, RATED_MW, span)
    counter.start(0)
    believed: list[tuple[int, int]] = []
    for value, elapsed_ns in readings:
        step = counter.step(value, elapsed_ns)
        assert (step.energy_uj is None) == (step.fault is not None)
        if step.energy_uj is None:
            believed.clear()
            continue
        assert step.energy_uj >= 0
        assert step.energy_uj > 0 or elapsed_ns < JUDGED_NS // 2
        believed.append((step.energy_uj, elapsed_ns))
        assert within_the_limit(believed)


def within_the_limit(steps: list[tuple[int, int]]) -> bool:
    """Whether the steps of the last second or less hold no more than twice the rating over a second or more."""
    energy_uj = ns = 0
    for uj, passed in reversed(steps):
        energy_uj, ns = energy_uj + uj, ns + passed
        if energy_uj * 1_000_000 > LIMIT_FACTOR * RATED_MW * max(ns, JUDGED_NS):
            return False
        if ns >= JUDGED_NS:
            break
    return True


def test_every_fault_of_a_counter_has_its_sentence() -> None:
    for named in ("counter-begins", "counter-backwards", "counter-stuck", "reading-implausible", "sensor-read-failed"):
        assert named in catalogue()
    counter = started()
    counter.step(5_000_000, S)
    wrong = counter.step(1, S).fault
    assert wrong is not None
    assert "from 5000000 to 1 " in finding(wrong.code, device="node.gpu0", **dict(wrong.params)).en
