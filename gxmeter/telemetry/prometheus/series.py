"""Whose energy a series holds: device, host, run and site, from its labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gxmeter.telemetry.model import DeviceInfo, SeriesKey
from gxmeter.telemetry.options import ReadOptions
from gxmeter.telemetry.prometheus.answers import Labels
from gxmeter.telemetry.prometheus.metrics import Metric

_HOSTS = ("Hostname", "hostname", "node", "host", "instance", "exported_instance")
"""Labels that name the machine, the surest first."""
_IDS = ("UUID", "uuid")
_INDEX = ("gpu", "minor_number")
_NAMES = ("modelName", "model_name", "name")
_SLICE = ("GPU_I_ID", "vgpu")
"""Labels of a part of a device, or of one of those who share it: the number beside them is the whole device's."""
_MODULES = ("GH200", "GB200", "GB300")
"""Names of modules whose readings may hold the processor and the memory too (ml-energy/zeus, pull request 172)."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series that holds energy.

    Attributes:
        labels: as the server gave them.
        name: the metric's name.
        metric: what it holds.
        key: whose it is.
        info: about the device.
        is_slice: whether it stands for a part of the device, with the number of the whole.
    """

    labels: Labels
    name: str
    metric: Metric
    key: SeriesKey
    info: DeviceInfo
    is_slice: bool

    @property
    def is_module(self) -> bool:
        """Whether the reading may hold more than the GPU."""
        return self.metric.kind == "gpu" and any(name in self.info.name for name in _MODULES)


class Owner(NamedTuple):
    """Run and site where the labels name none."""

    run: str
    site: str


def series_of(labels: Labels, metric: Metric, owner: Owner, options: ReadOptions) -> Series | None:
    """Whose series it is; None where its labels name no device.

    A GPU goes by its UUID, else by host and number; a machine by its host; anything else by the label declared as
    ``device``, behind its host.
    """
    host = labels.get(options.column("host"), "") or _first(labels, _HOSTS)
    host = (_without_port(host) if host else "") or options.host
    device = _device(labels, metric, host, options)
    if not device:
        return None
    run = labels.get(options.column("run"), "") or owner.run
    site = labels.get(options.column("site"), "") or owner.site
    info = DeviceInfo(
        device=device,
        site=site,
        host=host,
        kind=metric.kind,
        name=_first(labels, _NAMES) if metric.kind == "gpu" else "",
        boundary=metric.boundary,
        method=metric.method,
        grade=metric.grade,
    )
    is_slice = metric.kind == "gpu" and any(labels.get(name) for name in _SLICE)
    return Series(labels, labels["__name__"], metric, SeriesKey(run, site, device), info, is_slice)


def differing(series: list[Series]) -> str:
    """Names of the labels in which some series differ."""
    names = sorted({name for one in series for name in one.labels})
    return ", ".join(name for name in names if len({one.labels.get(name) for one in series}) > 1)


def _device(labels: Labels, metric: Metric, host: str, options: ReadOptions) -> str:
    role = options.column("device")
    if role:
        return _on_host(labels.get(role, ""), host)
    if metric.kind == "node":
        return host
    uuid = _first(labels, _IDS)
    if uuid:
        return uuid
    index = _first(labels, _INDEX)
    if metric.kind == "gpu":
        return f"{host}/gpu{index}" if host and index else ""
    return host


def _on_host(name: str, host: str) -> str:
    return name if not (name and host) or name == host or name.startswith("GPU-") else f"{host}/{name}"


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")


def _without_port(host: str) -> str:
    """A host's name without the port that ``instance`` has, and without the brackets of an IPv6 address.

    >>> _without_port("node7:9400"), _without_port("[fd00::7]:9400"), _without_port("node7"), _without_port("fd00::7")
    ('node7', 'fd00::7', 'node7', 'fd00::7')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and ":" not in name else host
