"""The hour that the end of summer time repeats: which of the two a local time means, told by the order of the rows.

A logger writes 1:58, 1:59, and then 1:00 again: where the rows of one series go back inside that hour by half of it or
more, the second of the two has begun. Before that the first is meant.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gxmeter.core.findings import Finding, finding
from gxmeter.telemetry.model import Int64


@dataclass(slots=True)
class _Series:
    """Where a series stands: the first meaning of its newest time there [Unix ms]; whether it is in the second hour."""

    first_ms: int
    second: bool = False
    unsettled: int = 0


@dataclass(slots=True)
class RepeatedHour:
    """Settles times of one file.

    Attributes:
        settled_rows: how many rows were told by their order; for others the first of the two hours was taken.
    """

    settled_rows: int = 0
    _series: dict[Hashable, _Series] = field(default_factory=dict)

    def settled(self, first_ms: Int64, apart_ms: Int64, series: Sequence[Hashable] | None, *, step_ms: int) -> Int64:
        """How much later than its first meaning each time is [ms].

        Args:
            first_ms: the first meaning of each time [Unix ms].
            apart_ms: how much later the second one is [ms]; 0 where there is only one.
            series: whose time each is.
            step_ms: the length that a row stands for [ms], 0 where it is not known: rows of an hour or longer repeat
                the same time instead of going back.
        """
        added = np.zeros(len(first_ms), np.int64)
        for i in np.nonzero(apart_ms)[0].tolist():
            name = None if series is None else series[i]
            if self._is_second(name, int(first_ms[i]), int(apart_ms[i]), step_ms):
                added[i] = apart_ms[i]
        return added

    def findings(self, file: str) -> list[Finding]:
        """What was told by the order, and what was assumed."""
        unsettled = sum(one.unsettled for one in self._series.values())
        found = []
        if self.settled_rows:
            found.append(finding("time-repeated-told", file=file, count=self.settled_rows))
        if unsettled:
            found.append(finding("time-repeated", file=file, count=unsettled))
        return found

    def _is_second(self, name: Hashable, first_ms: int, apart_ms: int, step_ms: int) -> bool:
        known = self._series.get(name)
        if known is None or abs(first_ms - known.first_ms) > apart_ms:
            before = known.unsettled if known else 0
            known = self._series[name] = _Series(first_ms, unsettled=before)
        back_ms = known.first_ms - first_ms
        if not known.second and (back_ms * 2 >= apart_ms or (back_ms == 0 and step_ms >= apart_ms and known.unsettled)):
            known.second = True
            self.settled_rows += known.unsettled
            known.unsettled = 0
        known.first_ms = first_ms
        if known.second:
            self.settled_rows += 1
        else:
            known.unsettled += 1
        return known.second
