"""What stands between this host and a better measurement: one check a function, each from the case to findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gxmeter.core.findings import Finding, finding
from gxmeter.meter.doctor.host import Host
from gxmeter.meter.doctor.readings import Looked, Reading
from gxmeter.meter.sensors.base import Fault

SLOW_OPEN_S = 1.0
"""Opening NVML takes milliseconds where the driver stays loaded; a second and more without persistence mode [s]."""

_CODECARBON_FILE = ".codecarbon.config"
_PRECISE = {"gpu-no-utility", "gpu-not-in-container", "nvidia-ml-py-missing", "amdsmi-missing"}


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that was found out.

    Attributes:
        environ: environment.
        host: the machine.
        readings: what every part says.
        looked: every sensor as it was found.
        sharing: what the claims had to say.
        synchronised: whether the clock is, None where that is not known.
    """

    environ: Mapping[str, str]
    host: Host
    readings: tuple[Reading, ...]
    looked: tuple[Looked, ...]
    sharing: tuple[Fault, ...] = ()
    synchronised: bool | None = None

    def faults(self) -> Iterator[Fault]:
        """What the sensors said when they were opened."""
        for looked in self.looked:
            yield from looked.opened.faults

    def has(self, kind: str, sensor: str = "") -> bool:
        """Whether a part of this kind (and by this sensor) has a number."""
        return any(
            reading.power_mw is not None
            and reading.part.kind == kind
            and reading.sensor in {sensor, sensor or reading.sensor}
            for reading in self.readings
        )


def as_finding(item: Fault, **more: str) -> Finding:
    """A sensor's fault as a finding; ``more`` fills what it does not say itself."""
    params: dict[str, Any] = {**more, **dict(item.params)}
    return finding(item.code, **params)


def check_all(case: Case) -> list[Finding]:
    """All findings; where the cause is known, what follows from it is not said again."""
    found = [item for check in CHECKS for item in check(case)]
    codes = {item.code for item in found}
    if codes & _PRECISE:
        found = [item for item in found if item.code != "gpu-unreadable"]
    return list(dict.fromkeys(found))


def anything(case: Case) -> Iterator[Finding]:
    """Whether anything can be measured at all."""
    if not any(reading.power_mw is not None for reading in case.readings):
        yield finding("doctor-nothing")


def sensors(case: Case) -> Iterator[Finding]:
    """What the sensors themselves say, when opened and when read."""
    for item in case.faults():
        yield as_finding(item)
    for reading in case.readings:
        if reading.why is not None:
            yield as_finding(reading.why, device=reading.part.label)


def nvidia(case: Case) -> Iterator[Finding]:
    """NVIDIA GPUs that are there and cannot be read, and why."""
    host = case.host
    if host.nvidia_card and not host.nvidia_device and not host.nvidia_driver:
        yield finding("gpu-driver-missing")
        return
    if host.nvidia_card and not host.nvidia_device and host.container:
        yield finding("gpu-not-in-container")
        return
    if host.nvidia_device and find_spec("pynvml") is None:
        yield finding("nvidia-ml-py-missing")
    granted = case.environ.get("NVIDIA_DRIVER_CAPABILITIES", "")
    if host.nvidia_device and not case.has("gpu") and granted and not {"all", "utility"} & set(granted.split(",")):
        yield finding("gpu-no-utility", found=granted)
    for looked in case.looked:
        if looked.name == "nvml" and looked.opened.parts and looked.seconds > SLOW_OPEN_S:
            yield finding("gpu-slow-open", seconds=f"{looked.seconds:.1f}")


def amd(case: Case) -> Iterator[Finding]:
    """AMD GPUs without the library that reads them."""
    if case.host.amd_device and case.host.amd_card and find_spec("amdsmi") is None:
        yield finding("amdsmi-missing")


def processor(case: Case) -> Iterator[Finding]:
    """Why the processor or the memory is estimated."""
    host, said = case.host, {item.code for item in case.faults()}
    counted = case.has("cpu", "powercap")
    if counted and not case.has("ram", "powercap"):
        yield finding("dram-by-model")
    if counted or said & {"rapl-unreadable", "rapl-hidden"}:
        return
    if host.virtual and not host.rapl:
        yield finding("rapl-in-guest")
    elif not host.rapl:
        is_known = host.processor in {"x86_64", "i686"}
        yield finding("rapl-module-missing") if is_known else finding("rapl-none", found=host.processor)
    for reading in case.readings:
        rated_mw = reading.part.rated_mw
        is_model = reading.part.kind == "cpu" and reading.grade.startswith("E")
        if host.virtual and is_model and rated_mw and "cpu-rating-unknown" not in said:
            yield finding("cpu-rating-of-host", name=reading.part.name, watts=rated_mw // 1000)


def controller(case: Case) -> Iterator[Finding]:
    """A management controller that nobody named."""
    if case.host.controller and not any(looked.name == "redfish" for looked in case.looked):
        yield finding("bmc-not-named")


def others(case: Case) -> Iterator[Finding]:
    """Meters that run here now, and whether meters can be kept apart."""
    running: dict[int, list[str]] = {}
    for reading in case.readings:
        if reading.measured_by is not None:
            running.setdefault(reading.measured_by, []).append(reading.part.label)
    for pid, labels in sorted(running.items()):
        yield finding("meter-running", devices=", ".join(labels), pid=pid or "-")
    for item in case.sharing:
        yield as_finding(item)
    if not case.host.shared_memory:
        yield finding("shm-missing")


def clock(case: Case) -> Iterator[Finding]:
    """A clock that no time server keeps; nothing where that is not known."""
    if case.synchronised is False:
        yield finding("clock-not-synchronised")


def codecarbon(case: Case) -> Iterator[Finding]:
    """Settings that would move CodeCarbon's own figures, and move none of ours. Names only, never values."""
    names = sorted(name for name in case.environ if name.startswith("CODECARBON_"))
    folders = [Path(case.environ["HOME"])] if case.environ.get("HOME") else []
    for folder in (*folders, Path()):
        if (folder / _CODECARBON_FILE).is_file():
            names.append(str(folder / _CODECARBON_FILE))
    if names:
        yield finding("codecarbon-settings", found=", ".join(names))


CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    anything,
    nvidia,
    amd,
    sensors,
    processor,
    controller,
    others,
    clock,
    codecarbon,
)
"""All checks of the machine; those of the place stand in :mod:`gxmeter.meter.doctor.place`."""
