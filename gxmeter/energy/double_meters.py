"""Two meters of one machine: the better counts, the other stands beside it (ADR 0017).

An outlet of a PDU and the management controller both see the whole machine, and the AC and the DC side of a power
supply see the same energy twice. They are never summed: in each half-hour in which both have something, one counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

from gxmeter.core.calendar import SLOT_MS, instant
from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import Rounding, fixed, nearest
from gxmeter.energy.double_hosts import host_of
from gxmeter.energy.double_time import Cover, meeting_sources
from gxmeter.energy.model import Device, EnergyResult, LeafKey
from gxmeter.energy.spread import HALF_UJ_PER_KWH

WHOLE, SHARE, BESIDE = "whole", "share", "beside"
"""What a declared device's meter sees of its host (``metering`` in sites/)."""

_DC = "-dc"
"""Ending of the method of a reading behind the power supply, which leaves its losses out."""

_LISTED = 5
"""Hosts that are named [hosts]."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What does not count: the leaves that stand beside others, and why."""

    beside: frozenset[LeafKey] = frozenset()
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class _Meter:
    """A meter of a whole machine: one device, or all shares of one machine together."""

    name: str
    method: str
    rank: tuple[bool, str, str]
    cover: Cover = field(default_factory=Cover)
    keys: dict[int, list[LeafKey]] = field(default_factory=lambda: defaultdict(list))


class _Pair(NamedTuple):
    """The slots of one host in which one meter counts and another stands beside it [half-uJ]."""

    host: str
    slots: Collection[int]
    counted_half_uj: int
    beside_half_uj: int
    names: tuple[str, str]
    file: str


def counted(result: EnergyResult, metering: Mapping[Device, str] | None = None) -> Counted:
    """Which leaves stand beside others that count.

    Of two meters at the node boundary the AC side goes before the DC side, then the better grade, then the lesser
    device id. Where they do not share time, both count.

    Args:
        result: integrated energy of all telemetry that there is.
        metering: what declared devices see of their host; left out: all of it.
    """
    roles = metering or {}
    beside = {device for device, role in roles.items() if role == BESIDE}
    declared = {key for key in result.leaves if (key.site, key.device) in beside} if beside else set()
    pairs: dict[tuple[str, str, str], list[_Pair]] = defaultdict(list)
    dropped = set(declared)
    for (site, host), meters in _meters(result, roles).items():
        for better, worse, keys, pair in _contests(result, host, meters):
            pairs[site, better, worse].append(pair)
            dropped |= keys
    findings = [_declared_beside(result, declared)] if declared else []
    findings += [_two_meters(*kind, members) for kind, members in sorted(pairs.items())]
    return Counted(frozenset(dropped), tuple(findings))


def without(result: EnergyResult, beside: Collection[LeafKey]) -> EnergyResult:
    """The result without some leaves, and without the gaps and sources of devices of which nothing is left."""
    if not beside:
        return result
    leaves = {key: leaf for key, leaf in result.leaves.items() if key not in beside}
    left = {(key.run, key.site, key.device) for key in leaves}
    gone = {(key.run, key.site, key.device) for key in beside} - left
    return replace(
        result,
        leaves=leaves,
        gaps=[gap for gap in result.gaps if (gap.run, gap.site, gap.device) not in gone],
        source_of={series: sources for series, sources in result.source_of.items() if series not in gone},
    )


def _meters(result: EnergyResult, roles: Mapping[Device, str]) -> dict[tuple[str, str], list[_Meter]]:
    """The meters of every machine that has several, the one that counts first."""
    hosts = host_of(result.devices)
    of_host: dict[tuple[str, str], dict[str, list[Device]]] = defaultdict(lambda: defaultdict(list))
    for device, host in hosts.items():
        role = roles.get(device, WHOLE)
        if result.devices[device].boundary == "node" and role != BESIDE:
            of_host[device.site, host]["" if role == SHARE else device.device].append(device)
    several = {place: members for place, members in of_host.items() if len(members) > 1}
    meter_of: dict[Device, _Meter] = {}
    found: dict[tuple[str, str], list[_Meter]] = {}
    for place, members in sorted(several.items()):
        meters = [_meter(result, devices) for devices in members.values()]
        found[place] = sorted(meters, key=lambda meter: meter.rank)
        for meter, devices in zip(meters, members.values(), strict=True):
            meter_of |= dict.fromkeys(devices, meter)
    for key, leaf in result.leaves.items() if meter_of else ():
        if (meter_or_none := meter_of.get(Device(key.site, key.device))) is not None:
            meter_or_none.cover.add(result, key, leaf)
            meter_or_none.keys[key.slot].append(key)
    return found


def _meter(result: EnergyResult, devices: list[Device]) -> _Meter:
    names = sorted(device.device for device in devices)
    infos = [result.devices[device] for device in devices]
    methods = sorted({info.method for info in infos})
    grade = max(info.grade for info in infos)  # the grades' letters stand in the order of their quality
    is_dc = any(method.endswith(_DC) for method in methods)
    return _Meter(" + ".join(names), " + ".join(methods), (is_dc, grade, names[0]))


def _contests(result: EnergyResult, host: str, meters: list[_Meter]) -> Iterable[tuple[str, str, set[LeafKey], _Pair]]:
    """Every pair of meters that share time: methods of the better and the worse, the leaves that do not count."""
    for i, worse in enumerate(meters):
        for better in meters[:i]:
            met = meeting_sources(result, better.cover, worse.cover)
            slots = {slot for slot in better.keys.keys() & worse.keys.keys() if better.keys[slot] and worse.keys[slot]}
            if not met or not slots:
                continue
            keys = {key for slot in slots for key in worse.keys.pop(slot)}
            counted_half_uj = sum(result.leaves[key].half_uj for slot in slots for key in better.keys[slot])
            beside_half_uj = sum(result.leaves[key].half_uj for key in keys)
            names = (better.name, worse.name)
            file = result.sources[met[0]][0]
            yield better.method, worse.method, keys, _Pair(host, slots, counted_half_uj, beside_half_uj, names, file)


def _two_meters(site: str, better: str, worse: str, pairs: list[_Pair]) -> Finding:
    """One finding for all machines that are metered twice in the same way."""
    hosts = [pair.host for pair in pairs]
    told = ", ".join(hosts[:_LISTED]) + (", ..." if len(hosts) > _LISTED else "")
    is_one_supply = worse.endswith(_DC) and not better.endswith(_DC)
    return finding(
        "ac-and-dc-side" if is_one_supply else "host-two-meters",
        file=min(pair.file for pair in pairs),
        site=site,
        hosts=told,
        count=len(hosts),
        counted=f"{pairs[0].names[0]} ({better})",
        beside=f"{pairs[0].names[1]} ({worse})",
        counted_kwh=_shown_kwh(sum(pair.counted_half_uj for pair in pairs)),
        beside_kwh=_shown_kwh(sum(pair.beside_half_uj for pair in pairs)),
        at=instant(min(slot for pair in pairs for slot in pair.slots) * SLOT_MS),
    )


def _declared_beside(result: EnergyResult, keys: Collection[LeafKey]) -> Finding:
    devices = sorted({key.device for key in keys})
    told = ", ".join(devices[:_LISTED]) + (", ..." if len(devices) > _LISTED else "")
    half_uj = sum(result.leaves[key].half_uj for key in keys)
    return finding("meter-beside", devices=told, count=len(devices), kwh=_shown_kwh(half_uj))


def _shown_kwh(half_uj: int) -> str:
    return fixed(nearest(Fraction(half_uj, HALF_UJ_PER_KWH), 3, Rounding.HALF_UP), 3)
