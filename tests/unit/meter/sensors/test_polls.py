"""Power asked now and then, as energy: exact where it is known, a gap where it is not."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.findings import finding
from gxmeter.meter.sensors.base import Fault
from gxmeter.meter.sensors.polls import APART_NS, LIMIT_FACTOR, Polls

S = 1_000_000_000
RATED_MW = 700_000


def started(at_ns: int = 0, power_mw: int | None = 300_000) -> Polls:
    polls = Polls(RATED_MW)
    polls.start(at_ns, power_mw)
    return polls


def taken(polls: Polls) -> tuple[int | None, str | None]:
    energy_uj, wrong = polls.take()
    return energy_uj, wrong.code if wrong else None


def test_constant_power_is_power_times_time() -> None:
    polls = started()
    polls.add(S // 5, 300_000)
    polls.add(S, 300_000)
    assert polls.take() == (300_000_000, None)


def test_power_between_two_polls_runs_straight() -> None:
    polls = started(power_mw=100_000)
    polls.add(S, 500_000)
    assert polls.take() == (300_000_000, None)


def test_the_next_interval_begins_at_the_newest_poll() -> None:
    polls = started()
    polls.add(S, 300_000)
    polls.take()
    polls.add(3 * S, 300_000)
    assert polls.take() == (600_000_000, None)


def test_an_interval_without_a_poll_is_a_gap_and_its_energy_is_in_the_next() -> None:
    polls = started()
    assert taken(polls) == (None, "sensor-read-failed")
    polls.add(S, 300_000)
    assert taken(polls) == (300_000_000, None)


@pytest.mark.parametrize(
    ("power_mw", "expected"),
    [
        (None, "sensor-read-failed"),
        (0, "sensor-zero"),
        (-5, "reading-negative"),
        (LIMIT_FACTOR * RATED_MW + 1, "power-too-high"),
    ],
)
def test_a_power_that_cannot_be_spoils_its_interval_only(power_mw: int | None, expected: str) -> None:
    polls = started()
    polls.add(S // 2, power_mw)
    polls.add(S, 300_000)
    assert taken(polls) == (None, expected)
    polls.add(2 * S, 300_000)
    assert taken(polls) == (300_000_000, None)


def test_a_power_that_cannot_be_at_an_intervals_end_spoils_the_next_too() -> None:
    polls = started()
    polls.add(S, None)
    assert taken(polls) == (None, "sensor-read-failed")
    polls.add(2 * S, 300_000)
    assert taken(polls) == (None, "power-begins")
    polls.add(3 * S, 300_000)
    assert taken(polls) == (300_000_000, None)


@pytest.mark.parametrize("power_mw", [None, 0, -1, 10 * RATED_MW])
def test_a_start_that_says_nothing_begins_at_the_first_good_poll(power_mw: int | None) -> None:
    polls = started(power_mw=power_mw)
    polls.add(S, 300_000)
    assert taken(polls) == (None, "power-begins")
    polls.add(2 * S, 300_000)
    assert taken(polls) == (300_000_000, None)


def test_nobody_knows_the_power_between_polls_far_apart() -> None:
    polls = started()
    polls.add(APART_NS + S, 300_000)
    energy_uj, wrong = polls.take()
    assert energy_uj is None
    assert wrong == Fault("power-sparse", (("seconds", "11"),))
    polls.add(APART_NS + 2 * S, 300_000)
    assert taken(polls) == (300_000_000, None)


def test_polls_that_are_not_later_change_nothing() -> None:
    polls = started(at_ns=S)
    polls.add(S, 600_000)
    polls.add(S // 2, 600_000)
    polls.add(2 * S, 300_000)
    assert polls.take() == (300_000_000, None)


POLLS = st.lists(st.tuples(st.integers(1, S), st.integers(1, LIMIT_FACTOR * RATED_MW)), min_size=1, max_size=50)


@given(POLLS, st.lists(st.booleans(), min_size=50, max_size=50))
def test_intervals_add_up_to_the_whole_however_they_are_cut(polled: list[tuple[int, int]], cuts: list[bool]) -> None:
    polls, at_ns, before = started(), 0, 300_000
    exact, total = Fraction(0), 0
    for (passed_ns, power_mw), cut in zip(polled, cuts, strict=False):
        at_ns += passed_ns
        polls.add(at_ns, power_mw)
        exact += Fraction((before + power_mw) * passed_ns, 2_000_000)
        before = power_mw
        if cut:
            total += polls.take()[0] or 0
    rest, _ = polls.take()
    assert total + (rest or 0) == exact // 1


def square_mw(at_ns: int) -> int:
    """700 W and 100 W by turns, half a second each."""
    return 700_000 if at_ns % S < S // 2 else 100_000


def polled_square(next_poll: object) -> float:
    """Energy of 20 s of it, relative to the truth of 400 W."""
    polls, at_ns = started(power_mw=square_mw(0)), 0
    while at_ns < 20 * S:
        at_ns = min(20 * S, at_ns + next_poll())  # type: ignore[operator]
        polls.add(at_ns, square_mw(at_ns))
    return (polls.take()[0] or 0) / 8_000_000_000


@pytest.mark.parametrize("seed", range(20))
def test_uneven_polls_do_not_lock_to_a_load_that_is_periodic(seed: int) -> None:
    moments = random.Random(seed)
    assert polled_square(lambda: round(moments.uniform(0.1, 0.3) * S)) == pytest.approx(1, abs=0.05)


def test_polls_at_the_loads_own_rate_would_be_three_quarters_off() -> None:
    """Why the times must be uneven; nothing here can mend even ones."""
    assert polled_square(lambda: S) == pytest.approx(1.75)


def test_every_fault_of_a_poll_has_its_sentence() -> None:
    polls = started()
    polls.add(S, 2_000_000)
    wrong = polls.take()[1]
    assert wrong is not None
    assert "2000 W, which its rating of 700 W" in finding(wrong.code, device="node.gpu0", **dict(wrong.params)).en
