"""The sampling thread's work: open the sensors, claim the parts, then one interval record a period until told to stop.

It decides what may become a number. Quick sensors (counters) are opened first; slow ones are opened by a thread of
their own and join when they are ready. A part that another meter of this host has is left to it and asked for
again once a second, so that it is taken over when that meter ends, however it ends. A machine asleep is a gap, a
wall clock that was set is remarked; both are seen by comparing three clocks.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gxmeter.core.journal import METER, MIN_INTERVAL_NS, PARTICIPANT, STEP, SUSPEND, Change, ClockChange, Interval
from gxmeter.core.journal import Sensor as SensorRecord
from gxmeter.meter.budget import Budget
from gxmeter.meter.claims import lost
from gxmeter.meter.recorder import Recorder
from gxmeter.meter.roster import Entry, Roster
from gxmeter.meter.sensors.base import NODE, Fault, Opened, Sample, Sensor, fault
from gxmeter.meter.sensors.guarded import Guarded
from gxmeter.meter.ticks import NS_PER_MS, NS_PER_S, Moment, Ticks
from gxmeter.meter.totals import Number, Totals
from gxmeter.meter.troubles import Troubles, gap
from gxmeter.meter.work import Work

_CLAIM_NS = NS_PER_S
"""How often what another meter has is asked for again [ns]."""

_SHORTEST_CUT_NS = 250_000_000
"""A phase that begins or ends cuts the interval, but makes none shorter than this [ns]."""

_APART_MS = 500
"""Wall and monotonic clock that part by more in one interval were set, or the machine slept [ms]."""

_STALL_PERIODS = 3


@dataclass(slots=True)
class _Live:
    """A sensor that has been opened; ``started`` once one of its parts is ours."""

    sensor: Guarded
    entries: list[Entry]
    started: bool = False
    poll_ns: int = 0


@dataclass(slots=True)
class Sampler:
    """One measuring session. :meth:`run` is the thread's body; the fields are for onlookers.

    Attributes:
        recorder: the record.
        roster: parts and claims.
        ticks: the clocks.
        work: phases and counts told by the training.
        budget: energy that may be used.
        period_ns: wished length of an interval [ns].
        began: when the meter was started.
        compare: whether sensors are asked for parts that another reads already.
        stop: set to end.
        wake: set to be looked at soon: something was told, or the end has come.
    """

    recorder: Recorder
    roster: Roster
    ticks: Ticks
    work: Work
    budget: Budget
    period_ns: int
    began: Moment
    compare: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)
    ready: threading.Event = field(default_factory=threading.Event)
    totals: Totals = field(default_factory=Totals)
    reason: str = "stop"
    _lives: list[_Live] = field(default_factory=list)
    _slow: list[Guarded] = field(default_factory=list)
    _joining: deque[tuple[Guarded, Opened]] = field(default_factory=deque)
    _troubles: Troubles | None = None
    _random: random.Random = field(default_factory=random.Random)  # noqa: S311 - for uneven times, no secret

    @property
    def counting(self) -> bool:
        """Whether parts of this host are ours, or nobody's: False where another meter has them all."""
        elsewhere = self._slow or any(not entry.granted for entry in self.roster.entries)
        return any(entry.granted for entry in self.roster.entries) or not elsewhere

    def run(self, choose: Callable[[], Sequence[Sensor]], faults: Sequence[Fault]) -> None:
        """Measure until ``stop`` is set.

        Args:
            choose: makes the sensors; called here, off the training's thread.
            faults: what had to be said before this began.

        Raises:
            Exception: only what is a fault of this program; the thread's caller catches it.
        """
        self._troubles = Troubles(self.recorder)
        for item in (*faults, *self.roster.claims.faults):
            self.recorder.remark(item, self.began)
        last = self._open(choose())
        self.ready.set()
        last = self._loop(last)
        now = self.ticks.now()
        if now.mono_ns - last.mono_ns >= MIN_INTERVAL_NS:
            self._interval(last, now)
            last = now
        self._troubles.end_all(last)
        self.recorder.close(self.reason, now, quiet=not self.counting)
        for live in self._lives:
            live.sensor.close()

    def fail(self, error: BaseException) -> None:
        """Close the record after a fault of this program, saying so in it."""
        now = self.ticks.now()
        self.recorder.remark(fault("meter-failed", reason=f"{type(error).__name__}: {error}"), now)
        self.recorder.close("failed", now)
        self.ready.set()

    # ------------------------------------------------------------------ sensors

    def _open(self, sensors: Sequence[Sensor]) -> Moment:
        """Open the quick sensors and begin the record; the slow ones follow. The moment from which energy counts."""
        for sensor in sensors:
            self.roster.know(sensor.methods)
        self.recorder.methods(self.roster.methods)
        for sensor in sensors:
            if sensor.quick:
                guarded = Guarded(sensor)
                self._admit(guarded, guarded.open(self._taken()))
            else:
                self._slow.append(Guarded(sensor))
        self._claim()
        baseline = self._baseline()
        ours = self._begin_slow()
        if ours or self.counting:
            self.recorder.begin(METER)
        return self._started(baseline)

    def _taken(self) -> frozenset[str]:
        return frozenset() if self.compare else self.roster.labels()

    def _begin_slow(self) -> bool:
        """Open the slow sensors beside the loop, once processor or memory of this host is ours; whether it is now."""
        if not self._slow or not self.roster.may_have_host():
            return False
        slow, self._slow = self._slow, []
        threading.Thread(target=self._open_slow, args=(slow,), name="gxmeter-open", daemon=True).start()
        return True

    def _open_slow(self, sensors: Sequence[Guarded]) -> None:
        """Open sensors that take their time, one after the other; they join at an interval's edge."""
        for sensor in sensors:
            self._joining.append((sensor, sensor.open(self._taken())))
            self.wake.set()

    def _admit(self, sensor: Guarded, opened: Opened) -> None:
        now = self.ticks.now()
        for item in opened.faults:
            self.recorder.remark(item, now)
        number = self.recorder.sensor(SensorRecord(sensor.sensor.name, opened.version, opened.driver), now)
        self._lives.append(_Live(sensor, self.roster.admit(number, opened.parts)))

    def _claim(self) -> bool:
        """Ask for what is not ours; whether the components changed."""
        if not self.roster.claim():
            return False
        now = self.ticks.now()
        before = {id(entry): entry.index for entry in self.roster.entries}
        changes = self.roster.arrange()
        for entry in self.roster.entries:
            known = before[id(entry)]
            if known is not None and known != entry.index and self._troubles is not None:
                self._troubles.end(known, now)
        self.recorder.components(self.roster.components, changes, now)
        return True

    def _baseline(self) -> list[_Live]:
        """Set the baseline of every sensor that has a part of ours now; those that had none before."""
        fresh = [live for live in self._lives if not live.started and any(entry.granted for entry in live.entries)]
        for live in fresh:
            live.sensor.start()
            live.started = True
            live.poll_ns = self._next_poll(live, self.ticks.now())
        return fresh

    def _started(self, fresh: list[_Live]) -> Moment:
        """Write down since when the parts of these sensors are measured: from now, the moment returned."""
        now = self.ticks.now()
        if fresh and not self.recorder.begun:
            self.recorder.begin(METER)
        elif fresh and self.recorder.head.role == PARTICIPANT:
            self.recorder.rotate(now, role=METER)
        for live in fresh:
            late = tuple(entry.index for entry in live.entries if entry.index is not None)
            self.recorder.put(gap(self.began, now, "starting", late))
        return now

    # ------------------------------------------------------------------ the loop

    def _loop(self, last: Moment) -> Moment:
        due_ns = last.mono_ns + self.period_ns
        claim_ns = last.mono_ns + _CLAIM_NS
        while not self.stop.is_set():
            now = self.ticks.now()
            if self._due(now, last, due_ns, claim_ns):
                if now.mono_ns - last.mono_ns >= MIN_INTERVAL_NS:
                    self._interval(last, now)
                    last = now
                if now.mono_ns >= claim_ns or self._joining:
                    last, claim_ns = self._join(last), now.mono_ns + _CLAIM_NS
                due_ns = max(due_ns + self.period_ns if now.mono_ns >= due_ns else due_ns, now.mono_ns + 1)
                self.recorder.tidy(now)
                continue
            self._sleep(now, min(due_ns, claim_ns if self._wanting() else due_ns))
        return last

    def _due(self, now: Moment, last: Moment, due_ns: int, claim_ns: int) -> bool:
        """Whether an interval ends here: its time has come, a sensor joins, or a phase turned."""
        if now.mono_ns >= due_ns or self._joining or (self._wanting() and now.mono_ns >= claim_ns):
            return True
        return self.work.turned and now.mono_ns - last.mono_ns >= _SHORTEST_CUT_NS

    def _wanting(self) -> bool:
        return bool(self._slow) or not all(entry.granted for entry in self.roster.entries)

    def _join(self, last: Moment) -> Moment:
        """Take up sensors that have become ready and parts that have become free; from when the next interval runs."""
        joined = False
        self._begin_slow()
        while self._joining:
            self._admit(*self._joining.popleft())
            joined = True
        self._keep(last)
        if self._claim() or joined:
            self._started(self._baseline())
        return last

    def _keep(self, now: Moment) -> None:
        """Hold on to the claims; what another meter got in spite of that ends here."""
        gone = self.roster.claims.keep()
        for index in self.roster.lose(gone):
            if self._troubles is not None:
                self._troubles.end(index, now)
            self.recorder.put(Change(0, now.utc_ms, now.mono_ns, removed=index))
        for key in gone:
            self.recorder.remark(lost(key), now)

    def _sleep(self, now: Moment, until_ns: int) -> None:
        polls = [live.poll_ns for live in self._lives if live.started and live.poll_ns]
        wait_ns = min([until_ns, *polls]) - now.mono_ns
        if self.work.turned:
            wait_ns = min(wait_ns, _SHORTEST_CUT_NS)
        if wait_ns > 0 and self.wake.wait(wait_ns / NS_PER_S):
            self.wake.clear()
        if self.stop.is_set():
            return
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

    # ------------------------------------------------------------------ one interval

    def _interval(self, last: Moment, now: Moment) -> None:
        elapsed_ns = now.mono_ns - last.mono_ns
        samples = [
            (entry, sample)
            for live in self._lives
            if live.started
            for entry, sample in zip(live.entries, live.sensor.read(elapsed_ns), strict=True)
            if entry.index is not None
        ]
        asleep_ms = (now.boot_ns - last.boot_ns - elapsed_ns) // NS_PER_MS
        if asleep_ms > _APART_MS:
            self._slept(last, now, asleep_ms)
            return
        shift_ms = now.utc_ms - last.utc_ms - elapsed_ns // NS_PER_MS
        if abs(shift_ms) > _APART_MS:
            self.recorder.put(ClockChange(0, now.utc_ms, now.mono_ns, STEP, shift_ms))
        if elapsed_ns > _STALL_PERIODS * self.period_ns + NS_PER_S:
            self.recorder.remark(fault("sampling-stalled", seconds=str(elapsed_ns // NS_PER_S)), now)
        self._tell(now)
        for entry, sample in samples:
            if self._troubles is not None and entry.index is not None:
                self._troubles.judge(entry.index, sample, (last, now))
        self._record(last, now, samples)

    def _slept(self, last: Moment, now: Moment, asleep_ms: int) -> None:
        """The interval in which the machine slept has no number: nobody knows what ran when."""
        self.recorder.put(gap(last, now, SUSPEND, ()))
        self.recorder.put(ClockChange(0, now.utc_ms, now.mono_ns, SUSPEND, asleep_ms))
        self.recorder.moved(asleep_ms)

    def _tell(self, now: Moment) -> None:
        """Write down what the training told; a meter that measures nothing keeps a record for this alone."""
        if self.work.waiting and not self.recorder.begun:
            self.recorder.begin(PARTICIPANT)
        for record in self.work.records(now, self.totals.phases):
            self.recorder.put(record)

    def _record(self, last: Moment, now: Moment, samples: list[tuple[Entry, Sample]]) -> None:
        if not samples:
            return
        count = len(self.roster.components)
        energy: list[int | None] = [None] * count
        counters: list[tuple[int, int] | None] = [None] * count
        used = [part.method for part in self.roster.components]
        usual, numbers = list(used), []
        for entry, sample in samples:
            index = entry.index or 0
            counters[index] = sample.counter
            used[index] = self.roster.method_index(entry.method(sample.method))
            if sample.energy_uj is not None:
                energy[index] = entry.portion(sample.energy_uj)
                numbers.append(self._number(entry, entry.portion(sample.energy_uj), used[index]))
        self.recorder.put(
            Interval(
                0,
                last.utc_ms,
                now.utc_ms,
                last.mono_ns,
                now.mono_ns,
                tuple(energy),
                methods=tuple(used) if used != usual else None,
                counters=tuple(counters) if any(pair is not None for pair in counters) else None,
            )
        )
        self.totals.add(numbers, last.mono_ns, now.mono_ns)
        passed = self.budget.passed(self.totals)
        if passed is not None:
            self.recorder.remark(passed, now)

    def _number(self, entry: Entry, energy_uj: int, method: int) -> Number:
        other = entry.beside
        compared = other is not None and other.part.boundary == entry.part.boundary
        boundary = NODE if entry.part.boundary == NODE else "device"
        return Number(energy_uj, self.roster.methods[method].grade, boundary, compared=compared)
