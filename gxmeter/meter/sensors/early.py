"""Quick sensors, opened and started before anything else is loaded: their energy counts from the first milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

from gxmeter.meter.sensors.base import Sensor
from gxmeter.meter.sensors.guarded import Guarded
from gxmeter.meter.ticks import Moment, Ticks


def open_early(sensors: Sequence[Sensor], ticks: Ticks, *, compare: bool) -> tuple[list[Guarded], Moment]:
    """Open and start the quick ones among the sensors.

    Whether their parts are ours is not known yet; what turns out to be another meter's is not recorded.

    Args:
        sensors: all sensors; the slow ones are passed over.
        ticks: the clocks.
        compare: whether sensors are asked for parts that another reads already.

    Returns:
        The opened sensors, and the moment from which they count.
    """
    opened: list[Guarded] = []
    labels: frozenset[str] = frozenset()
    for sensor in sensors:
        if sensor.quick:
            guarded = Guarded(sensor)
            guarded.open(frozenset() if compare else labels)
            labels |= {part.label for part in guarded.parts}
            opened.append(guarded)
    for guarded in opened:
        guarded.start()
    return opened, ticks.now()
