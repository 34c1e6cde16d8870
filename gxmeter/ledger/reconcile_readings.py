"""Which readings count: a facility meter of exactly the days of a bill is compared with it, never added to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gxmeter.workspace.models import MeterReading


class Counted(NamedTuple):
    """A reading that counts, and the facility meter of the same days that stands beside it."""

    reading: MeterReading
    beside: MeterReading | None


def counted_readings(readings: Iterable[MeterReading]) -> list[Counted]:
    """The readings that count, in time order per site; a bill before a meter, since the bill is what was bought."""
    members = sorted(readings, key=lambda reading: (reading.site, reading.start_ms, reading.end_ms, reading.id))
    bills = {(r.site, r.start_ms, r.end_ms) for r in members if r.kind == "bill"}
    beside: dict[tuple[str, int, int], MeterReading] = {}
    for reading in members:
        days = (reading.site, reading.start_ms, reading.end_ms)
        if reading.kind == "meter" and days in bills:
            beside.setdefault(days, reading)
    others = {reading.id for reading in beside.values()}
    return [
        Counted(reading, beside.get((reading.site, reading.start_ms, reading.end_ms)))
        for reading in members
        if reading.id not in others
    ]
