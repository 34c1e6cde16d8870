"""Quick sensors, opened and started before anything else is loaded: their energy counts from the first milliseconds."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from gxmeter.meter.host.claims import Claims, Key, part_key
from gxmeter.meter.sensors.base import Sensor
from gxmeter.meter.sensors.guarded import Guarded
from gxmeter.meter.ticks import NS_PER_S, Moment, Ticks

if TYPE_CHECKING:
    from gxmeter.meter.host.allocation import Allocation


PATIENCE_S = 0.5
"""How long the record waits for the quick sensors [s]. A driver without persistence takes seconds, one that hangs
for ever; the others, and the record, must not wait for it."""


@dataclass(frozen=True, slots=True)
class Early:
    """Quick sensors that count already.

    Attributes:
        sensors: opened and started.
        at: the moment from which they count.
        held: what was claimed before that moment. What is granted later was another meter's until then.
        late: quick sensors whose opening takes longer than :data:`PATIENCE_S`; they join when they are ``done``.
    """

    sensors: Sequence[Guarded]
    at: Moment
    held: frozenset[Key]
    late: Sequence[Opening] = ()


def open_early(sensors: Sequence[Sensor], ticks: Ticks, claims: Claims, environ: Mapping[str, str]) -> Early:
    """Open, claim and start the quick ones among the sensors.

    Args:
        sensors: all sensors; the slow ones are passed over.
        ticks: the clocks.
        claims: who has what on this host.
        environ: environment; what of this host is ours.
    """

    @cache
    def allocation() -> Allocation:
        from gxmeter.meter.host.allocation import read_allocation  # noqa: PLC0415 - only where it matters

        return read_allocation(environ)

    opening = [Opening(Guarded(sensor)) for sensor in sensors if sensor.quick]
    until_ns = ticks.now().mono_ns + round(PATIENCE_S * NS_PER_S)
    for one in opening:
        one.begin()
    for one in opening:
        one.done.wait(max(0, until_ns - ticks.now().mono_ns) / NS_PER_S)
    opened = [one.guarded for one in opening if one.done.is_set()]
    for part in (part for guarded in opened for part in guarded.parts):
        claims.claim(part_key(part, allocation))
    for guarded in opened:
        guarded.start()
    late = [one for one in opening if one.guarded not in opened]
    return Early(opened, ticks.now(), frozenset(claims.held()), late)


class Opening(threading.Thread):
    """Opens one sensor; a driver that hangs holds up nothing else.

    Attributes:
        guarded: the sensor.
        done: set once it is open, whatever came of it.
    """

    def __init__(self, guarded: Guarded) -> None:
        """Nothing is opened yet."""
        super().__init__(name="gxmeter-quick", daemon=True)
        self.guarded = guarded
        self.done = threading.Event()

    def begin(self) -> None:
        """Start the thread; where the host gives no thread more, open it here."""
        try:
            self.start()
        except RuntimeError:
            self.run()

    def run(self) -> None:
        """Open it."""
        self.guarded.open(frozenset())
        self.done.set()
