"""One name for one machine: sources write ``node7``, ``node7.cluster.example`` or ``node7:9400``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from gxmeter.energy.model import Device
from gxmeter.telemetry.model import DeviceInfo

_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):[0-9]{1,5}")


def host_of(devices: Mapping[tuple[str, str], DeviceInfo]) -> dict[Device, str]:
    """The machine of each device that names one, in one spelling per site."""
    machine = machines((info.site, info.host) for info in devices.values())
    found = {Device(site, device): machine[info.site, info.host] for (site, device), info in devices.items()}
    return {device: host for device, host in found.items() if host}


def machines(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """One spelling for each (site, host) as it is written somewhere; empty where no host is named.

    Capitals and a port do not matter. A short name is the full name that begins with it where the site has exactly
    one such; of two (``node7.a``, ``node7.b``) it could be either, and stays a machine of its own.
    """
    plain = {(site, host): plain_host(host) for site, host in names}
    spellings: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (site, _), name in plain.items():
        spellings[site, _first_label(name)].add(name)
    return {(site, host): _full(name, spellings[site, _first_label(name)]) for (site, host), name in plain.items()}


def plain_host(text: str) -> str:
    """A host name in small letters, without a port.

    >>> plain_host("Node7.cluster.example:9400"), plain_host("10.0.0.7:9400"), plain_host("[fd00::7]:9400")
    ('node7.cluster.example', '10.0.0.7', 'fd00::7')
    """
    name = text.strip().casefold()
    with_port = _PORT.fullmatch(name)
    return (with_port["host"] if with_port else name).strip("[]").rstrip(".")


def _first_label(name: str) -> str:
    try:
        ip_address(name)
    except ValueError:
        return name.partition(".")[0]
    return name


def _full(name: str, names: Iterable[str]) -> str:
    longer = [other for other in names if other != _first_label(name)]
    return longer[0] if name == _first_label(name) and len(longer) == 1 else name
