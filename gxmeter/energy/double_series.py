"""One series under two device ids: equal energy in every half-hour that both cover is not chance.

Readers cannot see it: a file that was copied and renamed, a GPU that an exporter lists once per partition, a host that
was renamed while its old name went on. The leaves can: two instruments never agree to half a microjoule for long.
One instrument whose reading is shared out over two machines gives equal series too, and then both count: 60 of the 64
nodes of a published MLPerf run are such pairs. Only people know; in a workspace they say so by ``metering: share``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from gxmeter.core.calendar import SLOT_MS, instant
from gxmeter.core.findings import Finding, finding
from gxmeter.energy.double_meters import SHARE
from gxmeter.energy.model import Device, EnergyResult

MIN_EQUAL = 3
"""Half-hours of equal energy while the power varies that are taken for one series [slots]."""

MIN_EQUAL_COARSE = 48
"""The same for series in whole tenths of a watt-hour [slots]: a day; coarse readings agree by chance."""

COARSE_HALF_UJ = 720_000_000
"""A tenth of a watt-hour [half-uJ]: what a coarse meter counts in."""

_MODELLED = frozenset("EFX")
"""First letters of the grades that are no measurement: models, declarations, shares (docs/explanation/grades.md)."""

_LISTED = 5
"""Pairs of devices that are named [pairs]."""

Slots = Mapping[int, tuple[int, int]]
"""Energy [half-uJ] and covered time [ms] by slot."""


def series_twice(result: EnergyResult, metering: Mapping[Device, str] | None = None) -> list[Finding]:
    """Devices whose leaves are those of another device; one finding per pair of files.

    In a workspace that is a fault (``series-twice``) unless both are declared as shares; of files alone, of which
    nobody could declare anything, it is a remark of level should (``series-equal``).

    Told are devices that agree wherever they cover equally much of a half-hour, in at least :data:`MIN_EQUAL` of them,
    while their power varies. Constant power, and none at all, say nothing, and models give one answer to many devices:
    only what is measured is compared.
    """
    series, file_of = _series(result), _files(result)
    pairs: dict[tuple[str, str], list[tuple[Device, Device]]] = defaultdict(list)
    first: dict[tuple[str, str], int] = {}
    for one, other in _candidates(series):
        equal = _equal_slots(series[one], series[other])
        if _is_no_chance(series[one], equal) and not _are_shares(metering or {}, one, other):
            files = (file_of[one], file_of[other])
            pairs[files].append((one, other))
            first[files] = min(equal[0], first.get(files, equal[0]))
    code = "series-equal" if metering is None else "series-twice"
    return [_told(code, files, members, first[files]) for files, members in sorted(pairs.items())]


def _are_shares(metering: Mapping[Device, str], one: Device, other: Device) -> bool:
    return metering.get(one) == metering.get(other) == SHARE


def _series(result: EnergyResult) -> dict[Device, dict[int, tuple[int, int]]]:
    """The devices that are measured, with their leaves over all runs by slot."""
    modelled = {device for device, info in result.devices.items() if info.grade[:1] in _MODELLED}
    found: dict[Device, dict[int, tuple[int, int]]] = defaultdict(dict)
    for key, leaf in result.leaves.items():
        if (key.site, key.device) in modelled:
            continue
        slots = found[Device(key.site, key.device)]
        half_uj, covered_ms = slots.get(key.slot, (0, 0))
        slots[key.slot] = (half_uj + leaf.half_uj, covered_ms + leaf.covered_ms)
    return found


def _candidates(series: Mapping[Device, Slots]) -> list[tuple[Device, Device]]:
    """Pairs that have equal leaves in enough slots; of many that are all equal, each with the first of them."""
    holders: dict[tuple[int, int, int], list[Device]] = defaultdict(list)
    for device in sorted(series):
        for slot, (half_uj, covered_ms) in series[device].items():
            if half_uj:
                holders[slot, half_uj, covered_ms].append(device)
    agreeing = Counter((members[0], other) for members in holders.values() if len(members) > 1 for other in members[1:])
    return sorted(pair for pair, count in agreeing.items() if count >= MIN_EQUAL)


def _equal_slots(one: Slots, other: Slots) -> list[int]:
    """The slots with equal energy, in order; none if the two differ where they cover equally much of a slot."""
    shared = sorted(one.keys() & other.keys())
    if any(one[slot] != other[slot] and one[slot][1] == other[slot][1] for slot in shared):
        return []
    return [slot for slot in shared if one[slot] == other[slot]]


def _is_no_chance(slots: Slots, equal: Iterable[int]) -> bool:
    leaves = [slots[slot] for slot in equal]
    powers = {(half_uj * SLOT_MS // covered_ms if covered_ms else half_uj) for half_uj, covered_ms in leaves}
    is_coarse = all(half_uj % COARSE_HALF_UJ == 0 for half_uj, _ in leaves)
    return len(powers) > 1 and len(leaves) >= (MIN_EQUAL_COARSE if is_coarse else MIN_EQUAL)


def _files(result: EnergyResult) -> dict[Device, str]:
    """The first source of each device."""
    first: dict[Device, int] = {}
    for (_, site, name), sources in result.source_of.items():
        device = Device(site, name)
        first[device] = min([*sources, first.get(device, len(result.sources))])
    return {device: result.sources[index][0] for device, index in first.items()}


def _told(code: str, files: tuple[str, str], pairs: list[tuple[Device, Device]], slot: int) -> Finding:
    names = (f"{_name(one)} = {_name(other)}" for one, other in pairs)
    return finding(
        code,
        file=files[1],
        other=files[0],
        devices=", ".join(_listed(names, len(pairs))),
        count=len(pairs),
        at=instant(slot * SLOT_MS),
    )


def _name(device: Device) -> str:
    return f"{device.site}/{device.device}" if device.site else device.device


def _listed(names: Iterable[str], count: int) -> Iterator[str]:
    yield from islice(names, _LISTED)
    if count > _LISTED:
        yield "..."
