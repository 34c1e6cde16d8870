"""Declared energy: whatever the cuts, the parts add up to the whole and no part is negative."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gxmeter.energy.spread import spread_half_uj

TOTALS = st.integers(0, 10**30)
LENGTHS_MS = st.integers(1, 10**12)


@given(
    TOTALS,
    st.integers(0, 10**13),
    LENGTHS_MS,
    st.lists(st.integers(0, 10**12), max_size=8),
)
def test_parts_add_up_to_the_whole(total: int, start_ms: int, length_ms: int, offsets: list[int]) -> None:
    cuts = sorted({start_ms, start_ms + length_ms, *(start_ms + o % length_ms for o in offsets)})
    parts = [spread_half_uj(total, start_ms, start_ms + length_ms, a, b) for a, b in pairwise(cuts)]
    assert sum(parts) == total
    assert min(parts) >= 0


@given(TOTALS, LENGTHS_MS, st.integers(0, 10**12), st.integers(0, 10**12))
def test_a_part_is_within_one_unit_of_its_even_share(total: int, length_ms: int, a: int, b: int) -> None:
    a, b = sorted((a % (length_ms + 1), b % (length_ms + 1)))
    part = spread_half_uj(total, 0, length_ms, a, b)
    # Two floors at the end of the part and two at its start: less than one unit off either way.
    assert abs(part * length_ms - total * (b - a)) < length_ms
