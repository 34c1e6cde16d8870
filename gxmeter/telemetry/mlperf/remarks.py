"""What is said about a folder of power logs: its traps, and how its sum stands beside the submitter's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from gxmeter.core.calendar import instant
from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import plain
from gxmeter.telemetry.mlperf.folder import Folder, submitted_wh
from gxmeter.telemetry.mlperf.tally import HALF_UJ_PER_WH, Tally

CLOSE = Fraction(1, 100)
"""A submitter's sum that differs by no more than this is a matter of the rule of integration [ratio]."""

_DAY_MS = 86_400_000
_LISTED = 5
_MAX_MS = 253_402_300_799_999


@dataclass(slots=True)
class Estimate:
    """What a file says that the network drew: its value as written in watts [mW], and its instant [Unix ms]."""

    file: str
    value_mw: int
    time_ms: int | None


@dataclass(slots=True)
class Seen:
    """What the pass over the logs of a folder saw."""

    tally: Tally = field(default_factory=Tally)
    estimates: list[Estimate] = field(default_factory=list)
    stops: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Logs whose mark of the end lies before their last reading: the two instants [Unix ms]."""

    empty: list[str] = field(default_factory=list)
    """Logs without a single reading."""


def kwh(wh: Fraction) -> str:
    """Watt-hours as kWh with four decimals."""
    return str(Decimal(round(wh * 10)).scaleb(-4))


def seconds(milliseconds: int) -> str:
    """Milliseconds as seconds."""
    return plain(Decimal(milliseconds).scaleb(-3))


def percent(ratio: Fraction) -> str:
    """A ratio in percent with four decimals and its sign."""
    return f"{Decimal(round(ratio * 1_000_000)).scaleb(-4):+f}"


def findings(name: str, folder: Folder | None, seen: Seen) -> Iterator[Finding]:
    """All of them; ``folder`` is None where one log was read alone."""
    yield from _of_readings(name, seen)
    yield from _estimates(seen)
    if folder is not None:
        yield from _beside(name, folder, seen)


def _of_readings(name: str, seen: Seen) -> Iterator[Finding]:
    pauses, tally = seen.tally.pauses, seen.tally
    if pauses.count:
        yield finding(
            "mlperf-pauses",
            file=name,
            count=pauses.count,
            total=seconds(pauses.total_ms),
            longest=seconds(pauses.longest_ms),
            device=pauses.device,
            at=_at(pauses.at_ms),
        )
    if tally.same_times:
        yield finding("mlperf-same-times", file=name, count=tally.same_times)
    if seen.stops:
        log, (stop_ms, last_ms) = next(iter(seen.stops.items()))
        yield finding(
            "mlperf-stop-early", file=name, count=len(seen.stops), found=log, at=_at(stop_ms), end=_at(last_ms)
        )
    if seen.empty:
        listed = ", ".join(seen.empty[:_LISTED])
        yield finding("mlperf-log-empty", file=name, count=len(seen.empty), found=listed)


def _at(ts_ms: int) -> str:
    return instant(ts_ms) if 0 <= ts_ms <= _MAX_MS else f"{ts_ms} ms"


def _estimates(seen: Seen) -> Iterator[Finding]:
    begins = min(seen.tally.begins_ms.values(), default=None)
    ends = max(seen.tally.ends_ms.values(), default=None)
    for one in seen.estimates:
        as_energy = Fraction(one.value_mw, 1000)
        as_power = None if begins is None or ends is None else as_energy * (ends - begins) / 3_600_000
        yield finding(
            "mlperf-interconnect-estimate",
            file=one.file,
            found=plain(Decimal(one.value_mw).scaleb(-3)),
            as_power="-" if as_power is None else kwh(as_power),
            as_energy=kwh(as_energy),
            at="-" if one.time_ms is None else _at(one.time_ms),
            days="-" if one.time_ms is None or begins is None else abs(begins - one.time_ms) // _DAY_MS,
        )


def _beside(name: str, folder: Folder, seen: Seen) -> Iterator[Finding]:
    tally = seen.tally
    sum_wh = Fraction(tally.half_uj, HALF_UJ_PER_WH)
    said_wh = submitted_wh(folder)
    if said_wh is not None and folder.total is not None and sum_wh:
        ratio = (sum_wh - said_wh) / said_wh if said_wh else Fraction(1)
        yield finding(
            "mlperf-total-compared" if abs(ratio) <= CLOSE else "mlperf-total-differs",
            file=folder.total.name,
            expected=kwh(said_wh),
            found=kwh(sum_wh),
            difference=kwh(sum_wh - said_wh),
            percent=percent(ratio),
        )
    yield from _window(folder, tally, sum_wh)
    yield from _nodes(name, folder, tally)
    if folder.others:
        listed = ", ".join(file.name for file in folder.others[:_LISTED])
        yield finding("mlperf-files-unused", file=name, count=len(folder.others), found=listed)


def _window(folder: Folder, tally: Tally, sum_wh: Fraction) -> Iterator[Finding]:
    if tally.window is None:
        return
    start_ms, end_ms = tally.window
    inside = [
        max(0, min(end_ms, tally.ends_ms[device]) - max(start_ms, begin_ms))
        for device, begin_ms in tally.begins_ms.items()
    ]
    yield finding(
        "mlperf-run-window",
        file=folder.results[0].name,
        start=_at(start_ms),
        end=_at(end_ms),
        found=kwh(Fraction(tally.in_window) / HALF_UJ_PER_WH),
        expected=kwh(sum_wh),
        seconds=seconds(end_ms - start_ms),
        least=seconds(min(inside, default=0)),
    )


def _nodes(name: str, folder: Folder, tally: Tally) -> Iterator[Finding]:
    said = str(folder.system.get("number_of_nodes", ""))
    if said.isdecimal() and said.lstrip("0") != str(len(tally.begins_ms)):
        yield finding("mlperf-nodes-missing", file=name, expected=said, found=len(tally.begins_ms))
