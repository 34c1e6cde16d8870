"""Leaves as columns read like a dictionary."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from gxmeter.energy import leaf_table
from gxmeter.energy.leaf_sums import LeafSums
from gxmeter.energy.model import Device, Leaf, LeafKey
from gxmeter.energy.partial import Leaves
from gxmeter.telemetry.model import SeriesKey

KEYS = (SeriesKey("r2", "s", "a"), SeriesKey("r1", "s", "b"), SeriesKey("r1", "s", "a"))


def columns(*rows: tuple[int, int, int, int]) -> Leaves:
    return Leaves(*(np.array(column, np.int64) for column in zip(*rows, strict=True)))


def table():
    sums = LeafSums()
    sums.add(KEYS, columns((1, 3, 2, 20), (0, 4, 0, 10)), set())
    sums.add(KEYS[::-1], columns((1, 3, 3, 30)), set())
    return sums.total()


def test_it_equals_the_dictionary_in_content_and_order(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = LeafSums()
    assert sums.add(KEYS, columns((1, 3, 2, 20), (0, 4, 0, 10)), set()) == {KEYS[0], KEYS[1]}
    sums.add(KEYS[::-1], columns((1, 3, 3, 30)), set())
    expected = {LeafKey(3, "r1", "s", "b"): Leaf(5, 50), LeafKey(4, "r2", "s", "a"): Leaf(0, 10)}
    for chunk in (1, 65_536):
        monkeypatch.setattr(leaf_table, "_CHUNK", chunk)
        found = sums.total()
        assert found == expected
        assert (list(found), list(found.items()), list(found.values())) == (
            list(expected),
            list(expected.items()),
            list(expected.values()),
        )
    assert {type(number) for leaf in found.values() for number in leaf} == {int}
    assert pickle.loads(pickle.dumps(found)) == expected


def test_it_finds_what_is_there_and_nothing_else() -> None:
    found = table()
    assert found[LeafKey(3, "r1", "s", "b")] == Leaf(5, 50)
    for key in (LeafKey(4, "r1", "s", "b"), LeafKey(9, "r2", "s", "a"), LeafKey(3, "x", "s", "b")):
        assert key not in found
        with pytest.raises(KeyError):
            found[key]
    assert LeafSums().total() == {}


def test_devices_left_out_leave_nothing() -> None:
    sums = LeafSums()
    assert sums.add(KEYS, columns((0, 4, 1, 10), (1, 3, 1, 20)), {Device("s", "a")}) == {KEYS[1]}
    assert list(sums.total()) == [LeafKey(3, "r1", "s", "b")]


def test_time_that_is_counted_twice_is_no_sum() -> None:
    """Rather nothing than a number that may have wrapped."""
    sums = LeafSums()
    sums.add(KEYS, columns((0, 4, 1, 1_000_000)), set())
    sums.add(KEYS, columns((0, 4, 1, 1_000_000)), set())
    with pytest.raises(ArithmeticError):
        sums.total()
