"""What ``gxmeter cover`` prints: hours by state per site, and the devices of which most is not known.

The table of sites counts half-hours, each under one state. The table of devices shows for runs and idle time what was
measured, which may be less: a half-hour with a minute of a run is one of a run as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from gxmeter.api.cover import STATES, accounted_pct, hours, measured_hours, measured_pct
from gxmeter.cli.output import language
from gxmeter.cli.summary import grouped, table
from gxmeter.core.calendar import JST, SLOT_MS, from_ms
from gxmeter.core.numbers import Rounding, fixed, rounded
from gxmeter.energy.cover import State

if TYPE_CHECKING:
    from gxmeter.api import Covered
    from gxmeter.api.cover import SiteCover
    from gxmeter.energy.cover import DeviceCover, Stretch

_STATES = {
    State.RUN: ("実行 h", "run h"),
    State.IDLE: ("待機 h", "idle h"),
    State.OFF: ("停止 h", "off h"),
    State.UNKNOWN: ("不明 h", "unknown h"),
}
_MEASURED = {State.RUN: ("実行 h*", "run h*"), State.IDLE: ("待機 h*", "idle h*")}
_LEGEND = (
    "30分ごとに一つの状態で数えます(実行を少しでも含めば実行)。* は実際に計測した時間です。",
    "Each half-hour counts under one state (any run: run); * is the time that was really measured.",
)
_TOLD = 20
"""Devices that are listed, those of which most is not known first [devices]."""


def lines(made: Covered) -> Iterator[str]:
    """Hours by state; the JSON document holds every device."""
    ja = language() == "ja"
    fy = made.span.fy
    yield made.span.month or (fy.label_ja if ja else fy.label_en)
    states = tuple(_word(_STATES[state]) for state in STATES)
    head = ("拠点", "台数", *states, "判明 %") if ja else ("site", "devices", *states, "accounted %")
    yield from table([head, *(_site(site) for site in made.sites)])
    devices = sorted(made.cover.devices, key=lambda d: (-d.slots[State.UNKNOWN], d.site, d.device))
    if devices:
        yield ""
        states = tuple(_word(_MEASURED.get(state, _STATES[state])) for state in STATES)
        head = ("機器", *states, "計測 %", "最長の不明") if ja else ("device", *states, "measured %", "longest unknown")
        yield from table([head, *(_device(device) for device in devices[:_TOLD])])
    if len(devices) > _TOLD:
        more = len(devices) - _TOLD
        yield f"  ほか {more} 台(--json にすべてあります)" if ja else f"  and {more} more (all of them with --json)"
    if devices:
        yield "  " + _word(_LEGEND)


def _site(site: SiteCover) -> tuple[str, ...]:
    """Of a site without declared devices nothing is known, and nothing is shown as zero."""
    if not site.devices:
        return (site.site, "0", *("-" for _ in STATES), "-")
    return (site.site, str(site.devices), *_hours(site.slots), _pct(accounted_pct(site.slots)))


def _device(device: DeviceCover) -> tuple[str, ...]:
    longest = _stretch(device.unknown[0]) if device.unknown else "-"
    name = f"{device.site}/{device.device}" + ("" if device.host in device.device else f" @{device.host}")
    hours_by_state = (_measured(device, state) or _half_hours(device.slots[state]) for state in STATES)
    return (name, *hours_by_state, _pct(measured_pct(device)), longest)


def _measured(device: DeviceCover, state: State) -> str:
    """The time of runs and of idle that was measured; empty of states that nothing measures."""
    if state not in device.covered_ms:
        return ""
    return grouped(fixed(rounded(measured_hours(device.covered_ms[state]), 1, Rounding.HALF_UP), 1))


def _stretch(stretch: Stretch) -> str:
    """When it begins in Japan, and how long it is."""
    begins = from_ms(stretch.start_ms).astimezone(JST)
    return f"{begins:%Y-%m-%d %H:%M} +{fixed(hours((stretch.end_ms - stretch.start_ms) // SLOT_MS), 1)} h"


def _hours(slots: Mapping[State, int]) -> Iterator[str]:
    return (_half_hours(slots[state]) for state in STATES)


def _half_hours(slots: int) -> str:
    return grouped(fixed(hours(slots), 1))


def _pct(value: Decimal | None) -> str:
    return "-" if value is None else fixed(rounded(value, 1, Rounding.TRUNCATE), 1)


def _word(pair: tuple[str, str]) -> str:
    return pair[0 if language() == "ja" else 1]
