"""Components without numbers: a fault is remarked when it begins, and its gap is written when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from gxmeter.core.journal import Gap
from gxmeter.meter.record.recorder import Recorder
from gxmeter.meter.sensors.base import Fault, Sample
from gxmeter.meter.ticks import Moment


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Since when a component has no number, and why."""

    since: Moment
    code: str


@dataclass(slots=True)
class Troubles:
    """The running troubles of a record, by component index."""

    recorder: Recorder
    _running: dict[int, _Trouble] = field(default_factory=dict)

    def judge(self, index: int, sample: Sample, span: tuple[Moment, Moment]) -> None:
        """Take note of a component's reading over an interval."""
        trouble, fault = self._running.get(index), sample.fault
        if sample.energy_uj is not None:
            self.end(index, span[0])
            if fault is not None:
                self.recorder.remark(fault, span[1], component=index)
            return
        code = fault.code if fault is not None else "sensor-read-failed"
        if trouble is not None and trouble.code == code:
            return
        self.end(index, span[0])
        self._running[index] = _Trouble(span[0], code)
        self.recorder.remark(fault or Fault(code), span[1], component=index)

    def end(self, index: int, now: Moment) -> None:
        """The component has a number again, or will have none in this record."""
        trouble = self._running.pop(index, None)
        if trouble is not None and now.mono_ns > trouble.since.mono_ns:
            self.recorder.put(gap(trouble.since, now, trouble.code, (index,)))

    def end_all(self, now: Moment) -> None:
        """The record ends."""
        for index in sorted(self._running):
            self.end(index, now)


def gap(start: Moment, end: Moment, reason: str, components: tuple[int, ...]) -> Gap:
    """A gap record; no components means all."""
    return Gap(0, start.utc_ms, end.utc_ms, start.mono_ns, end.mono_ns, reason, components)
