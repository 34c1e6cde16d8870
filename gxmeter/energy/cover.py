"""Cover: every declared device accounts for every half-hour of a period, as run, idle, off or unknown.

- *run*: telemetry of a run covers some of the half-hour;
- *idle*: telemetry without a run does, and none of a run;
- *off*: nothing was measured, and the device is declared as off or not installed for all of the half-hour;
- *unknown*: nothing measured, nothing declared. Nothing known is never taken for no energy.

A device is accounted for by its own telemetry, or by a meter of the whole machine that it stands in. A declared
machine (its id is its host, or its kind is node, host or server) is accounted for by telemetry of anything in it.
There is no threshold of power below which a run would be idle: that a run waits does not end it.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gxmeter.core.calendar import SLOT_MS
from gxmeter.core.ids import is_idle
from gxmeter.energy.double_hosts import machines, plain_host
from gxmeter.energy.model import Device, EnergyResult
from gxmeter.telemetry.model import Int64
from gxmeter.workspace.models import Site
from gxmeter.workspace.models.site import Device as DeclaredDevice

Bools = npt.NDArray[np.bool_]

_MACHINES = frozenset({"node", "host", "server"})
"""Kinds of declared devices that stand for a whole machine."""

LONGEST = 3
"""Unknown stretches that are named per device [stretches]."""


class State(IntEnum):
    """What is known of a device in a half-hour; what says more is the greater."""

    UNKNOWN = 0
    OFF = 1
    IDLE = 2
    RUN = 3


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of time [Unix ms]."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class DeviceCover:
    """How a declared device accounts for a period.

    Attributes:
        site, device, host, kind: as declared.
        slots: number of half-hours by state; they add up to the period.
        covered_ms: how much was measured of runs, and of idle time, that within the half-hours of a run included [ms].
        unknown: the longest stretches of which nothing is known, the longest first.
        measured_while_off: half-hours that are declared off although something was measured [slots].
    """

    site: str
    device: str
    host: str
    kind: str
    slots: Mapping[State, int]
    covered_ms: Mapping[State, int]
    unknown: tuple[Stretch, ...]
    measured_while_off: int


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A device that has telemetry in the period and is not declared; ``slots``: in how many half-hours."""

    site: str
    device: str
    host: str
    boundary: str
    slots: int


@dataclass(frozen=True, slots=True)
class Cover:
    """The cover of a period [Unix ms]: declared devices in order of site and id, and devices nobody declared."""

    start_ms: int
    end_ms: int
    devices: tuple[DeviceCover, ...]
    undeclared: tuple[Undeclared, ...]


class _Series(NamedTuple):
    """The leaves of one device in a period: slots counted from its start, covered time [ms], whether idle."""

    slot: Int64
    covered_ms: Int64
    is_idle: Bools


class _Window(NamedTuple):
    """A period as half-hours: the first one since the epoch, and how many."""

    first: int
    length: int

    def piece(self, start_ms: int, end_ms: int) -> slice:
        """The half-hours between two days' edges, counted from the start of the period."""
        start, end = (min(max(ms // SLOT_MS - self.first, 0), self.length) for ms in (start_ms, end_ms))
        return slice(start, end)


def cover(result: EnergyResult, sites: Iterable[Site], start_ms: int, end_ms: int) -> Cover:
    """How the devices of some sites account for a period.

    Args:
        result: integrated energy of all telemetry that there is.
        sites: the sites with their declared devices.
        start_ms: start of the period, on a half-hour edge [Unix ms].
        end_ms: its end, on a half-hour edge [Unix ms].
    """
    known = {site.id: site for site in sites}
    window = _Window(start_ms // SLOT_MS, (end_ms - start_ms) // SLOT_MS)
    series = _series(result, known, window)
    meters = _Meters(result, series, known.values())
    covers = [
        _device_cover(site.id, device, [series[name] for name in meters.of(site.id, device)], window)
        for site in known.values()
        for device in sorted(site.devices, key=lambda device: device.id)
    ]
    declared = {(site.id, device.id) for site in known.values() for device in site.devices}
    undeclared = [
        Undeclared(*name, result.devices[name].host, result.devices[name].boundary, len(np.unique(found.slot)))
        for name, found in sorted(series.items())
        if name not in declared
    ]
    return Cover(start_ms, end_ms, tuple(covers), tuple(undeclared))


def _series(result: EnergyResult, sites: Collection[str], window: _Window) -> dict[Device, _Series]:
    """The leaves of the period as columns, one set per device."""
    slots: dict[Device, array[int]] = defaultdict(lambda: array("q"))
    covered: dict[Device, array[int]] = defaultdict(lambda: array("q"))
    idle: dict[Device, bytearray] = defaultdict(bytearray)
    for key, leaf in result.leaves.items():
        slot = key.slot - window.first
        if 0 <= slot < window.length and key.site in sites:
            device = Device(key.site, key.device)
            slots[device].append(slot)
            covered[device].append(leaf.covered_ms)
            idle[device].append(is_idle(key.run))
    return {
        device: _Series(
            np.frombuffer(slots[device], np.int64),
            np.frombuffer(covered[device], np.int64),
            np.frombuffer(idle[device], np.bool_),
        )
        for device in sorted(slots)
    }


class _Meters:
    """Which series account for a declared device."""

    def __init__(self, result: EnergyResult, series: Iterable[Device], sites: Iterable[Site]) -> None:
        """Sort the series by machine."""
        infos = {device: result.devices[device] for device in series}
        written = [(info.site, info.host) for info in infos.values()]
        written += [(site.id, device.host) for site in sites for device in site.devices]
        self._machine = machines(written)
        self._own = set(infos)
        self._in_machine: dict[tuple[str, str], list[Device]] = defaultdict(list)
        self._of_machine: dict[tuple[str, str], list[Device]] = defaultdict(list)
        for device, info in infos.items():
            place = (device.site, self._machine[info.site, info.host])
            self._in_machine[place].append(device)
            if info.boundary == "node":
                self._of_machine[place].append(device)

    def of(self, site: str, declared: DeclaredDevice) -> set[Device]:
        """Its own series; for a machine all within it, for a part those of the whole machine."""
        place = (site, self._machine[site, declared.host])
        is_machine = declared.kind.casefold() in _MACHINES or plain_host(declared.id) == plain_host(declared.host)
        found = set((self._in_machine if is_machine else self._of_machine).get(place, ()))
        return found | ({Device(site, declared.id)} & self._own)


def _device_cover(site: str, device: DeclaredDevice, series: Sequence[_Series], window: _Window) -> DeviceCover:
    is_off = _off(device, window)
    run_ms, has_run = _covered(series, window.length, idle=False)
    idle_ms, has_idle = _covered(series, window.length, idle=True)
    state = np.where(is_off, State.OFF, State.UNKNOWN)
    state[has_idle] = State.IDLE
    state[has_run] = State.RUN
    counts = np.bincount(state, minlength=len(State)).tolist()
    return DeviceCover(
        site=site,
        device=device.id,
        host=device.host,
        kind=device.kind,
        slots={member: counts[member] for member in State},
        covered_ms={
            State.RUN: int(run_ms.sum()),
            State.IDLE: int(np.minimum(idle_ms, SLOT_MS - run_ms).sum()),
        },
        unknown=_longest(state == State.UNKNOWN, window),
        measured_while_off=int((is_off & (has_run | has_idle)).sum()),
    )


def _off(device: DeclaredDevice, window: _Window) -> Bools:
    """The half-hours that are declared as off, or in which the device is not there."""
    is_off = np.ones(window.length, np.bool_)
    is_off[window.piece(device.start_ms, device.end_ms)] = False
    for period in device.off:
        is_off[window.piece(period.start_ms, period.end_ms)] = True
    return is_off


def _covered(series: Iterable[_Series], count: int, *, idle: bool) -> tuple[Int64, Bools]:
    """Covered time of each half-hour [ms] by what covers most of it, and whether anything does."""
    most = np.zeros(count, np.int64)
    seen = np.zeros(count, np.bool_)
    for member in series:
        rows = member.is_idle == idle
        covered_ms = np.zeros(count, np.int64)
        np.add.at(covered_ms, member.slot[rows], member.covered_ms[rows])
        np.maximum(most, covered_ms, out=most)
        seen[member.slot[rows]] = True
    return np.minimum(most, SLOT_MS), seen


def _longest(is_unknown: Bools, window: _Window) -> tuple[Stretch, ...]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_unknown, [False]))))
    pieces = sorted(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True), key=lambda p: (p[0] - p[1], p[0]))
    return tuple(
        Stretch((window.first + start) * SLOT_MS, (window.first + end) * SLOT_MS) for start, end in pieces[:LONGEST]
    )
