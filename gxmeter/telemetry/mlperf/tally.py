"""What the readings of a log amount to by themselves: for remarks, never for the figures.

The sum is the trapezoid from reading to reading without a gap limit, so that it can be set beside what the submitter
says. Figures come from the kernel (``energy/kernel.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from gxmeter.telemetry.model import Int64

PAUSE = 3
"""A pause is a time without a reading of more than so many usual periods [ratio]."""

HALF_UJ_PER_WH = 7_200_000_000


class Span(NamedTuple):
    """A time between two readings: instants [Unix ms] and powers [mW]."""

    t0: int
    t1: int
    p0: int
    p1: int


@dataclass(slots=True)
class Pauses:
    """Times without a reading: how many, how long together and at most [ms], and where the longest begins."""

    count: int = 0
    total_ms: int = 0
    longest_ms: int = 0
    at_ms: int = 0
    device: str = ""

    def add(self, device: str, start_ms: int, length_ms: int) -> None:
        """Count one."""
        self.count += 1
        self.total_ms += length_ms
        if length_ms > self.longest_ms:
            self.longest_ms, self.at_ms, self.device = length_ms, start_ms, device


@dataclass(slots=True)
class Tally:
    """Counts over all logs of a folder.

    Attributes:
        window: first and last instant of the run [Unix ms], where known.
        half_uj: energy from reading to reading [half-uJ].
        in_window: the part of it in the window [half-uJ].
        same_times: readings at the instant of the one before.
        pauses: times without a reading.
        first_ms, last_ms: first and last reading [Unix ms].
        begins_ms, ends_ms: per device the first and the last reading [Unix ms].
    """

    window: tuple[int, int] | None = None
    half_uj: int = 0
    in_window: Fraction | int = 0
    same_times: int = 0
    pauses: Pauses = field(default_factory=Pauses)
    begins_ms: dict[str, int] = field(default_factory=dict)
    ends_ms: dict[str, int] = field(default_factory=dict)
    _last: dict[str, tuple[int, int]] = field(default_factory=dict)
    _period_ms: dict[str, int] = field(default_factory=dict)

    def add(self, device: str, ts_ms: Int64, power_mw: Int64) -> None:
        """Take readings of a device, in order of time, none before those taken so far."""
        if device in self._last:
            t, p = self._last[device]
            ts_ms, power_mw = np.append(t, ts_ms), np.append(p, power_mw)
        self.begins_ms.setdefault(device, int(ts_ms[0]))
        self.ends_ms[device] = int(ts_ms[-1])
        self._last[device] = (int(ts_ms[-1]), int(power_mw[-1]))
        if len(ts_ms) > 1:
            self._period_ms.setdefault(device, int(np.median(np.diff(ts_ms))))
            self._join(device, ts_ms, power_mw)

    def _join(self, device: str, ts_ms: Int64, power_mw: Int64) -> None:
        longest_ms = PAUSE * self._period_ms[device]
        for span in _spans(ts_ms, power_mw):
            length_ms = span.t1 - span.t0
            if length_ms < 0:
                continue
            self.half_uj += (span.p0 + span.p1) * length_ms
            if self.window is not None:
                self.in_window += part(span, *self.window)
            self.same_times += length_ms == 0
            if length_ms > longest_ms > 0:
                self.pauses.add(device, span.t0, length_ms)


def _spans(ts_ms: Int64, power_mw: Int64) -> Iterator[Span]:
    times, powers = ts_ms.tolist(), power_mw.tolist()
    return map(Span, times, times[1:], powers, powers[1:])


def part(span: Span, start_ms: int, end_ms: int) -> Fraction | int:
    """The energy of a span inside a window [half-uJ], along the straight line between its two readings.

    >>> print(part(Span(0, 10, 100, 200), 0, 5), part(Span(0, 10, 100, 200), 0, 10))
    1250 3000
    """
    low, high = max(span.t0, start_ms), min(span.t1, end_ms)
    if high <= low:
        return 0
    if (low, high) == (span.t0, span.t1):
        return (span.p0 + span.p1) * (high - low)
    slope = Fraction(span.p1 - span.p0, span.t1 - span.t0)
    return (2 * span.p0 + slope * (low + high - 2 * span.t0)) * (high - low)
