"""A cumulative energy counter as a source of numbers that can be believed: every step is judged.

A counter that went backwards, stood still, jumped further than the hardware can draw, or could not be read gives
no number, only a fault. Judgement is over at least one second: NVML's counters move about every 0.1 s
(``metering.md`` section 2), so a shorter step may rightly be empty or double.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gxmeter.meter.sensors.base import Fault, fault

JUDGED_NS = 1_000_000_000
"""Shortest time over which a step is judged [ns]."""

LIMIT_FACTOR = 2
"""A step above this many times the rated power is a fault of the counter, not energy."""

_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """What a counter did since the last reading: microjoules, or None with the reason."""

    energy_uj: int | None
    counter: tuple[int, int] | None = None
    fault: Fault | None = None


@dataclass(slots=True)
class Counter:
    """One energy counter.

    Attributes:
        unit_uj: microjoules of one count.
        rated_mw: rated power [mW]; twice of it is the most that is believed.
        span: the count at which it starts again from zero, or None for one that never does.
    """

    unit_uj: int
    rated_mw: int
    span: int | None = None
    _last: int | None = None
    _still_ns: int = 0
    _recent: list[tuple[int, int]] = field(default_factory=list)

    def start(self, value: int | None) -> None:
        """Count from ``value`` on; None where it could not be read."""
        self._last, self._still_ns = value, 0
        self._recent.clear()

    def step(self, value: int | None, elapsed_ns: int, *, reason: str = "") -> Step:
        """The energy since the last reading, or why there is none; the count goes on from ``value`` either way.

        Args:
            value: the counter now, or None where it could not be read.
            elapsed_ns: time since the last reading [ns].
            reason: why it could not be read.
        """
        before, self._last = self._last, value
        if value is None:
            self.start(None)
            return Step(None, fault=fault("sensor-read-failed", reason=reason or "no answer"))
        if before is None:
            return Step(None, fault=fault("counter-begins"))
        return self._judged(before, value, elapsed_ns)

    def _judged(self, before: int, after: int, elapsed_ns: int) -> Step:
        pair, delta = (before, after), after - before
        wrapped = delta < 0
        if wrapped:
            delta += self.span if self.span is not None else 0
        energy_uj = delta * self.unit_uj
        if delta < 0 or self._too_much(energy_uj, elapsed_ns):
            self._recent.clear()
            if wrapped:
                return Step(None, pair, fault("counter-backwards", before=str(before), after=str(after)))
            found = f"{energy_uj // 1_000_000}"
            return Step(None, pair, fault("reading-implausible", found=found, seconds=_seconds(elapsed_ns)))
        self._still_ns = self._still_ns + elapsed_ns if delta == 0 else 0
        if self._still_ns >= JUDGED_NS:
            return Step(None, pair, fault("counter-stuck", counter=str(after), seconds=_seconds(self._still_ns)))
        return Step(energy_uj, pair)

    def _too_much(self, energy_uj: int, elapsed_ns: int) -> bool:
        """Whether the last second or more holds more energy than the hardware can draw [mW x ms = uJ]."""
        self._recent.append((energy_uj, elapsed_ns))
        while len(self._recent) > 1 and sum(ns for _, ns in self._recent[1:]) >= JUDGED_NS:
            del self._recent[0]
        window_ns = max(JUDGED_NS, sum(ns for _, ns in self._recent))
        total_uj = sum(uj for uj, _ in self._recent)
        return total_uj * _NS_PER_MS > LIMIT_FACTOR * self.rated_mw * window_ns


def _seconds(ns: int) -> str:
    """Nanoseconds as seconds with three decimals, in digits only.

    >>> _seconds(1_250_000_000)
    '1.250'
    """
    return f"{ns // 1_000_000_000}.{ns // 1_000_000 % 1000:03d}"
