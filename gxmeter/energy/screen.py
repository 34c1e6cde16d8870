"""Records that cannot be: left out, counted, and named once per device and kind of fault.

The bounds also keep the kernel's int64 numbers from wrapping. With power <= 10^12 mW and segments <= 1,800,000 ms,
``(p0 + p1) * dt`` is at most 3.6e18, below 2^63 = 9.2e18; an interval record's energy over each of its milliseconds is
at most 2 * (10^12 + 1). So a leaf holds at most that for each millisecond that it covers, and as a device's time is
counted once, at most 1,800,000 of them. ``check_bounds`` holds every sum against this.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import numpy as np
import numpy.typing as npt

from gxmeter.core.calendar import SLOT_MS, instant
from gxmeter.core.findings import Finding, finding
from gxmeter.energy.keys import KeyTable
from gxmeter.telemetry.model import Int64

MAX_POWER_MW = 10**12
"""Greatest believable power of one metered thing [mW]: a gigawatt."""

MAX_TIME_MS = 253_402_300_799_999
"""Last instant that can be written with a four-digit year [Unix ms]."""

MAX_INTERVAL_MS = 3660 * 86_400_000
"""Longest believable interval record [ms]: ten years."""

Mask = npt.NDArray[np.bool_]


class Faults:
    """Counts what was left out, and turns it into findings in a stable order."""

    def __init__(self, table: KeyTable) -> None:
        """Name devices by this table."""
        self._table = table
        self._seen: dict[tuple[str, int], tuple[int, int, int]] = {}

    def add(self, code: str, bad: Mask, key: Int64, found: Int64, ts_ms: Int64) -> None:
        """Count the rows where ``bad`` holds; ``found`` is the value to show, ``ts_ms`` its instant."""
        rows = np.nonzero(bad)[0]
        if not len(rows):
            return
        devices = self._table.device_of[key[rows]]
        for device in np.unique(devices).tolist():
            mine = rows[devices == device]
            count, first_ms, value = self._seen.get((code, device), (0, int(ts_ms[mine[0]]), int(found[mine[0]])))
            self._seen[code, device] = (count + len(mine), first_ms, value)

    def findings(self) -> list[Finding]:
        """One finding per fault and device."""
        named = ((code, self._table.devices[device], seen) for (code, device), seen in self._seen.items())
        return [
            finding(code, device=device.device, site=device.site, count=count, at=_shown(first_ms), found=value)
            for code, device, (count, first_ms, value) in sorted(named)
        ]


def check_bounds(half_uj: Int64, covered_ms: Int64) -> None:
    """Hold sums per slot against what the records that passed can add up to.

    Time counted twice shows in ``covered_ms``, which is far from wrapping, before energy can leave int64. The tail of a
    segment that is split at the slot's start keeps what the floor of the boundary power left over: below 1 half-uJ for
    each millisecond of the head, which may be much longer than the tail.

    Raises:
        ArithmeticError: more time than a slot has, or more energy than the greatest power gives in it.
    """
    too_long = (covered_ms < 0) | (covered_ms > SLOT_MS)
    too_much = (half_uj < 0) | (half_uj > 2 * (MAX_POWER_MW + 1) * covered_ms + SLOT_MS * (covered_ms > 0))
    if too_long.any() or too_much.any():
        row = int(np.nonzero(too_long | too_much)[0][0])
        raise ArithmeticError(f"a slot's sum is out of bounds: {half_uj[row]} half-uJ in {covered_ms[row]} ms")


def power_rows(faults: Faults, key: Int64, ts_ms: Int64, power_mw: Int64) -> Mask:
    """Which power samples can be: an instant of this era, power in 0..1 GW."""
    late = (ts_ms < 0) | (ts_ms > MAX_TIME_MS)
    negative = power_mw < 0
    high = power_mw > MAX_POWER_MW
    faults.add("time-implausible", late, key, ts_ms, ts_ms)
    faults.add("power-negative", negative, key, power_mw, ts_ms)
    faults.add("power-implausible", high, key, power_mw, ts_ms)
    return ~_any((late, negative, high))


def interval_rows(faults: Faults, key: Int64, span: tuple[Int64, Int64], half_uj: Int64) -> Mask:
    """Which interval records can be: forward in time, at most ten years, energy >= 0 and below 1 GW on average."""
    start_ms, end_ms = span
    late = (start_ms < 0) | (end_ms > MAX_TIME_MS)
    backward = ~late & (end_ms <= start_ms)
    known = ~late & ~backward
    length_ms = np.where(known, end_ms - start_ms, 1)
    long = length_ms > MAX_INTERVAL_MS
    negative = half_uj < 0
    high = known & (half_uj // (2 * length_ms) > MAX_POWER_MW)
    faults.add("time-implausible", late, key, start_ms, start_ms)
    faults.add("interval-backward", backward, key, end_ms, start_ms)
    faults.add("interval-too-long", long, key, length_ms, start_ms)
    faults.add("interval-negative", negative, key, half_uj, start_ms)
    faults.add("power-implausible", high, key, half_uj // (2 * length_ms), start_ms)
    return ~_any((late, backward, long, negative, high))


def _any(masks: Iterable[Mask]) -> Mask:
    return cast("Mask", np.logical_or.reduce(list(masks)))


def _shown(ts_ms: int) -> str:
    return instant(ts_ms) if 0 <= ts_ms <= MAX_TIME_MS else f"{ts_ms} ms"
