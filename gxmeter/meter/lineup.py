"""The sensors of a meter: opened, claimed, and taken up as they become ready or free.

Quick sensors (counters) are opened first; slow ones are opened by a thread of their own and join at an interval's
edge. A part that another meter of this host has is left to it and asked for again once a second, so that it is taken
over when that meter ends, however it ends.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from gxmeter.core.journal import METER, PARTICIPANT, Change
from gxmeter.core.journal import Sensor as SensorRecord
from gxmeter.meter.bell import Bell
from gxmeter.meter.host.claims import lost
from gxmeter.meter.loading import loading
from gxmeter.meter.record.recorder import Recorder
from gxmeter.meter.record.troubles import Troubles, gap
from gxmeter.meter.roster import Entry, Roster
from gxmeter.meter.sensors.base import Fault, Opened, Sample, Sensor, fault
from gxmeter.meter.sensors.early import Early, Opening
from gxmeter.meter.sensors.guarded import Guarded
from gxmeter.meter.ticks import NS_PER_S, Moment, Ticks

_HELD_UP_NS = 100_000_000
"""A sensor that takes longer to answer than this holds the reading up [ns]."""


@dataclass(slots=True)
class _Live:
    """A sensor that has been opened; ``started`` once one of its parts is ours."""

    sensor: Guarded
    entries: list[Entry]
    started: bool = False
    poll_ns: int = 0


@dataclass(slots=True)
class Lineup:
    """All sensors of one meter.

    Attributes:
        recorder: the record.
        roster: parts and claims.
        ticks: the clocks.
        troubles: components without numbers.
        began: when the meter was started.
        wake: set when a slow sensor is ready.
        compare: whether sensors are asked for parts that another reads already.
    """

    recorder: Recorder
    roster: Roster
    ticks: Ticks
    troubles: Troubles
    began: Moment
    wake: Bell
    compare: bool = False
    _lives: list[_Live] = field(default_factory=list)
    _slow: list[Guarded] = field(default_factory=list)
    _joining: deque[tuple[Guarded, Opened]] = field(default_factory=deque)
    _opening: list[Fault] = field(default_factory=list)
    _late: list[Opening] = field(default_factory=list)
    _host_elsewhere: bool = False
    _random: random.Random = field(default_factory=random.Random)  # noqa: S311 - for uneven times, no secret

    @property
    def counting(self) -> bool:
        """Whether parts of this host are ours, or nobody's: False where another meter has them all."""
        return any(entry.granted for entry in self.roster.entries) or not self.wanting

    @property
    def wanting(self) -> bool:
        """Whether another meter has something that we would read."""
        return bool(self._slow) or not all(entry.granted for entry in self.roster.entries)

    @property
    def joining(self) -> bool:
        """Whether a slow sensor is ready to join."""
        return bool(self._joining)

    def open(self, early: Early, slow: Sequence[Sensor]) -> Moment:
        """Begin the record with the quick sensors; the slow ones follow. The moment from which energy counts.

        Args:
            early: quick sensors, which count already.
            slow: sensors that are opened beside.
        """
        late = [one.guarded for one in early.late]
        for sensor in (*(guarded.sensor for guarded in (*early.sensors, *late)), *slow):
            self.roster.know(sensor.methods)
        self.recorder.methods(self.roster.methods)
        for guarded in early.sensors:
            self._admit(guarded, guarded.opened)
        self._slow += [Guarded(sensor) for sensor in slow]
        self._claim(early.at)
        fresh = [live for live in self._lives if any(entry.granted for entry in live.entries)]
        at = early.at
        if any(entry.granted and entry.key not in early.held for entry in self.roster.entries):
            for live in fresh:
                live.sensor.start()
            at = self.ticks.now()
        for live in fresh:
            self._begun(live)
        ours = self._begin_slow()
        if ours or self.counting:
            self.recorder.begin(METER)
        self._late += early.late
        for one in early.late:
            self.recorder.remark(fault("sensor-late", part=one.guarded.sensor.name), at)
            self._beside(self._await_late, one)
        return self._started(fresh, at)

    def _beside(self, work: Callable[..., None], *arguments: object) -> bool:
        """Do something in a thread of its own; False where the host gives this user no thread more."""
        try:
            threading.Thread(target=work, args=arguments, name="gxmeter-open", daemon=True).start()
        except RuntimeError:
            return False
        return True

    def _await_late(self, one: Opening) -> None:
        """A sensor that took its time joins when it is open."""
        one.done.wait()
        self._joining.append((one.guarded, one.guarded.opened))
        self.wake.set()

    def _taken(self) -> frozenset[str]:
        return frozenset() if self.compare else self.roster.labels()

    def _begin_slow(self) -> bool:
        """Open the slow sensors beside the loop, once processor or memory of this host is ours; whether it is now."""
        if not self._slow or not self.roster.may_have_host():
            self._host_elsewhere = self._host_elsewhere or bool(self._slow)
            return False
        slow, self._slow = self._slow, []
        if not self._beside(self._open_slow, slow):
            for sensor in slow:
                why = fault("sensor-unavailable", part=sensor.sensor.name, reason="no thread can be started")
                self._joining.append((sensor, Opened("-", faults=(why,))))
        return True

    def _open_slow(self, sensors: Sequence[Guarded]) -> None:
        """Open sensors that take their time, one after the other; they join at an interval's edge."""
        for sensor in sensors:
            with loading() if sensor.sensor.name == "codecarbon" else nullcontext():
                opened = sensor.open(self._taken())
            self._joining.append((sensor, opened))
            self.wake.set()

    def _admit(self, sensor: Guarded, opened: Opened) -> None:
        now = self.ticks.now()
        for item in opened.faults:
            if item not in self._opening:  # two sensors may say the same of one machine
                self._opening.append(item)
                self.recorder.remark(item, now)
        number = self.recorder.sensor(SensorRecord(sensor.sensor.name, opened.version, opened.driver), now)
        entries = self.roster.admit(number, opened.parts)
        for entry in entries:
            entry.waited = self._host_elsewhere and not sensor.sensor.quick
        self._lives.append(_Live(sensor, entries))

    def _claim(self, now: Moment) -> bool:
        """Ask for what is not ours; whether the components changed, as of the interval's edge ``now``."""
        if not self.roster.claim():
            return False
        before = {id(entry): entry.index for entry in self.roster.entries}
        changes = self.roster.arrange()
        for entry in self.roster.entries:
            known = before[id(entry)]
            if known is not None and known != entry.index:
                self.troubles.end(known, now)
        self.recorder.components(self.roster.components, changes, now)
        return True

    def _baseline(self) -> list[_Live]:
        """Set the baseline of every sensor that has a part of ours now; those that had none before."""
        fresh = [live for live in self._lives if not live.started and any(entry.granted for entry in live.entries)]
        for live in fresh:
            live.sensor.start()
            self._begun(live)
        return fresh

    def _begun(self, live: _Live) -> None:
        live.started = True
        for entry in live.entries:
            entry.fresh = entry.waited  # the interval that runs began before it was ours
        live.poll_ns = self._next_poll(live, self.ticks.now())

    def _started(self, fresh: list[_Live], now: Moment) -> Moment:
        """Write down since when the parts of these sensors are measured: from ``now``, which is returned."""
        if fresh and not self.recorder.begun:
            self.recorder.begin(METER)
        elif fresh and self.recorder.head.role == PARTICIPANT:
            self.recorder.rotate(now, role=METER)
        for live in fresh:
            for reason, waited in (("starting", False), ("elsewhere", True)):
                late = tuple(e.index for e in live.entries if e.index is not None and e.waited is waited)
                if late:
                    self.recorder.put(gap(self.began, now, reason, late))
        return now

    def join(self, last: Moment) -> Moment:
        """Take up sensors that have become ready and parts that have become free; from when the next interval runs."""
        joined = False
        self._begin_slow()
        while self._joining:
            self._admit(*self._joining.popleft())
            joined = True
        self._keep(last)
        if self._claim(last) or joined:
            self._started(self._baseline(), last)
        return last

    def _keep(self, now: Moment) -> None:
        """Hold on to the claims; what another meter got in spite of that ends here."""
        gone = self.roster.claims.keep()
        for index in self.roster.lose(gone):
            self.troubles.end(index, now)
            self.recorder.put(Change(0, now.utc_ms, now.mono_ns, removed=index))
        for key in gone:
            self.recorder.remark(lost(key), now)

    @property
    def next_poll_ns(self) -> int:
        """When the next sensor wants to be polled [ns, monotonic clock]; 0 where none does."""
        return min((live.poll_ns for live in self._lives if live.started and live.poll_ns), default=0)

    def poll(self) -> None:
        """Poll the sensors whose time has come."""
        now = self.ticks.now()
        for live in self._lives:
            if live.started and live.poll_ns and now.mono_ns >= live.poll_ns:
                live.sensor.poll()
                live.poll_ns = self._next_poll(live, now)

    def _next_poll(self, live: _Live, now: Moment) -> int:
        """Uneven on purpose: a steady rate would lock to a periodic load. 0 for a sensor that needs no polls [ns]."""
        if live.sensor.sensor.poll_s is None:
            return 0
        return now.mono_ns + round(live.sensor.sensor.poll_s * NS_PER_S * (0.5 + self._random.random()))

    def read(self, last: Moment, now: Moment) -> tuple[list[tuple[Entry, Sample]], Moment]:
        """One sample of every part that is ours since ``last``, and the moment for which they hold.

        That is ``now``, unless a sensor held the reading up: then the moment after it, for a sensor is told the time
        at which it is asked, and a counter was read at the end of the call that blocked.
        """
        samples, at = [], now
        for live in self._lives:
            told = live.sensor.read(at.mono_ns - last.mono_ns) if live.started else []
            for entry, sample in zip(live.entries, told, strict=False):
                if entry.index is not None and not entry.fresh:
                    samples.append((entry, sample))
                entry.fresh = False
            after = self.ticks.now()
            at = after if after.mono_ns - at.mono_ns > _HELD_UP_NS else at
        return samples, at

    def say_silent(self, now: Moment) -> None:
        """Sensors that never answered."""
        for one in self._late:
            if not one.done.is_set():
                self.recorder.remark(fault("sensor-silent", part=one.guarded.sensor.name), now)

    def close(self) -> None:
        """Let go of the sensors."""
        for live in self._lives:
            live.sensor.close()
