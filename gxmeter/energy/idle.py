"""Idle energy: what instruments of our own saw outside any run (ADR 0016).

A bill shows it beside the runs, so it is part of what the runs leave over and never comes on top of it. Idle are
devices and whole machines; telemetry without a run that covers a site's IT or the whole facility is a meter of the
site, which holds the runs too.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from gxmeter.core.ids import is_idle
from gxmeter.energy.double_hosts import host_of
from gxmeter.energy.model import Device, EnergyResult, Leaf, LeafKey

_NODE, _DEVICE = "node", "device"
_INSIDE = frozenset({_NODE, _DEVICE})

_Place = tuple[str, str, int]
"""Site, machine (or the device that names none) and slot."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Telemetry without a run.

    Attributes:
        leaves: energy outside any run, each joule once.
        beside: idle leaves that hold, or are part of, what is counted elsewhere in their half-hour.
        meters: leaves of meters of a site (boundaries it and facility).
    """

    leaves: dict[LeafKey, Leaf] = field(default_factory=dict)
    beside: dict[LeafKey, Leaf] = field(default_factory=dict)
    meters: dict[LeafKey, Leaf] = field(default_factory=dict)


def idle_energy(result: EnergyResult) -> Idle:
    """Sort the leaves without a run.

    Of a machine that is metered as a whole and in parts, in each half-hour: the whole stands beside if a part is
    counted in a run, since it holds that run; a part stands beside if the whole counts.

    Args:
        result: integrated energy, two meters of one machine settled (:func:`gxmeter.energy.double.settled`).
    """
    hosts = host_of(result.devices)
    boundary = {device: info.boundary for device, info in result.devices.items()}
    machine = {device: hosts.get(Device(*device), f"({device[1]})") for device in result.devices}
    found = Idle()
    in_runs: dict[_Place, set[str]] = defaultdict(set)
    as_whole: set[_Place] = set()
    idle: list[tuple[LeafKey, _Place]] = []
    for key in result.leaves:
        device = (key.site, key.device)
        place = (key.site, machine[device], key.slot)
        if not is_idle(key.run):
            in_runs[place].add(boundary[device])
        elif boundary[device] not in _INSIDE:
            found.meters[key] = result.leaves[key]
        else:
            idle.append((key, place))
            if boundary[device] == _NODE:
                as_whole.add(place)
    for key, place in idle:
        runs = in_runs.get(place, set())
        if boundary[key.site, key.device] == _NODE:
            is_beside = _DEVICE in runs
        else:
            is_beside = _NODE in runs or (place in as_whole and _DEVICE not in runs)
        (found.beside if is_beside else found.leaves)[key] = result.leaves[key]
    return found
