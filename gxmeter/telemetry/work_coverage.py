"""In how much of a run's time there is energy, and which of its work was counted in that time.

A meter keeps the work that it is told from its first moment on, but has energy only from the moment at which its
sensors are open. Energy divided by all the work would be too low, so a ratio takes the work of covered time alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gxmeter.core.phases import PhaseSums

Turn = tuple[int, str, bool]
"""A phase's turn: moment of the monotonic clock [ns], name, whether it begins."""


def tell(sums: PhaseSums, turns: Iterable[Turn]) -> None:
    """Tell sums by phase some turns, in order of time."""
    for at_ns, name, begins in turns:
        (sums.begin if begins else sums.end)(at_ns, name)


@dataclass(slots=True)
class Covered:
    """Time in which intervals have numbers: stretches in order, touching ones joined [ns of the monotonic clock].

    >>> covered = Covered(period_ns=10)
    >>> covered.add(100, 200)
    >>> [covered.holds(at_ns) for at_ns in (99, 100, 200, 210, 211)]
    [False, True, True, True, False]
    """

    period_ns: int
    starts_ns: list[int] = field(default_factory=list)
    ends_ns: list[int] = field(default_factory=list)

    def add(self, start_ns: int, end_ns: int) -> None:
        """Add an interval; they come in order of their starts."""
        if self.ends_ns and start_ns <= self.ends_ns[-1]:
            self.ends_ns[-1] = max(self.ends_ns[-1], end_ns)
        else:
            self.starts_ns.append(start_ns)
            self.ends_ns.append(end_ns)

    def holds(self, at_ns: int) -> bool:
        """Whether work told at a moment was done in this time: an interval holds it, or ended a period before at most.

        Work is told when it is done; so what is told just after the last interval was done in it.
        """
        place = bisect_right(self.starts_ns, at_ns) - 1
        return place >= 0 and at_ns <= self.ends_ns[place] + self.period_ns


def together(parts: Sequence[Covered]) -> Covered:
    """The time that any of several journals of one boot covers."""
    joined = Covered(max(part.period_ns for part in parts))
    for start_ns, end_ns in sorted(
        stretch for part in parts for stretch in zip(part.starts_ns, part.ends_ns, strict=True)
    ):
        joined.add(start_ns, end_ns)
    return joined


@dataclass(slots=True)
class PhaseTimes:
    """By the phases of one teller: energy and covered time of a journal, and how long its record is."""

    energy: PhaseSums = field(default_factory=PhaseSums)
    record: PhaseSums = field(default_factory=PhaseSums)

    def tell(self, turns: Sequence[Turn]) -> None:
        """Phases begin and end."""
        for sums in (self.energy, self.record):
            tell(sums, turns)
