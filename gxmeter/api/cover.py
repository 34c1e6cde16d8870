"""The cover of a period as the facade hands it out, summed up by site, with its findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from gxmeter.api.period import Span
from gxmeter.core.calendar import SLOT_MS, instant
from gxmeter.core.findings import Finding, finding, ordered
from gxmeter.core.numbers import Rounding, divided, plain
from gxmeter.energy.cover import Cover, DeviceCover, State, Undeclared, cover
from gxmeter.energy.model import EnergyResult
from gxmeter.workspace.models import Site

STATES = (State.RUN, State.IDLE, State.OFF, State.UNKNOWN)
"""In the order in which they are shown."""

HOURS_PER_SLOT = Decimal("0.5")
"""[h]; by definition of the half-hour."""

_MS_PER_HOUR = Decimal(3_600_000)
_LISTED = 5


@dataclass(frozen=True, slots=True)
class SiteCover:
    """The half-hours of all declared devices of a site, by state [slots]."""

    site: str
    devices: int
    slots: dict[State, int]


@dataclass(frozen=True, slots=True)
class Covered:
    """How the declared devices of some sites account for a year or a month."""

    span: Span
    cover: Cover
    sites: tuple[SiteCover, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The answer of ``gxmeter cover --json``."""
        return {
            "fy": self.span.fy.year,
            "month": self.span.month or None,
            "start": instant(self.cover.start_ms),
            "end": instant(self.cover.end_ms),
            "slots": (self.cover.end_ms - self.cover.start_ms) // SLOT_MS,
            "sites": [{"site": s.site, "devices": s.devices, **_slots(s.slots)} for s in self.sites],
            "devices": [_device(device) for device in self.cover.devices],
            "undeclared": [
                {"site": u.site, "device": u.device, "host": u.host, "boundary": u.boundary, "slots": u.slots}
                for u in self.cover.undeclared
            ],
            "findings": [item.to_json() for item in self.findings],
        }


def covered(span: Span, records: EnergyResult, sites: Sequence[Site], *, faults: Iterable[Finding]) -> Covered:
    """Compute the cover, sum it up by site and name what is remarkable.

    Args:
        span: the year or month.
        records: all telemetry, meters that stand beside others included.
        sites: the sites that are looked at.
        faults: what is wrong with the telemetry itself.
    """
    found_cover = cover(records, sites, span.start_ms, span.end_ms)
    by_site = {site: list(members) for site, members in groupby(found_cover.devices, key=lambda device: device.site)}
    names = [site.id for site in sites]
    sums = tuple(_site(site, by_site.get(site, [])) for site in names)
    found = [*_unknown(by_site), *_while_off(by_site), *_undeclared(found_cover.undeclared)]
    found += [finding("cover-nothing-declared", site=site) for site in names if site not in by_site]
    return Covered(span, found_cover, sums, tuple(ordered([*faults, *found])))


def accounted_pct(slots: dict[State, int]) -> Decimal | None:
    """How much of the half-hours is run, idle or off [%]; None of nothing."""
    total = sum(slots.values())
    known = total - slots[State.UNKNOWN]
    return divided(Decimal(100 * known), Decimal(total), 6, Rounding.HALF_EVEN) if total else None


def measured_pct(device: DeviceCover) -> Decimal | None:
    """How much of its run and idle half-hours was measured, as run or as idle [%]; None where there are none."""
    slots = device.slots[State.RUN] + device.slots[State.IDLE]
    covered_ms = sum(device.covered_ms.values())
    return divided(Decimal(100 * covered_ms), Decimal(slots * SLOT_MS), 6, Rounding.HALF_EVEN) if slots else None


def hours(slots: int) -> Decimal:
    """Half-hours as hours [h]."""
    return slots * HOURS_PER_SLOT


def measured_hours(covered_ms: int) -> Decimal:
    """Covered time [ms] as hours [h], nine decimals."""
    return divided(Decimal(covered_ms), _MS_PER_HOUR, 9, Rounding.HALF_EVEN)


def _site(site: str, members: list[DeviceCover]) -> SiteCover:
    return SiteCover(site, len(members), {state: sum(device.slots[state] for device in members) for state in STATES})


def _slots(slots: dict[State, int]) -> dict[str, Any]:
    pct = accounted_pct(slots)
    return {
        "slots": {state.name.lower(): slots[state] for state in STATES},
        "hours": {state.name.lower(): plain(hours(slots[state])) for state in STATES},
        "accounted_pct": None if pct is None else plain(pct),
    }


def _device(device: DeviceCover) -> dict[str, Any]:
    pct = measured_pct(device)
    return {
        "site": device.site,
        "device": device.device,
        "host": device.host,
        "kind": device.kind,
        **_slots(dict(device.slots)),
        "covered_hours": {state.name.lower(): plain(measured_hours(ms)) for state, ms in device.covered_ms.items()},
        "covered_pct": None if pct is None else plain(pct),
        "longest_unknown": [
            {
                "start": instant(s.start_ms),
                "end": instant(s.end_ms),
                "hours": plain(hours((s.end_ms - s.start_ms) // SLOT_MS)),
            }
            for s in device.unknown
        ],
    }


def _unknown(by_site: dict[str, list[DeviceCover]]) -> Iterator[Finding]:
    for site, members in by_site.items():
        dark = [device for device in members if device.slots[State.UNKNOWN]]
        slots = sum(device.slots[State.UNKNOWN] for device in dark)
        if dark:
            yield finding("cover-unknown", site=site, **_counted(d.device for d in dark), hours=plain(hours(slots)))


def _while_off(by_site: dict[str, list[DeviceCover]]) -> Iterator[Finding]:
    for site, members in by_site.items():
        wrong = [device for device in members if device.measured_while_off]
        slots = sum(device.measured_while_off for device in wrong)
        if wrong:
            yield finding(
                "cover-off-measured", site=site, **_counted(d.device for d in wrong), hours=plain(hours(slots))
            )


def _undeclared(devices: tuple[Undeclared, ...]) -> Iterator[Finding]:
    for site, members in groupby(devices, key=lambda device: device.site):
        yield finding("cover-undeclared", site=site, **_counted(device.device for device in members))


def _counted(devices: Iterable[str]) -> dict[str, Any]:
    names = list(devices)
    return {"devices": ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else ""), "count": len(names)}
