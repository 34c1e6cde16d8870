"""The sampling thread's work: open the sensors, then one interval record a period until told to stop.

It decides what may become a number. A sensor's fault is written once when it begins; while it lasts the
component has no number, and when it ends a gap record says how long. A machine asleep is a gap, a wall clock
that was set is remarked; both are seen by comparing three clocks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gxmeter.core.findings import Finding, finding
from gxmeter.core.journal import (
    MIN_INTERVAL_NS,
    STEP,
    SUSPEND,
    ClockChange,
    Component,
    Gap,
    Head,
    Interval,
    Method,
    Remark,
    Sensor,
)
from gxmeter.meter.place import safe_id
from gxmeter.meter.sensors.base import Fault, Sample
from gxmeter.meter.sensors.base import Sensor as Source
from gxmeter.meter.ticks import NS_PER_MS, NS_PER_S, Moment, Ticks
from gxmeter.meter.totals import Totals
from gxmeter.meter.writer import JournalWriter

SEGMENT_S = 3600
"""Age at which a segment is closed and the next begun [s]."""

_POLL_NS = NS_PER_S
"""The load models want a look at least this often [ns]."""

_APART_MS = 500
"""Wall and monotonic clock that part by more in one interval were set, or the machine slept [ms]."""

_STALL_PERIODS = 3
_MAX_HOST = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What the sampler is told. ``head`` lacks what only the sensors know; ``faults`` came before it began."""

    head: Head
    period_ns: int
    began: Moment
    segment_s: int = SEGMENT_S
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class _Trouble:
    """A component without numbers: since when and why."""

    since: Moment
    code: str


@dataclass(slots=True)
class Sampler:
    """One measuring session. :meth:`run` is the thread's body; the fields below it are for onlookers."""

    plan: Plan
    writer: JournalWriter | None
    sources: Sequence[Source]
    ticks: Ticks
    stop: threading.Event
    ready: threading.Event = field(default_factory=threading.Event)
    totals: Totals = field(default_factory=Totals)
    findings: list[Finding] = field(default_factory=list)
    reason: str = "stop"
    _head: Head | None = None
    _grades: dict[str, str] = field(default_factory=dict)
    _index: dict[str, int] = field(default_factory=dict)
    _trouble: dict[int, _Trouble] = field(default_factory=dict)

    def run(self, say: Callable[[Finding], None]) -> None:
        """Measure until ``stop`` is set; ``say`` is told of every fault at once.

        Raises:
            Exception: only what is a fault of this program; the thread's caller catches it.
        """
        head = self._open()
        for fault in self.plan.faults:
            self._remark(fault, self.plan.began, say=say)
        for source in self.sources:
            source.start()
        last = self.ticks.now()
        self._put(_gap(self.plan.began, last, "starting", ()))
        self.ready.set()
        last = self._loop(last, head, say)
        now = self.ticks.now()
        if now.mono_ns - last.mono_ns >= MIN_INTERVAL_NS:
            self._interval(last, now, say)
            last = now
        for index in sorted(self._trouble):
            self._end_trouble(index, last)
        if self.writer is not None:
            self.writer.close(self.reason, now)
        for source in self.sources:
            source.close()

    def fail(self, error: BaseException, say: Callable[[Finding], None]) -> None:
        """Close the record after a fault of this program, saying so in it."""
        now = self.ticks.now()
        self._remark(Fault("meter-failed", (("reason", f"{type(error).__name__}: {error}"),)), now, say=say)
        if self.writer is not None:
            self.writer.close("failed", now)
        self.ready.set()

    def _loop(self, last: Moment, head: Head, say: Callable[[Finding], None]) -> Moment:
        due_ns = last.mono_ns + self.plan.period_ns
        while not self.stop.is_set():
            now = self.ticks.now()
            if now.mono_ns < due_ns:
                self.stop.wait(min(due_ns - now.mono_ns, _POLL_NS) / NS_PER_S)
                if not self.stop.is_set() and self.ticks.now().mono_ns < due_ns:
                    for source in self.sources:
                        source.poll()
                continue
            self._interval(last, now, say)
            last = now
            due_ns = max(due_ns + self.plan.period_ns, now.mono_ns)
            self._tidy(now, head)
        return last

    def _tidy(self, now: Moment, head: Head) -> None:
        if self.writer is None:
            return
        if self.writer.due(now, self.plan.segment_s):
            current = self._head or head
            self.writer.rotate(replace(current, utc_ms=now.utc_ms, mono_ns=now.mono_ns), now)
        else:
            self.writer.sync(now)

    def _open(self) -> Head:
        """Open every sensor and write the head with their components."""
        opened = [source.open() for source in self.sources]
        names = [Sensor(source.name, found.version) for source, found in zip(self.sources, opened, strict=True)]
        for source in self.sources:
            self._grades |= source.methods
        self._index = {method: number for number, method in enumerate(self._grades)}
        host = safe_id(self.plan.head.host)[:_MAX_HOST]
        parts = [(number, part) for number, found in enumerate(opened) for part in found.parts]
        components = tuple(
            Component(
                index=index,
                device=f"{host}.{part.label}",
                kind=part.kind,
                name=part.name,
                sensor=number,
                method=self._index[part.method],
                uuid=part.uuid,
                rated_mw=part.rated_mw,
                counter_unit=part.counter_unit,
            )
            for index, (number, part) in enumerate(parts)
        )
        methods = tuple(Method(name, grade) for name, grade in self._grades.items())
        self._head = replace(self.plan.head, sensors=tuple(names), methods=methods, components=components)
        if self.writer is not None:
            self.writer.head(self._head)
        self.plan = replace(self.plan, faults=self.plan.faults + tuple(f for found in opened for f in found.faults))
        return self._head

    def _interval(self, last: Moment, now: Moment, say: Callable[[Finding], None]) -> None:
        elapsed_ns = now.mono_ns - last.mono_ns
        samples = [sample for source in self.sources for sample in source.read(elapsed_ns / NS_PER_S)]
        asleep_ms = (now.boot_ns - last.boot_ns - elapsed_ns) // NS_PER_MS
        if asleep_ms > _APART_MS:
            self._slept(last, now, asleep_ms)
            return
        shift_ms = now.utc_ms - last.utc_ms - elapsed_ns // NS_PER_MS
        if abs(shift_ms) > _APART_MS:
            self._put(ClockChange(0, now.utc_ms, now.mono_ns, STEP, shift_ms))
        if elapsed_ns > _STALL_PERIODS * self.plan.period_ns + NS_PER_S:
            self._remark(Fault("sampling-stalled", (("seconds", str(elapsed_ns // NS_PER_S)),)), now, say=say)
        for index, sample in enumerate(samples):
            self._judge(index, sample, (last, now), say)
        self._record(last, now, samples)

    def _slept(self, last: Moment, now: Moment, asleep_ms: int) -> None:
        """The interval in which the machine slept has no number: nobody knows what ran when."""
        self._put(_gap(last, now, SUSPEND, ()))
        self._put(ClockChange(0, now.utc_ms, now.mono_ns, SUSPEND, asleep_ms))
        if self._head is not None:
            self._head = replace(self._head, anchor_utc_ms=self._head.anchor_utc_ms + asleep_ms)

    def _judge(self, index: int, sample: Sample, span: tuple[Moment, Moment], say: Callable[[Finding], None]) -> None:
        """Remark a component's fault when it begins, and its gap when it ends."""
        trouble = self._trouble.get(index)
        fault = sample.fault
        if sample.energy_uj is not None:
            if trouble is not None:
                self._end_trouble(index, span[0])
            if fault is not None:
                self._remark(fault, span[1], component=index, say=say)
            return
        code = fault.code if fault is not None else "sensor-read-failed"
        if trouble is not None and trouble.code == code:
            return
        if trouble is not None:
            self._end_trouble(index, span[0])
        self._trouble[index] = _Trouble(span[0], code)
        self._remark(fault or Fault(code), span[1], component=index, say=say)

    def _end_trouble(self, index: int, now: Moment) -> None:
        trouble = self._trouble.pop(index)
        self._put(_gap(trouble.since, now, trouble.code, (index,)))

    def _record(self, last: Moment, now: Moment, samples: list[Sample]) -> None:
        if not samples or self._head is None:
            return
        used = tuple(self._index[sample.method] for sample in samples)
        usual = tuple(part.method for part in self._head.components)
        counters = tuple(sample.counter for sample in samples)
        energy = tuple(sample.energy_uj for sample in samples)
        self._put(
            Interval(
                0,
                last.utc_ms,
                now.utc_ms,
                last.mono_ns,
                now.mono_ns,
                energy,
                methods=used if used != usual else None,
                counters=counters if any(pair is not None for pair in counters) else None,
            )
        )
        numbers = [(s.energy_uj, self._grades[s.method]) for s in samples if s.energy_uj is not None]
        self.totals.add(numbers, now.mono_ns - last.mono_ns)

    def _remark(
        self, fault: Fault, now: Moment, *, say: Callable[[Finding], None], component: int | None = None
    ) -> None:
        params = dict(fault.params)
        if component is not None and self._head is not None:
            params["device"] = self._head.components[component].device
        item = finding(fault.code, row=None, **params)
        self.findings.append(item)
        say(item)
        self._put(Remark(0, now.utc_ms, fault.code, tuple(sorted(params.items())), component))

    def _put(self, record: Interval | Remark | Gap | ClockChange) -> None:
        if self.writer is not None:
            self.writer.write(record)


def _gap(start: Moment, end: Moment, reason: str, components: tuple[int, ...]) -> Gap:
    return Gap(0, start.utc_ms, end.utc_ms, start.mono_ns, end.mono_ns, reason, components)
