"""Quick sensors, opened and started before anything else is loaded: their energy counts from the first milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from gxmeter.meter.host.claims import Claims, Key, part_key
from gxmeter.meter.sensors.base import Sensor
from gxmeter.meter.sensors.guarded import Guarded
from gxmeter.meter.ticks import Moment, Ticks

if TYPE_CHECKING:
    from gxmeter.meter.host.allocation import Allocation


@dataclass(frozen=True, slots=True)
class Early:
    """Quick sensors that count already.

    Attributes:
        sensors: opened and started.
        at: the moment from which they count.
        held: what was claimed before that moment. What is granted later was another meter's until then.
    """

    sensors: Sequence[Guarded]
    at: Moment
    held: frozenset[Key]


def open_early(
    sensors: Sequence[Sensor], ticks: Ticks, claims: Claims, environ: Mapping[str, str], *, compare: bool
) -> Early:
    """Open, claim and start the quick ones among the sensors.

    Args:
        sensors: all sensors; the slow ones are passed over.
        ticks: the clocks.
        claims: who has what on this host.
        environ: environment; what of this host is ours.
        compare: whether sensors are asked for parts that another reads already.
    """

    @cache
    def allocation() -> Allocation:
        from gxmeter.meter.host.allocation import read_allocation  # noqa: PLC0415 - only where it matters

        return read_allocation(environ)

    opened: list[Guarded] = []
    labels: frozenset[str] = frozenset()
    for sensor in sensors:
        if sensor.quick:
            guarded = Guarded(sensor)
            guarded.open(frozenset() if compare else labels)
            labels |= {part.label for part in guarded.parts}
            opened.append(guarded)
    for part in (part for guarded in opened for part in guarded.parts):
        claims.claim(part_key(part, allocation))
    for guarded in opened:
        guarded.start()
    return Early(opened, ticks.now(), frozenset(claims.held()))
