"""Which parts are recorded, and which of them count.

A part is recorded once its claim is granted: exactly one meter per host has it. Where two sensors read one part
the better grade counts; where a part covers others (a Grace Hopper module its processor, a management controller
the whole machine) it counts in their stead. What does not count is written *beside* what does, for comparison.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from gxmeter.core.journal import Component, Method
from gxmeter.meter.host.allocation import Allocation
from gxmeter.meter.host.claims import Claims, Holder, Key, cpu_key, part_key, ram_key
from gxmeter.meter.sensors.base import NODE, Part

SHARED_GRADE = "X"
"""Grade of a part of which only a share is this job's (docs/explanation/grades.md)."""

_GRADES = ("A", "B", "C1", "C2", "D1", "D2", "E1", "E2", "F", SHARED_GRADE)
_WEAKER = ("E1", "E2", "F")
"""Grades whose interval is wider than a share's: the share of an estimate is no better known than the estimate."""

_SHARE = "-share"


@dataclass(slots=True)
class Entry:
    """A part that a sensor offers.

    Attributes:
        part: as the sensor says it.
        sensor: index of the sensor in the record.
        key: what must be claimed to record it.
        granted: whether the claim is ours.
        waited: whether another meter had it first.
        fresh: granted since the last reading, which therefore is not ours to count from.
        index: its place in the record's intervals, None while it is not recorded.
        beside: the entry that counts in its stead.
        share: numerator and denominator of what of it is this job's; None where all of it is.
    """

    part: Part
    sensor: int
    key: Key
    granted: bool = False
    waited: bool = False
    fresh: bool = False
    index: int | None = None
    beside: Entry | None = None
    share: tuple[int, int] | None = None

    def method(self, method: str) -> str:
        """The name of a reading's method, which says whether a share was taken."""
        return method + _SHARE if self.share is not None else method

    def portion(self, energy_uj: int) -> int:
        """This job's share of an energy, rounded down [uJ]."""
        return energy_uj if self.share is None else energy_uj * self.share[0] // self.share[1]


@dataclass(slots=True)
class Roster:
    """All parts of a host that this meter knows of.

    Attributes:
        host: name that stands before every device id.
        claims: who has what on this host.
        allocation: what of the host is this job's.
    """

    host: str
    claims: Claims
    allocation: Allocation
    entries: list[Entry] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    methods: list[Method] = field(default_factory=list)

    def know(self, methods: dict[str, str]) -> None:
        """Give every method a place in the record, and its variant for shared parts."""
        known = {item.method for item in self.methods}
        for method, grade in methods.items():
            if method not in known:
                shared = grade if grade in _WEAKER else SHARED_GRADE
                self.methods += [Method(method, grade), Method(method + _SHARE, shared)]

    def method_index(self, method: str) -> int:
        """Place of a method in the record."""
        return next(index for index, item in enumerate(self.methods) if item.method == method)

    def admit(self, sensor: int, parts: tuple[Part, ...]) -> list[Entry]:
        """Take up a sensor's parts, not yet claimed; their entries in the parts' order."""
        entries = [Entry(part, sensor, self._key(part), share=self._share(part)) for part in parts]
        self.entries += entries
        return entries

    def claim(self) -> bool:
        """Ask for everything that is not ours yet; whether anything was granted."""
        changed = False
        answers: dict[Key, Holder | None] = {}
        for entry in self.entries:
            if not entry.granted:
                if entry.key not in answers:
                    answers[entry.key] = self.claims.claim(entry.key)
                entry.granted = entry.fresh = answers[entry.key] is None
                entry.waited = entry.waited or not entry.granted
                changed = changed or entry.granted
        return changed

    def lose(self, keys: Iterable[Key]) -> list[int]:
        """Let go of what another meter got meanwhile; the indexes of the components that end here."""
        gone = set(keys)
        lost = [entry for entry in self.entries if entry.granted and entry.key in gone]
        ended = [entry.index for entry in lost if entry.index is not None]
        for entry in lost:
            entry.granted, entry.index, entry.beside = False, None, None
        return ended

    def may_have_host(self) -> bool:
        """Claim processor and memory before their sensors are opened; whether any of the two is ours."""
        cpu, ram = (self.claims.claim(key(self.allocation)) for key in (cpu_key, ram_key))
        return cpu is None or ram is None

    def labels(self) -> frozenset[str]:
        """Labels of all parts known so far."""
        return frozenset(entry.part.label for entry in self.entries)

    def arrange(self) -> list[tuple[int | None, Component]]:
        """Decide anew what counts.

        Returns:
            What changed, in the order to be written: the index of a component that ends here (or None), and the
            component that begins.
        """
        granted = [entry for entry in self.entries if entry.granted]
        counting: list[Entry] = []
        chosen: dict[int, Entry | None] = {}
        for entry in sorted(granted, key=self._order):
            better = next((other for other in counting if _stands_for(other, entry)), None)
            chosen[id(entry)] = better
            if better is None:
                counting.append(entry)
        changes = []
        for entry in sorted(granted, key=lambda item: chosen[id(item)] is not None):
            better = chosen[id(entry)]
            if entry.index is None or entry.beside is not better:
                changes.append(self._place(entry, better))
        return changes

    def _place(self, entry: Entry, better: Entry | None) -> tuple[int | None, Component]:
        ended = entry.index
        entry.index, entry.beside = len(self.components), better
        if ended is not None:
            self.components[ended] = replace(self.components[ended], beside=entry.index)
        component = self._component(entry)
        self.components.append(component)
        return ended, component

    def _component(self, entry: Entry) -> Component:
        part = entry.part
        return Component(
            index=entry.index or 0,
            device=f"{self.host}.{part.label}{self._suffix(entry)}",
            kind=part.kind,
            name=part.name,
            sensor=entry.sensor,
            method=self.method_index(entry.method(part.method)),
            boundary=part.boundary,
            uuid=part.uuid,
            rated_mw=part.rated_mw,
            counter_unit=part.counter_unit,
            beside=entry.beside.index if entry.beside is not None else None,
        )

    def _suffix(self, entry: Entry) -> str:
        """Two jobs may each record their share of one processor: their device ids must differ."""
        if entry.share is None:
            return ""
        mine = repr((self.allocation.cpus, self.allocation.cpu_groups, self.allocation.memory_groups))
        return f".s{hashlib.sha256(mine.encode()).hexdigest()[:8]}"

    def _order(self, entry: Entry) -> tuple[bool, int, int]:
        """Parts that cover others first, then by grade, then as the sensors were opened."""
        grade = self.methods[self.method_index(entry.part.method)].grade
        return (not entry.part.covers, _GRADES.index(grade), entry.sensor)

    def _key(self, part: Part) -> Key:
        return part_key(part, lambda: self.allocation)

    def _share(self, part: Part) -> tuple[int, int] | None:
        if part.boundary == NODE or part.kind == "gpu":
            return None
        return self.allocation.share_cpu() if part.kind == "cpu" else self.allocation.share_ram()


def _stands_for(better: Entry, entry: Entry) -> bool:
    """Whether ``better`` counts in the stead of ``entry``: it reads the same part, or covers it."""
    label = entry.part.label
    return better.part.label == label or any(fnmatchcase(label, pattern) for pattern in better.part.covers)
