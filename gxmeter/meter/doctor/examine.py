"""``gxmeter doctor``: what can be measured on this host, by which sensor, how well, and how to make it better.

Every sensor is opened for real and read about a second apart, so that a person sees that it works; then everything
that stands in the way of a better measurement becomes a finding with the commands that mend it. Nothing is changed
on the host, no running measurement is disturbed, and no network is touched but the management controller that the
user names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gxmeter.core.findings import Finding, Level
from gxmeter.meter.doctor.checks import Case, check_all
from gxmeter.meter.doctor.host import Host, clock_synchronised, look
from gxmeter.meter.doctor.mends import commands
from gxmeter.meter.doctor.place import check_place
from gxmeter.meter.doctor.readings import WAIT_S, Reading, take_readings
from gxmeter.meter.host.allocation import Allocation, read_allocation
from gxmeter.meter.host.claims import Claims, folder_of
from gxmeter.meter.sensors.base import NODE, Sensor
from gxmeter.meter.settle import host_prefix

_LEVELS = (Level.MUST, Level.SHOULD, Level.MAY)
_ESTIMATED = ("E", "F", "X")

USEFUL = (
    "doctor-nothing",
    "journal",
    "gpu",
    "nv",
    "amdsmi",
    "bmc",
    "rapl",
    "cpu",
    "dram",
    "workspace",
    "site",
    "disk",
    "meter",
    "claims",
)
"""What mends most comes first: GPUs use most of a training's energy, then the whole node, then processor and memory."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A finding and the commands that mend it, none where no command does."""

    finding: Finding
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found.

    Attributes:
        host: the machine.
        allocation: what of it is this job's.
        readings: every part that a sensor reads.
        advice: what to mend, most useful first.
    """

    host: Host
    allocation: Allocation
    readings: tuple[Reading, ...]
    advice: tuple[Advice, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all advice."""
        return tuple(advice.finding for advice in self.advice)

    def power_mw(self, *, estimated: bool) -> int | None:
        """Power now of what counts, measured or estimated [mW]; None where there is no number of that kind."""
        found = [
            reading.power_mw
            for reading in self.readings
            if reading.power_mw is not None and reading.counts and reading.grade.startswith(_ESTIMATED) == estimated
        ]
        return sum(found) if found else None


def examine(
    environ: Mapping[str, str],
    *,
    workspace: str | os.PathLike[str] | None = None,
    site: str | None = None,
    sensors: Sequence[Sensor] | None = None,
    root: Path = Path("/"),
    wait_s: float = WAIT_S,
    say: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """Examine this host.

    Args:
        environ: environment.
        workspace: as wished, or None.
        site: as wished, or None.
        sensors: left out, those that a meter would use.
        root: of the file system, for what is read of the machine.
        wait_s: time between two readings [s].
        say: told the name of each sensor before it is opened.
    """
    host, allocation, claims = look(environ, root), read_allocation(environ, root), Claims.open(folder_of(environ))
    chosen = _standard(environ) if sensors is None else sensors
    readings, looked = take_readings(chosen, host_prefix(host.name), allocation, claims, wait_s=wait_s, say=say)
    case = Case(environ, host, tuple(readings), tuple(looked), claims.faults, clock_synchronised())
    found = [*check_all(case), *check_place(environ, workspace, site, len(readings))]
    advice = sorted((Advice(item, commands(item, case)) for item in found), key=_order)
    return Diagnosis(host, allocation, tuple(readings), tuple(advice))


def device(host: Host, reading: Reading) -> str:
    """The part's id in the record, without what distinguishes shares of it."""
    return f"{host_prefix(host.name)}.{reading.part.label}"


def node_metered(readings: Sequence[Reading]) -> bool:
    """Whether the whole machine has a meter that says a number."""
    return any(reading.part.boundary == NODE and reading.power_mw is not None for reading in readings)


def _standard(environ: Mapping[str, str]) -> Sequence[Sensor]:
    from gxmeter.meter.sensors.standard import standard  # noqa: PLC0415 - libraries of vendors

    return standard(environ)


def _order(advice: Advice) -> tuple[int, int]:
    code = advice.finding.code
    rank = next((rank for rank, prefix in enumerate(USEFUL) if code.startswith(prefix)), len(USEFUL))
    return _LEVELS.index(advice.finding.level), rank
