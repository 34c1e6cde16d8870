"""The record of one meter: where it lies, its head, and what is remarked in it and to people.

The folder is made when the first record is due, off the training's thread: a meter that has nothing to write
leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import (
    Change,
    ClockChange,
    Component,
    Count,
    Gap,
    Head,
    Interval,
    Method,
    Phase,
    Remark,
    Sensor,
    SensorCame,
)
from gxmeter.meter.record.place import Place, claim
from gxmeter.meter.record.writer import JournalWriter
from gxmeter.meter.sensors.base import Fault
from gxmeter.meter.ticks import Moment

Put = Interval | Remark | Gap | Change | ClockChange | SensorCame | Phase | Count


@dataclass(slots=True)
class Recorder:
    """Writes one journal.

    Attributes:
        head: what is known of the head so far; before the first segment and at every new one it is written.
        workspace: folder to write to, or None for the user's state folder.
        segment_s: age at which a segment is closed [s].
        say: is told every finding at once.
    """

    head: Head
    workspace: Path | None
    segment_s: int
    say: Callable[[Finding], None]
    place: Place | None = None
    findings: list[Finding] = field(default_factory=list)
    begun: bool = False
    _writer: JournalWriter | None = None
    _early: list[tuple[Fault, Moment]] = field(default_factory=list)
    _said: set[tuple[str, str]] = field(default_factory=set)

    def begin(self, role: str) -> None:
        """Make the folder and write the head; where nothing can be written the findings say so."""
        self.begun = True
        moment = Moment(self.head.utc_ms, self.head.mono_ns, 0)
        try:
            self.place = claim(self.workspace, self.head.run, self.head.anchor_utc_ms)
            self._writer = JournalWriter(self.place.folder) if self.place else None
        except OSError:
            self.place = None
        faults = self.place.faults if self.place else (Fault("journal-unwritable"),)
        self.head = replace(self.head, journal=self.place.journal if self.place else "", role=role)
        if self._writer is not None:
            self._writer.head(self.head)
        early, self._early = self._early, []
        for fault, when in (*early, *((fault, moment) for fault in faults)):
            self.remark(fault, when)

    def sensor(self, sensor: Sensor, now: Moment) -> int:
        """Note a sensor; its index in the record."""
        self.head = replace(self.head, sensors=(*self.head.sensors, sensor))
        if self.begun:
            self.put(SensorCame(0, now.utc_ms, now.mono_ns, sensor))
        return len(self.head.sensors) - 1

    def components(self, parts: list[Component], changes: list[tuple[int | None, Component]], now: Moment) -> None:
        """Note the components; once the head is written, what changed becomes records."""
        self.head = replace(self.head, components=tuple(parts))
        for ended, part in changes if self.begun else ():
            if ended is not None:
                self.put(Change(0, now.utc_ms, now.mono_ns, removed=ended))
            self.put(Change(0, now.utc_ms, now.mono_ns, added=part))

    def methods(self, methods: list[Method]) -> None:
        """Note the methods; they are known before the head is written."""
        self.head = replace(self.head, methods=tuple(methods))

    def remark(self, fault: Fault, now: Moment, *, component: int | None = None) -> None:
        """Write a fault down; people are told once of each, however often it comes back."""
        if not self.begun:
            if (fault, now) not in self._early:
                self._early.append((fault, now))
            return
        params = dict(fault.params)
        if component is not None:
            params["device"] = self.head.components[component].device
        self._tell(fault.code, params)
        self.put(Remark(0, now.utc_ms, fault.code, tuple(sorted(params.items())), component))

    def _tell(self, code: str, params: dict[str, str]) -> None:
        """Tell people, unless they were told of the same of the same device."""
        item = finding(code, row=None, **params)
        known = (code, params.get("device", "") or item.en)
        if known not in self._said:
            self._said.add(known)
            self.findings.append(item)
            self.say(item)

    def put(self, record: Put) -> None:
        """Append a record."""
        if self._writer is not None:
            self._writer.write(record)

    def moved(self, asleep_ms: int) -> None:
        """The machine slept: the calendar place of what follows moves on [ms]."""
        self.head = replace(self.head, anchor_utc_ms=self.head.anchor_utc_ms + asleep_ms)

    def tidy(self, now: Moment) -> None:
        """Force to disk on the budget; begin a new segment where the old one is of age."""
        if self._writer is None:
            return
        if self._writer.due(now, self.segment_s):
            self.rotate(now)
        else:
            self._writer.sync(now)

    def rotate(self, now: Moment, *, role: str | None = None) -> None:
        """Close the segment and begin the next."""
        if self._writer is not None:
            self.head = replace(self.head, role=role or self.head.role)
            self._writer.rotate(replace(self.head, utc_ms=now.utc_ms, mono_ns=now.mono_ns), now)

    def close(self, reason: str, now: Moment, *, quiet: bool = False) -> None:
        """End the record. Where none was begun people are told at least, unless another meter does (``quiet``)."""
        if self._writer is not None:
            self._writer.close(reason, now)
        elif not self.begun and not quiet:
            for fault, _ in self._early:
                self._tell(fault.code, dict(fault.params))

    @property
    def lost(self) -> int:
        """Records that never reached the disk."""
        return self._writer.lost if self._writer is not None else 0
