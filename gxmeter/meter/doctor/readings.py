"""The doctor's own measurement: every sensor of this machine opened for real and read about a second apart.

It is done as the meter does it, with the same sensors and the same rule for what counts, except that nothing is
claimed: a training that is being measured goes on being measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gxmeter.meter.host.allocation import Allocation
from gxmeter.meter.host.claims import Claims
from gxmeter.meter.roster import Entry, Roster
from gxmeter.meter.sensors.base import Fault, Opened, Part, Sensor
from gxmeter.meter.sensors.guarded import Guarded

WAIT_S = 1.1
"""Time between two readings [s]: counters are judged over at least one second."""

ROUNDS = 3
"""A part without a number is read again; a management controller may take seconds for its first."""

_LOOK_S = 0.2
_PJ_PER_UJ = 1_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """A part, by whom it is read, and what it says now.

    Attributes:
        sensor, version, driver: as the sensor says them.
        part: as the sensor says it.
        method, grade: of the newest reading, or as a rule.
        power_mw: mean power over the last second [mW], None where there is no number.
        beside: label of the part that counts in its stead, None where this one counts.
        why: why there is no number, or what is remarkable about it.
        measured_by: process of a meter that has this part now, 0 where it is out of sight, None where nobody has.
    """

    sensor: str
    version: str
    driver: str | None
    part: Part
    method: str
    grade: str
    power_mw: int | None
    beside: str | None = None
    why: Fault | None = None
    measured_by: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it enters the sums."""
        return self.beside is None


@dataclass(frozen=True, slots=True)
class Looked:
    """A sensor as it was found.

    Attributes:
        name: its name.
        opened: what it said.
        seconds: how long opening took [s].
    """

    name: str
    opened: Opened
    seconds: float


@dataclass(slots=True)
class _Live:
    guarded: Guarded
    looked: Looked
    entries: list[Entry]
    since_ns: int = 0


def take_readings(
    sensors: Sequence[Sensor],
    host: str,
    allocation: Allocation,
    claims: Claims,
    *,
    wait_s: float = WAIT_S,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[list[Reading], list[Looked]]:
    """Open the sensors, read them, close them.

    Args:
        sensors: in the order in which the meter would open them.
        host: name that stands before the devices' ids.
        allocation: what of the host is ours.
        claims: asked who measures now; nothing is claimed.
        wait_s: time between two readings [s].
        say: told the name of each sensor before it is opened.
    """
    roster = Roster(host, claims, allocation)
    lives = [_open(Guarded(sensor), number, roster, say) for number, sensor in enumerate(sensors)]
    for entry in roster.entries:
        entry.granted = True
    roster.arrange()
    try:
        readings = _read(lives, roster, wait_s)
    finally:
        for live in lives:
            live.guarded.close()
    return readings, [live.looked for live in lives]


def _open(guarded: Guarded, number: int, roster: Roster, say: Callable[[str], None]) -> _Live:
    say(guarded.sensor.name)
    began = time.monotonic()
    opened = guarded.open(roster.labels())
    looked = Looked(guarded.sensor.name, opened, time.monotonic() - began)
    roster.know(guarded.sensor.methods)
    return _Live(guarded, looked, roster.admit(number, opened.parts))


def _read(lives: list[_Live], roster: Roster, wait_s: float) -> list[Reading]:
    found: dict[int, list[Reading]] = {}
    for live in lives:
        live.guarded.start()
        live.since_ns = time.monotonic_ns()
    for _ in range(ROUNDS):
        waiting = [live for live in lives if any(r.power_mw is None for r in found.get(id(live), [])) or not found]
        if not waiting:
            break
        _wait(waiting, wait_s)
        for live in waiting:
            found[id(live)] = _readings(live, roster)
    return [reading for live in lives for reading in found[id(live)]]


def _wait(lives: list[_Live], wait_s: float) -> None:
    """Let a second pass, with looks in between for those that want them."""
    until = time.monotonic() + wait_s
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_S))
        for live in lives:
            if live.guarded.sensor.poll_s is not None:
                live.guarded.poll()


def _readings(live: _Live, roster: Roster) -> list[Reading]:
    now_ns = time.monotonic_ns()
    elapsed_ns, live.since_ns = now_ns - live.since_ns, now_ns
    samples = live.guarded.read(elapsed_ns)
    readings = []
    for entry, sample in zip(live.entries, samples, strict=True):
        method = roster.methods[roster.method_index(entry.method(sample.method))]
        energy_uj = None if sample.energy_uj is None else entry.portion(sample.energy_uj)
        holder = roster.claims.holder(entry.key)
        readings.append(
            Reading(
                sensor=live.looked.name,
                version=live.looked.opened.version,
                driver=live.looked.opened.driver,
                part=entry.part,
                method=method.method,
                grade=method.grade,
                power_mw=None if energy_uj is None else energy_uj * _PJ_PER_UJ // elapsed_ns,
                beside=entry.beside.part.label if entry.beside else None,
                why=sample.fault,
                measured_by=None if holder is None else holder.pid,
            )
        )
    return readings
