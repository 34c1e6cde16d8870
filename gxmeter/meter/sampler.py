"""The sampling thread's work: one interval record a period until told to stop.

It decides what may become a number. Which sensors are read and which parts are ours is the lineup's business. A
machine asleep is a gap, a wall clock that was set is remarked; both are seen by comparing three clocks.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from gxmeter.core.journal import MIN_INTERVAL_NS, PARTICIPANT, STEP, SUSPEND, ClockChange, Interval
from gxmeter.meter.bell import Bell
from gxmeter.meter.budget import Budget
from gxmeter.meter.lineup import Lineup
from gxmeter.meter.record.recorder import Recorder
from gxmeter.meter.record.troubles import Troubles, gap
from gxmeter.meter.roster import Entry, Roster
from gxmeter.meter.sensors.base import NODE, Fault, Sample, Sensor, fault
from gxmeter.meter.sensors.early import Early
from gxmeter.meter.ticks import NS_PER_MS, NS_PER_S, Moment, Ticks
from gxmeter.meter.totals import Number, Totals
from gxmeter.meter.work import Work

_CLAIM_NS = NS_PER_S
"""How often what another meter has is asked for again [ns]."""

_SHORTEST_CUT_NS = 250_000_000
"""A phase that begins or ends cuts the interval, but makes none shorter than this [ns]."""

_APART_MS = 500
"""Wall and monotonic clock that part by more in one interval were set, or the machine slept [ms]."""

_STALL_PERIODS = 3


@dataclass(slots=True)
class Sampler:
    """One measuring session. :meth:`run` is the thread's body; the fields are for onlookers.

    Attributes:
        recorder: the record.
        lineup: the sensors, and which of their parts are ours.
        ticks: the clocks.
        work: phases and counts told by the training.
        budget: energy that may be used.
        period_ns: wished length of an interval [ns].
        began: when the meter was started.
        stop: set to end.
        wake: set to be looked at soon: something was told, or the end has come.
    """

    recorder: Recorder
    lineup: Lineup
    troubles: Troubles
    ticks: Ticks
    work: Work
    budget: Budget
    period_ns: int
    began: Moment
    stop: Bell
    wake: Bell
    ready: threading.Event = field(default_factory=threading.Event)
    totals: Totals = field(default_factory=Totals)
    reason: str = "stop"

    @property
    def counting(self) -> bool:
        """Whether parts of this host are ours, or nobody's: False where another meter has them all."""
        return self.lineup.counting

    @property
    def roster(self) -> Roster:
        """Parts and claims."""
        return self.lineup.roster

    def run(self, early: Early, slow: Sequence[Sensor], faults: Sequence[Fault]) -> None:
        """Measure until ``stop`` is set.

        Args:
            early: quick sensors, which count already.
            slow: sensors that are opened beside.
            faults: what had to be said before this began.

        Raises:
            Exception: only what is a fault of this program; the thread's caller catches it.
        """
        for item in (*faults, *self.roster.claims.faults):
            self.recorder.remark(item, self.began)
        last = self.lineup.open(early, slow)
        self.ready.set()
        last = self._loop(last)
        now = self.ticks.now()
        if now.mono_ns - last.mono_ns >= MIN_INTERVAL_NS:
            last = now = self._interval(last, now)
        self._tell(now)
        self.lineup.say_silent(now)
        self.troubles.end_all(last)
        self.recorder.close(self.reason, now, quiet=not self.counting)
        self.lineup.close()

    def fail(self, error: BaseException) -> None:
        """Close the record after a fault of this program, saying so in it."""
        now = self.ticks.now()
        self.recorder.remark(fault("meter-failed", reason=f"{type(error).__name__}: {error}"), now)
        self.recorder.close("failed", now)
        self.ready.set()

    def _loop(self, last: Moment) -> Moment:
        due_ns = last.mono_ns + self.period_ns
        claim_ns = last.mono_ns + _CLAIM_NS
        while not self.stop.is_set():
            now = self.ticks.now()
            if self._due(now, last, due_ns, claim_ns):
                if now.mono_ns - last.mono_ns >= MIN_INTERVAL_NS:
                    last = now = self._interval(last, now)
                if now.mono_ns >= claim_ns or self.lineup.joining:
                    last, claim_ns = self.lineup.join(last), now.mono_ns + _CLAIM_NS
                due_ns = max(due_ns + self.period_ns if now.mono_ns >= due_ns else due_ns, now.mono_ns + 1)
                self.recorder.tidy(now)
                continue
            self._sleep(now, min(due_ns, claim_ns if self.lineup.wanting else due_ns))
        return last

    def _due(self, now: Moment, last: Moment, due_ns: int, claim_ns: int) -> bool:
        """Whether an interval ends here: its time has come, a sensor joins, or a phase turned."""
        if now.mono_ns >= due_ns or self.lineup.joining or (self.lineup.wanting and now.mono_ns >= claim_ns):
            return True
        return self.work.turned and now.mono_ns - last.mono_ns >= _SHORTEST_CUT_NS

    def _sleep(self, now: Moment, until_ns: int) -> None:
        wait_ns = min(until_ns, self.lineup.next_poll_ns or until_ns) - now.mono_ns
        if self.work.turned:
            wait_ns = min(wait_ns, _SHORTEST_CUT_NS)
        if wait_ns > 0 and self.wake.wait(wait_ns / NS_PER_S):
            self.wake.clear()
        if not self.stop.is_set():
            self.lineup.poll()

    def _interval(self, last: Moment, asked: Moment) -> Moment:
        """Read everything and write one interval from ``last`` on; its end, which a slow sensor may put off."""
        samples, now = self.lineup.read(last, asked)
        elapsed_ns = now.mono_ns - last.mono_ns
        asleep_ms = (now.boot_ns - last.boot_ns - elapsed_ns) // NS_PER_MS
        if asleep_ms > _APART_MS:
            self._slept(last, now, asleep_ms)
            return now
        shift_ms = now.utc_ms - last.utc_ms - elapsed_ns // NS_PER_MS
        if abs(shift_ms) > _APART_MS:
            self.recorder.put(ClockChange(0, now.utc_ms, now.mono_ns, STEP, shift_ms))
        if elapsed_ns > _STALL_PERIODS * self.period_ns + NS_PER_S:
            self.recorder.remark(fault("sampling-stalled", seconds=str(elapsed_ns // NS_PER_S)), now)
        self._tell(now)
        for entry, sample in samples:
            if entry.index is not None:
                self.troubles.judge(entry.index, sample, (last, now))
        self._record(last, now, samples)
        return now

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
        dropped = self.work.dropped()
        if dropped:
            self.recorder.remark(fault("work-lost", count=str(dropped)), now)
        notes = self.work.told.notes
        while notes:
            note = notes.popleft()
            self.recorder.remark(fault(note.code, **note.params), note.at)

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
        return Number(energy_uj, self.roster.methods[method].grade, boundary, counts=other is None, compared=compared)
