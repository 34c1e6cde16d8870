"""Facility metering as readings: whole days in Japan, the months of a half-hourly meter, the periods of a bill.

A bill's period is one reading, exactly as billed, though the kernel spreads its energy over half-hours elsewhere. A
meter that is read at least daily gives the days that it covers whole; days in a row of one month are one reading. What
covers no whole day is no reading, and is named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from gxmeter.core.calendar import SLOT_MS, jst_date, jst_midnight_ms
from gxmeter.core.numbers import Rounding, nearest
from gxmeter.energy.model import Leaf, LeafKey
from gxmeter.telemetry.model import Batch, IntervalBatch

DAY_MS = 86_400_000
"""Length of a day in Japan [ms]: no clock is ever changed there."""

HALF_UJ_PER_KWH = 7_200_000_000_000
"""3.6 MJ in a kilowatt-hour, two million half-microjoules in a joule."""

DECIMALS = 8
"""Decimals of a reading [digits], as declarations have them; half to even."""


def half_uj_kwh(half_uj: int) -> Decimal:
    """Energy in the digits of declarations [kWh]: a whole number of kWh, or of 0.00000001 kWh, stays exact."""
    return nearest(Fraction(half_uj, HALF_UJ_PER_KWH), DECIMALS, Rounding.HALF_EVEN)


@dataclass(frozen=True, slots=True, order=True)
class DayReading:
    """Energy of a device over whole days, both included [half-uJ]."""

    device: str
    first_day: date
    last_day: date
    half_uj: int

    @property
    def kwh(self) -> Decimal:
        """The energy [kWh]."""
        return half_uj_kwh(self.half_uj)


@dataclass(slots=True)
class Periods:
    """What a source metered over more than a day at a time.

    Attributes:
        readings: periods of whole days, each as it was metered.
        ragged: periods that begin or end within a day: device, start, end [Unix ms].
        devices: devices that are metered so; their half-hours are the kernel's, not the meter's.
    """

    readings: list[DayReading]
    ragged: list[tuple[str, int, int]]
    devices: set[str]


def long_periods(batches: Iterable[Batch]) -> Periods:
    """The periods of more than a day in some batches: those of bills."""
    found = Periods([], [], set())
    for batch in batches:
        if isinstance(batch, IntervalBatch):
            _add_long(found, batch)
    found.readings = sorted(set(found.readings))
    return found


def _add_long(found: Periods, batch: IntervalBatch) -> None:
    long = batch.end_ms - batch.start_ms > DAY_MS
    columns = (batch.key[long], batch.start_ms[long], batch.end_ms[long], batch.half_uj[long])
    for code, start_ms, end_ms, half_uj in zip(*(column.tolist() for column in columns), strict=True):
        device = batch.keys[code].device
        found.devices.add(device)
        first, last = jst_date(start_ms), jst_date(end_ms - 1)
        if start_ms == jst_midnight_ms(first) and end_ms == jst_midnight_ms(last + timedelta(days=1)):
            found.readings.append(DayReading(device, first, last, half_uj))
        else:
            found.ragged.append((device, start_ms, end_ms))


@dataclass(frozen=True, slots=True)
class Days:
    """Readings made of whole days, and the days that are left out: device, day, energy [half-uJ]."""

    readings: list[DayReading]
    partial: list[tuple[str, date, int]]


def whole_days(leaves: Iterable[tuple[LeafKey, Leaf]]) -> Days:
    """Days that are covered whole, joined over days in a row of one month."""
    sums: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0])
    for key, leaf in leaves:
        day = sums[key.device, jst_date(key.slot * SLOT_MS)]
        day[0] += leaf.half_uj
        day[1] += leaf.covered_ms
    whole = [(device, day, half_uj) for (device, day), (half_uj, ms) in sorted(sums.items()) if ms == DAY_MS]
    partial = [(device, day, half_uj) for (device, day), (half_uj, ms) in sorted(sums.items()) if ms != DAY_MS]
    return Days(list(_joined(whole)), partial)


def _joined(days: Iterable[tuple[str, date, int]]) -> Iterator[DayReading]:
    held: DayReading | None = None
    for device, day, half_uj in days:
        if held and held.device == device and _follows(held.last_day, day):
            held = DayReading(device, held.first_day, day, held.half_uj + half_uj)
            continue
        if held:
            yield held
        held = DayReading(device, day, day, half_uj)
    if held:
        yield held


def _follows(last: date, day: date) -> bool:
    return day == last + timedelta(days=1) and (day.year, day.month) == (last.year, last.month)
