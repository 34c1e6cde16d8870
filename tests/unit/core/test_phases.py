"""Energy by phase: split exactly at a phase's edges, the innermost phase takes it, nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.phases import OUTSIDE, PhaseSums


def sums(*steps: tuple[object, ...]) -> dict[str, tuple[int, int]]:
    made = PhaseSums()
    for name, *values in steps:
        getattr(made, str(name))(*values)
    return {name: (part.energy_uj, part.covered_ns) for name, part in made.by_name.items()}


def test_without_phases_all_energy_is_outside() -> None:
    assert sums(("add", 0, 1000, 7)) == {OUTSIDE: (7, 1000)}


def test_an_interval_is_split_where_a_phase_begins_and_ends() -> None:
    assert sums(("begin", 250, "eval"), ("end", 750, "eval"), ("add", 0, 1000, 8)) == {
        OUTSIDE: (4, 500),
        "eval": (4, 500),
    }


def test_the_split_rounds_down_and_the_rest_goes_to_what_follows() -> None:
    assert sums(("begin", 1, "a"), ("begin", 2, "b"), ("add", 0, 3, 10)) == {
        OUTSIDE: (3, 1),
        "a": (3, 1),
        "b": (4, 1),
    }


def test_the_innermost_phase_takes_the_energy() -> None:
    assert sums(
        ("begin", 0, "train"), ("begin", 100, "save"), ("end", 200, "save"), ("end", 400, "train"), ("add", 0, 400, 400)
    ) == {"train": (300, 300), "save": (100, 100)}


def test_the_same_name_nested_ends_one_by_one() -> None:
    found = sums(("begin", 0, "a"), ("begin", 10, "a"), ("end", 20, "a"), ("add", 0, 40, 40))
    assert found == {"a": (40, 40)}


def test_an_end_that_never_began_changes_nothing() -> None:
    assert sums(("end", 5, "ghost"), ("add", 0, 10, 10)) == {OUTSIDE: (10, 10)}


def test_a_phase_that_ends_in_a_gap_has_ended_when_energy_comes_again() -> None:
    found = sums(("begin", 0, "a"), ("add", 0, 10, 10), ("end", 15, "a"), ("add", 20, 30, 10))
    assert found == {"a": (10, 10), OUTSIDE: (10, 10)}


def test_a_moment_belongs_to_the_phase_that_begins_there_and_not_to_the_one_that_ends_there() -> None:
    made = PhaseSums()
    made.begin(10, "a")
    made.end(20, "a")
    assert [made.at(at) for at in (9, 10, 19, 20)] == ["", "a", "a", ""]


moments = st.lists(st.integers(0, 5_000), max_size=12).map(sorted)


@given(
    moments,
    st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans()), min_size=12, max_size=12),
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, 10**15), st.integers(0, 50)), min_size=1, max_size=8),
)
def test_phases_add_up_to_the_whole_exactly(
    turns: list[int], events: list[tuple[str, bool]], intervals: list[tuple[int, int, int]]
) -> None:
    made, at_ns, total_uj, covered_ns = PhaseSums(), 0, 0, 0
    for moment, (name, begins) in zip(turns, events, strict=False):
        (made.begin if begins else made.end)(moment, name)
    for length_ns, energy_uj, gap_ns in intervals:
        made.add(at_ns, at_ns + length_ns, energy_uj)
        at_ns += length_ns + gap_ns
        total_uj, covered_ns = total_uj + energy_uj, covered_ns + length_ns
    assert sum(part.energy_uj for part in made.by_name.values()) == total_uj
    assert sum(part.covered_ns for part in made.by_name.values()) == covered_ns
    assert all(part.energy_uj >= 0 and part.covered_ns >= 0 for part in made.by_name.values())
