"""A cumulative energy counter as a source of numbers that can be believed: every step is judged.

A counter that went backwards, stood still, jumped further than the hardware can draw, or could not be read gives
no number, only a fault. Judgement is over at least one second: NVML's counters move about every 0.1 s
(``metering.md`` section 2), so a shorter step may rightly be empty or double.

What the counter adds after it was unreadable or stood still belongs to nobody knows which time; it is left out too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gxmeter.meter.sensors.base import Fault, fault

JUDGED_NS = 1_000_000_000
"""Shortest time over which a step is judged [ns]."""

STILL_NS = 500_000_000
"""A single step of this length without any movement is a standstill by itself [ns]: five moves of NVML's counters."""

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
    _stuck: bool = False
    _recent: list[tuple[int, int]] = field(default_factory=list)

    def start(self, value: int | None) -> None:
        """Count from ``value`` on; None where it could not be read."""
        self._last, self._still_ns, self._stuck = value, 0, False
        self._recent.clear()

    def step(self, value: int | None, elapsed_ns: int, *, reason: str = "") -> Step:
        """The energy since the last reading, or why there is none; the count goes on from ``value`` either way.

        A step of zero is a number only where it is short: the counter may not have been due to move.

        Args:
            value: the counter now, or None where it could not be read.
            elapsed_ns: time since the last reading [ns].
            reason: why it could not be read.
        """
        before = self._last
        if value is None:
            self.start(None)
            return Step(None, fault=fault("sensor-read-failed", reason=reason or "no answer"))
        if before is None:
            self.start(value)
            return Step(None, fault=fault("counter-begins"))
        self._last = value
        if value == before:
            return self._stood(value, elapsed_ns)
        return self._moved(before, value, elapsed_ns)

    def _stood(self, value: int, elapsed_ns: int) -> Step:
        self._still_ns += elapsed_ns
        self._stuck = self._stuck or elapsed_ns >= STILL_NS or self._still_ns >= JUDGED_NS
        self._remember(0, elapsed_ns)
        if not self._stuck:
            return Step(0, (value, value))
        said = fault("counter-stuck", counter=str(value), seconds=_seconds(self._still_ns))
        return Step(None, (value, value), said)

    def _moved(self, before: int, after: int, elapsed_ns: int) -> Step:
        was_stuck, pair, delta = self._stuck, (before, after), after - before
        wrapped = delta < 0
        if wrapped and self.span is not None:
            delta += self.span
        energy_uj = delta * self.unit_uj
        self._still_ns, self._stuck = 0, False
        self._remember(energy_uj, elapsed_ns)
        if delta >= 0 and not self._too_much():
            return Step(None, pair, fault("counter-begins")) if was_stuck else Step(energy_uj, pair)
        self._recent.clear()
        if wrapped:
            return Step(None, pair, fault("counter-backwards", before=str(before), after=str(after)))
        found = f"{energy_uj // 1_000_000}"
        return Step(None, pair, fault("reading-implausible", found=found, seconds=_seconds(elapsed_ns)))

    def _remember(self, energy_uj: int, elapsed_ns: int) -> None:
        """Keep the steps that reach back one second, and no more."""
        self._recent.append((energy_uj, elapsed_ns))
        while len(self._recent) > 1 and sum(ns for _, ns in self._recent[1:]) >= JUDGED_NS:
            del self._recent[0]

    def _too_much(self) -> bool:
        """Whether the newest steps, any number of them, hold more than the hardware can draw [mW x ms = uJ]."""
        total_uj = total_ns = 0
        for energy_uj, ns in reversed(self._recent):
            total_uj, total_ns = total_uj + energy_uj, total_ns + ns
            if total_uj * _NS_PER_MS > LIMIT_FACTOR * self.rated_mw * max(JUDGED_NS, total_ns):
                return True
        return False


def _seconds(ns: int) -> str:
    """Nanoseconds as seconds with three decimals, in digits only.

    >>> _seconds(1_250_000_000)
    '1.250'
    """
    return f"{ns // 1_000_000_000}.{ns // 1_000_000 % 1000:03d}"
