"""NVIDIA GPUs by their management library: the energy counter first, polled power where there is none.

**Counter.** ``nvmlDeviceGetTotalEnergyConsumption`` gives millijoules since the driver was loaded (Volta and later).
It moves about every 0.1 s, so a record's two ends are each sharp to a tenth of a second; nothing is lost between.

**Power.** ``nvmlDeviceGetPowerUsage``: a mean of one second on Ampere (but GA100) and later, the moment's value
before (NVML API reference). It is asked at uneven times and added up as a trapezoid.

**MIG.** The counter and the power are those of the whole GPU; a MIG device has neither. So:

- a GPU in MIG mode that is wholly ours is a part like any other, with the remark ``gpu-mig``: its energy is that of
  all its devices, idle ones included;
- where only MIG devices of it are ours, the share is not known, and no rule would be right: NVML shows in a
  container only the devices given to it, so what the rest does is hidden. It is a part of method
  ``nvml-counter-mig`` that has no number, and ``gpu-mig-shared`` says what to do (measure on the host, or declare).

**Grace Hopper.** On a GH200 the counter holds the whole module, processor and memory included (ml-energy/zeus,
pull request 172, found on the machine). It is read as ``nvml-module-counter``, and the processor's and the memory's
own parts do not count beside it. NVML has a scope for *power* (``NVML_POWER_SCOPE_GPU``, ``_MODULE``), but none is
documented for the counter. For GB200 and GB300 nothing is confirmed; two GPUs share a processor there, so their
counters cannot both hold it. They are read as GPUs, and ``gpu-module-unknown`` says that it is not established.

**Faults.** A lost GPU, a driver loaded anew, a library that does not fit: a fault, never an exception or a number.
Every reading tries again. When no GPU answers any more, NVML is given back and taken anew, at most every 30 s, and
GPUs are found again by their UUID. (Where somebody else in this process holds NVML too, it stays loaded, and whether
it recovers is the driver's business.) While others answer, only the lost GPU is looked for, so they are not disturbed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gxmeter.meter.sensors.base import Fault, Opened, Part, Sample, fault
from gxmeter.meter.sensors.nvml_gpu import (
    CEILING_MW,
    COUNTER,
    MODULE_COUNTER,
    POWER,
    SLICE,
    CounterGpu,
    Gpu,
    PowerGpu,
    SilentGpu,
)
from gxmeter.meter.sensors.nvml_library import (
    DRIVER_NOT_LOADED,
    LIBRARY_NOT_FOUND,
    NO_PERMISSION,
    NOT_INSTALLED,
    NOT_SUPPORTED,
    Library,
    NvmlError,
    device_nodes,
    library_version,
    on_the_bus,
)
from gxmeter.meter.sensors.nvml_visible import Found, Visible, visible_gpus
from gxmeter.meter.sensors.polls import POLL_S

FIRST_RETRY_NS, RETRY_NS = 1_000_000_000, 30_000_000_000
"""Shortest time between two attempts to take NVML anew, and between two counts of the GPUs [ns]."""

MODULES = ("GH200",)
"""Names whose counter holds the whole module."""

PERHAPS_MODULES = ("GB200", "GB300")
"""Names of which it is not established."""

IN_A_MODULE = ("cpu*", "ram*", "dram*")
"""Labels of the parts in a module."""


class NvmlSensor:
    """The NVIDIA GPUs of this machine, or of this job.

    Args:
        visible: ``CUDA_VISIBLE_DEVICES`` or ``NVIDIA_VISIBLE_DEVICES`` where only this job's GPUs are to count; None
            for all. A GPU that is left out is no part.
        order: ``CUDA_DEVICE_ORDER``, see :mod:`gxmeter.meter.sensors.nvml_visible`.
        clock: monotonic time [ns].
        root: root of the file system, where the driver's files are looked for when its library is missing.
    """

    name = "nvml"
    methods = {COUNTER: "C1", MODULE_COUNTER: "C1", POWER: "C2", SLICE: "X"}  # noqa: RUF012 - the protocol's constant
    quick = True
    poll_s: float | None = None

    def __init__(
        self,
        visible: str | None = None,
        *,
        order: str | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        root: Path = Path("/"),
    ) -> None:
        """Nothing is loaded or opened yet."""
        self._visible, self._order, self._clock, self._root = visible, order, clock, root
        self._library = Library()
        self._gpus: list[Gpu] = []
        self._count = 0
        self._counted_ns = 0
        self._pause_ns = 0
        self._next_try_ns = 0

    def open(self, taken: frozenset[str] = frozenset()) -> Opened:  # noqa: ARG002 - nothing reads GPUs better
        """Take NVML and find the GPUs; a machine without NVIDIA's is no fault."""
        self.close()
        version = library_version()
        try:
            self._library.begin()
            self._count = int(self._library.ask("nvmlDeviceGetCount"))
        except NvmlError as error:
            self.close()
            return Opened(version, faults=self._absent(error))
        faults: list[Fault] = []
        found = self._found(faults)
        seen = visible_gpus(self._visible, [gpu for gpu, _ in found], self._order)
        faults += _remarks(seen)
        for gpu, handle in found:
            if gpu.index in seen.whole or gpu.index in seen.sliced:
                self._gpus.append(self._part(gpu, handle, faults, sliced=gpu.index in seen.sliced))
        self.poll_s = POLL_S if any(isinstance(gpu, PowerGpu) for gpu in self._gpus) else None
        driver = self._library.maybe("nvmlSystemGetDriverVersion")
        return Opened(version, tuple(gpu.part for gpu in self._gpus), tuple(faults), driver)

    def start(self) -> None:
        """Read every counter once."""
        self._counted_ns = self._clock()
        for gpu in self._gpus:
            gpu.start(self._clock)

    def poll(self) -> None:
        """Ask the power of those that have no counter."""
        for gpu in self._gpus:
            gpu.poll(self._clock)

    def read(self, elapsed_ns: int) -> list[Sample]:  # noqa: ARG002 - each GPU keeps the time of its own readings
        """Every GPU's energy; the time is taken at each, because a call may block."""
        samples = [gpu.read(self._clock) for gpu in self._gpus]
        self._recover()
        return self._counted(samples)

    def close(self) -> None:
        """Give NVML back."""
        self._gpus, self.poll_s = [], None
        self._library.end()

    # ------------------------------------------------------------------ opening

    def _absent(self, error: NvmlError) -> tuple[Fault, ...]:
        """What to say when NVML does not begin."""
        if error.code in {LIBRARY_NOT_FOUND, NOT_INSTALLED}:
            return (fault("gpu-unreadable"),) if device_nodes(self._root) else ()
        if error.code == DRIVER_NOT_LOADED and not (device_nodes(self._root) or on_the_bus(self._root)):
            return ()
        return (fault("nvml-unusable", reason=str(error)),)

    def _found(self, faults: list[Fault]) -> list[tuple[Found, Any]]:
        """Every GPU that this user may open, with its handle."""
        found: list[tuple[Found, Any]] = []
        for index in range(self._count):
            try:
                handle = self._library.ask("nvmlDeviceGetHandleByIndex", index)
                uuid = self._library.ask("nvmlDeviceGetUUID", handle)
                name = self._library.maybe("nvmlDeviceGetName", handle) or "NVIDIA GPU"
            except NvmlError as error:
                code = "gpu-not-permitted" if error.code == NO_PERMISSION else "gpu-not-opened"
                faults.append(fault(code, device=f"gpu{index}", reason=str(error)))
            else:
                found.append((Found(index, uuid, name, self._slices(handle)), handle))
        return found

    def _slices(self, handle: Any) -> tuple[str, ...]:  # noqa: ANN401 - an opaque pointer
        """UUIDs of the MIG devices of a GPU that can be seen from here."""
        if not self._in_mig_mode(handle):
            return ()
        most = self._library.maybe("nvmlDeviceGetMaxMigDeviceCount", handle) or 0
        devices = [self._library.maybe("nvmlDeviceGetMigDeviceHandleByIndex", handle, n) for n in range(most)]
        uuids = [self._library.maybe("nvmlDeviceGetUUID", device) for device in devices if device is not None]
        return tuple(uuid for uuid in uuids if uuid)

    def _part(self, gpu: Found, handle: Any, faults: list[Fault], *, sliced: bool) -> Gpu:  # noqa: ANN401
        """A GPU as the part that it can be."""
        label = f"gpu{gpu.index}"
        rated_mw, limit_mw = self._rating(handle)
        part = Part(label, "gpu", gpu.name, COUNTER, gpu.uuid, rated_mw, "mJ")
        if sliced:
            why = fault("gpu-mig-shared", device=label)
            return SilentGpu(self._library, handle, replace(part, method=SLICE, counter_unit=None), why)
        if self._in_mig_mode(handle):
            faults.append(fault("gpu-mig", device=label, count=str(len(gpu.slices))))
        if self._has_counter(handle):
            return CounterGpu(self._library, handle, _with_module(part, faults), limit_mw)
        part = replace(part, method=POWER, counter_unit=None)
        if self._is_unsupported("nvmlDeviceGetPowerUsage", handle):
            return SilentGpu(self._library, handle, part, fault("gpu-no-sensor", device=label))
        return PowerGpu(self._library, handle, part, limit_mw)

    def _in_mig_mode(self, handle: Any) -> bool:  # noqa: ANN401
        mode = self._library.maybe("nvmlDeviceGetMigMode", handle)
        return bool(mode and mode[0])

    def _has_counter(self, handle: Any) -> bool:  # noqa: ANN401
        """Whether the counter can be used. One that says zero never counted; one that fails now may work later."""
        if self._is_unsupported("nvmlDeviceGetTotalEnergyConsumption", handle):
            return False
        return bool(self._library.maybe("nvmlDeviceGetTotalEnergyConsumption", handle) != 0)

    def _is_unsupported(self, function: str, handle: Any) -> bool:  # noqa: ANN401
        try:
            self._library.ask(function, handle)
        except NvmlError as error:
            return error.code == NOT_SUPPORTED
        return False

    def _rating(self, handle: Any) -> tuple[int | None, int]:  # noqa: ANN401
        """The limit in force, and the highest that may be set while we look, by which readings are judged [mW]."""
        maybe = self._library.maybe
        rated_mw = maybe("nvmlDeviceGetEnforcedPowerLimit", handle) or maybe(
            "nvmlDeviceGetPowerManagementLimit", handle
        )
        bounds = maybe("nvmlDeviceGetPowerManagementLimitConstraints", handle) or (0, 0)
        return rated_mw or None, max(rated_mw or 0, bounds[1]) or CEILING_MW

    # ------------------------------------------------------------------ running

    def _recover(self) -> None:
        """Look for lost GPUs, take NVML anew when none answers, and count from now where one is back.

        Tried at once, and then after pauses that double up to :data:`RETRY_NS`: a driver reloads within seconds, a
        GPU that fell off the bus may never come back.
        """
        lost = [gpu for gpu in self._gpus if gpu.failed]
        if not lost:
            self._pause_ns = 0
            return
        if self._clock() < self._next_try_ns:
            return
        if len(lost) == sum(not isinstance(gpu, SilentGpu) for gpu in self._gpus):
            try:
                self._library.renew()
            except NvmlError:
                self._wait()
                return
        for gpu in lost:
            gpu.reopen()
            gpu.start(self._clock)
        self._wait()

    def _wait(self) -> None:
        self._pause_ns = min(max(2 * self._pause_ns, FIRST_RETRY_NS), RETRY_NS)
        self._next_try_ns = self._clock() + self._pause_ns

    def _counted(self, samples: list[Sample]) -> list[Sample]:
        """The samples, with a remark on the first where GPUs came or went."""
        now_ns = self._clock()
        if not samples or samples[0].fault is not None or now_ns - self._counted_ns < RETRY_NS:
            return samples
        self._counted_ns = now_ns
        count = self._library.maybe("nvmlDeviceGetCount")
        if count is None or count == self._count:
            return samples
        remark = fault("gpu-count-changed", before=str(self._count), after=str(count))
        self._count = count
        return [replace(samples[0], fault=remark), *samples[1:]]


def _with_module(part: Part, faults: list[Fault]) -> Part:
    """The part as its module's counter reads it, where it is one."""
    if any(name in part.name for name in MODULES):
        faults.append(fault("gpu-module-counter", device=part.label, name=part.name))
        return replace(part, method=MODULE_COUNTER, covers=IN_A_MODULE)
    if any(name in part.name for name in PERHAPS_MODULES):
        faults.append(fault("gpu-module-unknown", device=part.label, name=part.name))
    return part


def _remarks(seen: Visible) -> list[Fault]:
    """What the list of visible devices leaves open."""
    said = [fault("gpu-mig-shared", device=device) for device in seen.hidden]
    if seen.unknown is not None:
        said.append(fault("gpu-visible-unknown", found=seen.unknown))
    if seen.unsure:
        said.append(fault("gpu-order-unknown"))
    return said
