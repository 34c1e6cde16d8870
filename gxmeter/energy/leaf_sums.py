"""Adding up the leaves of many files, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gxmeter.energy.leaf_table import LeafTable
from gxmeter.energy.model import Device, Leaf, LeafKey
from gxmeter.energy.neighbours import Booking
from gxmeter.energy.partial import Leaves, joined, summed
from gxmeter.telemetry.model import Int64, SeriesKey


class LeafSums:
    """Leaves of all files, by a code per series key.

    Memory: 32 bytes a leaf of a file, and as much again while they are added up.
    """

    def __init__(self) -> None:
        """Start without leaves."""
        self._code: dict[SeriesKey, int] = {}
        self._parts: list[Leaves] = []

    def add(self, keys: Sequence[SeriesKey], leaves: Leaves, left_out: set[Device]) -> set[SeriesKey]:
        """Add a file's leaves without the devices left out.

        Args:
            keys: the file's keys by key code.
            leaves: its leaves.
            left_out: devices whose leaves do not count.

        Returns:
            The keys that have leaves.
        """
        if not len(leaves):
            return set()
        has = np.zeros(len(keys), np.bool_)
        has[leaves.key] = True
        if left_out:
            out = np.array([Device(key.site, key.device) in left_out for key in keys], np.bool_)
            leaves = leaves.at(~out[leaves.key])
            has &= ~out
        used = [keys[code] for code in np.nonzero(has)[0].tolist()]
        code_of = np.full(len(keys), -1, np.int64)
        code_of[has] = self._codes(used)
        self._parts.append(Leaves(code_of[leaves.key], leaves.slot, leaves.half_uj, leaves.covered_ms))
        return set(used)

    def book(self, bookings: Iterable[Booking]) -> None:
        """Add single segments, as between two files."""
        rows = list(bookings)
        if rows:
            keys = self._codes([SeriesKey(key.run, key.site, key.device) for key, _, _ in rows])
            slot, half_uj, covered_ms = zip(*((key.slot, energy, ms) for key, energy, ms in rows), strict=True)
            self._parts.append(Leaves(keys, *(np.array(column, np.int64) for column in (slot, half_uj, covered_ms))))

    def total(self) -> Mapping[LeafKey, Leaf]:
        """All leaves, sorted by slot, run, site and device.

        Raises:
            ArithmeticError: some time of a device was added twice, so that a sum may have left int64 (see ``screen``).
        """
        keys = list(self._code)
        order = sorted(range(len(keys)), key=keys.__getitem__)
        rank = np.empty(len(keys), np.int64)
        rank[order] = np.arange(len(order))
        leaves = joined(self._parts)
        leaves = summed(Leaves(rank[leaves.key], leaves.slot, leaves.half_uj, leaves.covered_ms), by_slot=True)
        return LeafTable([keys[code] for code in order], leaves)

    def _codes(self, keys: Iterable[SeriesKey]) -> Int64:
        return np.array([self._code.setdefault(key, len(self._code)) for key in keys], np.int64)
