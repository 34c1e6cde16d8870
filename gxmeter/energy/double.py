"""Double counting that leaves show, whatever reader they come from: wholes beside parts, meters beside meters, copies.

A device id is no proof of a device. Here records are held against each other by host, boundary and time, and by what
they say. What is found must be mended: energy that is in the figures twice is a fault, however it got there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from gxmeter.core.calendar import SLOT_MS, instant
from gxmeter.core.findings import Finding, finding
from gxmeter.core.ids import is_idle
from gxmeter.energy.double_hosts import host_of
from gxmeter.energy.double_meters import counted, without
from gxmeter.energy.double_series import series_twice
from gxmeter.energy.double_time import Cover, meeting_sources
from gxmeter.energy.model import Device, EnergyResult
from gxmeter.workspace.models import Site


def metering_of(sites: Iterable[Site]) -> dict[Device, str]:
    """What each declared device sees of its host."""
    return {Device(site.id, device.id): device.metering for site in sites for device in site.devices}


def double_findings(result: EnergyResult, metering: Mapping[Device, str] | None = None) -> list[Finding]:
    """Everything that counts twice in a result.

    Args:
        result: integrated energy; of a part of the telemetry the answer is about that part.
        metering: what declared devices see of their host, as in :func:`gxmeter.energy.double_meters.counted`; None
            where there is no workspace to declare it in.
    """
    return settled(result, metering)[1]


def settled(result: EnergyResult, metering: Mapping[Device, str] | None = None) -> tuple[EnergyResult, list[Finding]]:
    """The result in which of two meters of one machine only one counts, and everything that counts twice."""
    choice = counted(result, metering)
    left = without(result, choice.beside)
    return left, [*choice.findings, *_boundary_twice(left), *series_twice(left, metering)]


def _boundary_twice(result: EnergyResult) -> Iterator[Finding]:
    """A host whose whole and whose parts are counted in runs at one time: the whole holds the parts."""
    hosts = host_of(result.devices)
    covers: dict[tuple[str, str, str], Cover] = defaultdict(Cover)
    runs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for key, leaf in result.leaves.items():
        host = hosts.get(Device(key.site, key.device))
        boundary = result.devices[key.site, key.device].boundary
        if host and boundary in {"device", "node"} and not is_idle(key.run):
            covers[key.site, host, boundary].add(result, key, leaf)
            runs[key.site, host].add(key.run)
    for site, host in sorted(runs):
        whole, parts = covers[site, host, "node"], covers[site, host, "device"]
        met = meeting_sources(result, whole, parts)
        if met:
            yield finding(
                "boundary-twice",
                file=result.sources[met[0]][0],
                host=host,
                site=site,
                runs=", ".join(sorted(runs[site, host])),
                at=instant(min(whole.shared(parts)) * SLOT_MS),
            )
