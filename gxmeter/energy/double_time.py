"""Whether two records of one host share time: what only the leaves and the extents of their sources can tell.

A leaf says how long of its half-hour was covered, not when. Two records surely share time if together they cover more
than there was; two files share time if their extents do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gxmeter.core.calendar import SLOT_MS
from gxmeter.energy.model import EnergyResult, Leaf, LeafKey, SourceFacts
from gxmeter.energy.overlaps import TOUCH_MS


@dataclass(slots=True)
class Cover:
    """Covered time [ms] by slot, of what covers most there, and the indexes of the sources that it comes from."""

    slots: dict[int, int] = field(default_factory=dict)
    sources: set[int] = field(default_factory=set)

    def add(self, result: EnergyResult, key: LeafKey, leaf: Leaf) -> None:
        """Take in a leaf."""
        self.slots[key.slot] = max(self.slots.get(key.slot, 0), leaf.covered_ms)
        self.sources |= result.source_of.get((key.run, key.site, key.device), set())

    def shared(self, other: Cover) -> set[int]:
        """The slots in which both cover something."""
        return self.slots.keys() & other.slots.keys()


def meeting_sources(result: EnergyResult, one: Cover, other: Cover) -> list[int]:
    """The sources of ``other`` that share time with ``one``, by index; empty where no slot is shared.

    Within one journal the meter has already decided what counts (ADR 0015), so a journal never meets itself.
    """
    if not one.shared(other):
        return []
    return sorted(index for index in other.sources if _meets(result, index, one, other))


def share_calendar(a: SourceFacts, b: SourceFacts) -> bool:
    """Whether the extents of two sources share more time than clocks can err."""
    if a.first_ms is None or a.last_ms is None or b.first_ms is None or b.last_ms is None:
        return False
    return min(a.last_ms, b.last_ms) - max(a.first_ms, b.first_ms) > TOUCH_MS


def _meets(result: EnergyResult, index: int, one: Cover, other: Cover) -> bool:
    facts = result.facts[index]
    if any(share_calendar(result.facts[i], facts) for i in one.sources - {index}):
        return True
    return index in one.sources and facts.origin is None and _covers_more_than_there_was(facts, (one, other))


def _covers_more_than_there_was(facts: SourceFacts, covers: tuple[Cover, Cover]) -> bool:
    one, other = covers
    if any(one.slots[slot] + other.slots[slot] > SLOT_MS for slot in one.shared(other)):
        return True
    if facts.first_ms is None or facts.last_ms is None:
        return False
    return _total_ms(covers) > facts.last_ms - facts.first_ms


def _total_ms(covers: Iterable[Cover]) -> int:
    return sum(covered_ms for cover in covers for covered_ms in cover.slots.values())
