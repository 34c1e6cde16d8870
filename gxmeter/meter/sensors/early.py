"""Quick sensors, opened and started before anything else is loaded: their energy counts from the first milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gxmeter.meter.host.claims import Claims
from gxmeter.meter.sensors.base import Sensor
from gxmeter.meter.sensors.guarded import Guarded
from gxmeter.meter.ticks import Moment, Ticks


@dataclass(frozen=True, slots=True)
class Early:
    """Quick sensors that count already.

    Attributes:
        sensors: opened and started.
        at: the moment from which they count.
        alone: whether no other meter of this host had anything then. Else what they counted until they are claimed
            may be another's, and they are started again.
    """

    sensors: Sequence[Guarded]
    at: Moment
    alone: bool


def open_early(sensors: Sequence[Sensor], ticks: Ticks, claims: Claims, *, compare: bool) -> Early:
    """Open and start the quick ones among the sensors.

    Args:
        sensors: all sensors; the slow ones are passed over.
        ticks: the clocks.
        claims: who has what on this host.
        compare: whether sensors are asked for parts that another reads already.
    """
    opened: list[Guarded] = []
    labels: frozenset[str] = frozenset()
    for sensor in sensors:
        if sensor.quick:
            guarded = Guarded(sensor)
            guarded.open(frozenset() if compare else labels)
            labels |= {part.label for part in guarded.parts}
            opened.append(guarded)
    alone = claims.alone()
    for guarded in opened:
        guarded.start()
    return Early(opened, ticks.now(), alone)
