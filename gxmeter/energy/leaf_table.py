"""Many leaves as columns that read like a dictionary from :class:`LeafKey` to :class:`Leaf`.

A dictionary of a million leaves takes half a gigabyte and seconds to build; columns take 40 MB. Keys and leaves are
made while one looks at them.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView

import numpy as np

from gxmeter.energy.model import Leaf, LeafKey
from gxmeter.energy.partial import Leaves
from gxmeter.telemetry.model import SeriesKey

_CHUNK = 65_536


class LeafTable(Mapping[LeafKey, Leaf]):
    """Leaves in order of slot, run, site and device.

    Memory: 40 bytes a leaf.
    """

    def __init__(self, keys: Sequence[SeriesKey], leaves: Leaves) -> None:
        """Hold leaves that are sorted by slot and key code, each pair once.

        Args:
            keys: by key code, sorted.
            leaves: their columns.
        """
        self._keys = tuple(keys)
        self._code = {key: code for code, key in enumerate(keys)}
        self._leaves = leaves
        self._place = leaves.slot * len(keys) + leaves.key

    def __len__(self) -> int:
        return len(self._leaves)

    def __iter__(self) -> Iterator[LeafKey]:
        return (key for key, _ in self.pairs())

    def __getitem__(self, key: LeafKey) -> Leaf:
        slot, *series = key
        code = self._code.get(SeriesKey(*series))
        if code is not None:
            place = slot * len(self._keys) + code
            row = int(np.searchsorted(self._place, place))
            if row < len(self._place) and self._place[row] == place:
                return Leaf(int(self._leaves.half_uj[row]), int(self._leaves.covered_ms[row]))
        raise KeyError(key)

    def items(self) -> ItemsView[LeafKey, Leaf]:
        """Keys and leaves, in order."""
        return _Items(self)

    def values(self) -> ValuesView[Leaf]:
        """Leaves, in order."""
        return _Values(self)

    def pairs(self) -> Iterator[tuple[LeafKey, Leaf]]:
        """Keys and leaves with Python ints, in order, one after the other."""
        for start in range(0, len(self), _CHUNK):
            part = self._leaves.at(np.arange(start, min(start + _CHUNK, len(self))))
            columns = (part.slot.tolist(), part.key.tolist(), part.half_uj.tolist(), part.covered_ms.tolist())
            for slot, code, half_uj, covered_ms in zip(*columns, strict=True):
                key = self._keys[code]
                yield LeafKey(slot, key.run, key.site, key.device), Leaf(half_uj, covered_ms)


class _Items(ItemsView[LeafKey, Leaf]):
    _mapping: LeafTable

    def __iter__(self) -> Iterator[tuple[LeafKey, Leaf]]:
        return self._mapping.pairs()


class _Values(ValuesView[Leaf]):
    _mapping: LeafTable

    def __iter__(self) -> Iterator[Leaf]:
        return (leaf for _, leaf in self._mapping.pairs())
