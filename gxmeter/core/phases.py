"""Energy by phase of a run: each interval's energy goes to the phases in which its time lies.

A phase is a named stretch ("train", "eval"); phases may be nested, and the innermost takes the energy. Where a
phase begins or ends inside an interval, the interval is split by the rule for counters: of d microjoules over T
nanoseconds the part up to x is (d // T) * x + (d % T) * x // T. The meter adds up this way while it measures and a
reader does the same afterwards, so both say the same microjoules.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

OUTSIDE = ""
"""Name of the time in which no phase runs."""


@dataclass(slots=True)
class PhaseSum:
    """Energy [uJ] and covered time [ns] of a phase."""

    energy_uj: int = 0
    covered_ns: int = 0


@dataclass(slots=True)
class PhaseSums:
    """Sums by phase name. Events must be told before the interval in which they lie is added.

    >>> sums = PhaseSums()
    >>> sums.begin(400, "eval")
    >>> sums.add(0, 1000, 10)
    >>> {name: part.energy_uj for name, part in sums.by_name.items()}
    {'': 4, 'eval': 6}
    """

    by_name: dict[str, PhaseSum] = field(default_factory=dict)
    _running: list[str] = field(default_factory=list)
    _pending: deque[tuple[int, str, bool]] = field(default_factory=deque)

    def begin(self, at_ns: int, name: str) -> None:
        """A phase begins at a moment of the monotonic clock [ns]."""
        self._pending.append((at_ns, name, True))

    def end(self, at_ns: int, name: str) -> None:
        """A phase ends; one that never began is passed over."""
        self._pending.append((at_ns, name, False))

    def add(self, start_ns: int, end_ns: int, energy_uj: int) -> None:
        """An interval [ns) with its energy [uJ]."""
        at_ns, booked_uj = start_ns, 0
        length_ns = end_ns - start_ns
        while True:
            name = self.at(at_ns)
            next_ns = min(self._pending[0][0], end_ns) if self._pending else end_ns
            x = next_ns - start_ns
            upto_uj = (energy_uj // length_ns) * x + (energy_uj % length_ns) * x // length_ns
            part = self.by_name.setdefault(name, PhaseSum())
            part.energy_uj += upto_uj - booked_uj
            part.covered_ns += next_ns - at_ns
            at_ns, booked_uj = next_ns, upto_uj
            if at_ns >= end_ns:
                return

    def at(self, at_ns: int) -> str:
        """Name of the phase that runs at a moment [ns], from its begin on and until before its end.

        >>> sums = PhaseSums()
        >>> sums.begin(400, "eval")
        >>> sums.at(399), sums.at(400)
        ('', 'eval')
        """
        while self._pending and self._pending[0][0] <= at_ns:
            self._turn(*self._pending.popleft()[1:])
        return self._running[-1] if self._running else OUTSIDE

    def _turn(self, name: str, begins: bool) -> None:  # noqa: FBT001 - a stored event
        if begins:
            self._running.append(name)
        elif name in self._running:
            del self._running[len(self._running) - 1 - self._running[::-1].index(name)]
