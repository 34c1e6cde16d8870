"""CodeCarbon 3.3 as a sensor: its hardware layer, measured by our own loop.

The tracker is left out on purpose. What it adds to the hardware objects is a timer thread, a settings file
and environment variables that can change a figure unseen, geolocation, a lock, emissions and a CSV. Here
``CPU``, ``RAM`` and the GPU devices are made directly with every argument given, so nothing outside this
file decides a number: ``CODECARBON_*`` and ``.codecarbon.config`` are never read, no network is touched and
no signal handler or lock is set. The power usage effectiveness does not exist at this layer.

How an object's answer becomes a sample stands in :mod:`gxmeter.meter.sensors.codecarbon_parts`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gxmeter.meter.sensors.base import Fault, Opened, Part, Sample
from gxmeter.meter.sensors.codecarbon_parts import (
    AMD_COUNTER,
    AMD_POWER,
    CPU_LOAD,
    NVML_COUNTER,
    NVML_POWER,
    RAM_MODEL,
    RAPL,
    GpuSource,
    ModelSource,
    RaplSource,
    Source,
    quietly,
    safely,
)
from gxmeter.meter.sensors.codecarbon_rating import rated_watts
from gxmeter.meter.ticks import NS_PER_S

_GIB = 1 << 30
_RAPL_DIR = "/sys/class/powercap/intel-rapl/subsystem"


class CodeCarbonSensor:
    """CPU, RAM and GPUs of this machine as CodeCarbon's hardware objects say them.

    Args:
        rapl_dir: where the RAPL tree lies; another folder only in tests.
        nvidia: whether NVIDIA's GPUs are read; False where the NVML sensor has them.
        compare: whether counters that are read already are read again, to stand beside; models never are.
    """

    name = "codecarbon"
    quick = False
    poll_s: float | None = 1.0
    methods = {  # noqa: RUF012 - a constant of the protocol
        RAPL: "D1",
        CPU_LOAD: "E1",
        RAM_MODEL: "E2",
        NVML_COUNTER: "C1",
        NVML_POWER: "C2",
        AMD_COUNTER: "C2",
        AMD_POWER: "C2",
    }

    def __init__(self, *, rapl_dir: str = _RAPL_DIR, nvidia: bool = True, compare: bool = False) -> None:
        """Nothing is opened or imported yet."""
        self._rapl_dir = rapl_dir
        self._nvidia = nvidia
        self._compare = compare
        self._sources: list[Source] = []
        self._filter: _ThreadFilter | None = None

    def open(self, taken: frozenset[str] = frozenset()) -> Opened:
        """Import CodeCarbon and make its hardware objects; what cannot be made is a fault, not an error.

        Args:
            taken: labels that are read already: no processor is made beside another, no memory model beside DRAM
                counters.
        """
        self.close()
        from importlib.metadata import version  # noqa: PLC0415 - costs 20 ms that quick sensors need not wait for

        self._hush()
        faults: list[Fault] = []
        makers: list[Callable[[list[Fault]], list[Source]]] = []
        if not any(label.startswith("cpu") for label in taken):
            makers.append(self._cpu)
        elif self._compare:
            makers.append(self._rapl)
        if not any(label.startswith(("ram", "dram")) for label in taken):
            makers.append(self._ram)
        for make in (*makers, self._gpus):
            try:
                self._sources += make(faults)
            except Exception as error:  # noqa: BLE001 - third-party detection may fail in any way
                said = (("part", make.__name__.strip("_")), ("reason", f"{type(error).__name__}: {error}"))
                faults.append(Fault("sensor-unavailable", said))
        parts = tuple(part for source in self._sources for part in source.parts)
        return Opened(version("codecarbon"), parts, tuple(faults))

    def start(self) -> None:
        """Baseline of every counter and of the load."""
        for source in self._sources:
            quietly(source.start)

    def poll(self) -> None:
        """CPU load and polled GPU power, which the models want once a second."""
        for source in self._sources:
            quietly(source.poll)

    def read(self, elapsed_ns: int) -> list[Sample]:
        """Energy of every part over the last ``elapsed_ns`` [ns]."""
        seconds = elapsed_ns / NS_PER_S
        return [sample for source in self._sources for sample in safely(source, seconds)]

    def close(self) -> None:
        """Give CodeCarbon's logger back as it was."""
        self._sources = []
        if self._filter is not None:
            logging.getLogger("codecarbon").removeFilter(self._filter)

    def _hush(self) -> None:
        self._filter = _ThreadFilter()
        logging.getLogger("codecarbon").addFilter(self._filter)

    def _rapl(self, faults: list[Fault]) -> list[Source]:  # noqa: ARG002 - one shape for all makers
        from codecarbon.core.cpu import is_rapl_available  # noqa: PLC0415 - costs 0.15 s, sampling thread only
        from codecarbon.external.hardware import CPU  # noqa: PLC0415

        if not is_rapl_available(self._rapl_dir):
            return []
        name = _cpu_name()
        with _no_scontrol():
            cpu = CPU("", "intel_rapl", name, 0, rapl_dir=self._rapl_dir, tracking_mode="machine")
        return [RaplSource(cpu, name)]

    def _cpu(self, faults: list[Fault]) -> list[Source]:
        from codecarbon.external.hardware import CPU  # noqa: PLC0415

        measured = self._rapl(faults)
        if measured:
            return measured
        name = _cpu_name()
        if _rapl_exists(self._rapl_dir):
            faults.append(Fault("rapl-unreadable", (("path", self._rapl_dir),)))
        watts, known = _cpu_rating(name)
        if not known:
            faults.append(Fault("cpu-rating-unknown", (("name", name), ("watts", f"{watts:g}"))))
        with _no_scontrol():
            cpu = CPU.from_utils("", "cpu_load", name, watts, tracking_mode="machine")  # type: ignore[arg-type]
        part = Part("cpu", "cpu", name, CPU_LOAD, rated_mw=round(watts * 1000))
        return [ModelSource(cpu, part)]

    def _ram(self, faults: list[Fault]) -> list[Source]:  # noqa: ARG002 - one shape for all three
        import psutil  # noqa: PLC0415 - CodeCarbon's own
        from codecarbon.external.ram import RAM  # noqa: PLC0415

        ram = RAM(tracking_mode="machine", force_ram_power=None)
        ram.memory_size = psutil.virtual_memory().total / _GIB  # else, inside a SLURM job, it asks scontrol
        gib = ram.machine_memory_GB
        return [ModelSource(ram, Part("ram", "ram", f"{gib:.1f} GiB", RAM_MODEL))]

    def _gpus(self, faults: list[Fault]) -> list[Source]:
        amd_there = Path("/dev/kfd").exists()
        if not self._nvidia and not amd_there:
            return []
        from codecarbon.core.gpu import AllGPUDevices, AMDGPUDevice, is_gpu_details_available  # noqa: PLC0415

        devices = AllGPUDevices().devices if is_gpu_details_available() else []
        if not devices and (amd_there or Path("/dev/nvidia0").exists()):
            faults.append(Fault("gpu-unreadable"))
        amd = [isinstance(device, AMDGPUDevice) for device in devices]
        wanted = [number for number in range(len(devices)) if amd[number] or self._nvidia]
        return [GpuSource(devices[number], number, amd=amd[number]) for number in wanted]


@contextmanager
def _no_scontrol() -> Iterator[None]:
    """CodeCarbon's CPU object counts the job's processors with SLURM's ``scontrol``, for a mode that is not used here.

    A container or a slim node has no such program, and it would be one more way to be slow. What is ours of the host
    is found in the control groups.
    """
    from codecarbon.external import hardware  # noqa: PLC0415 - as above

    theirs = vars(hardware)["count_cpus"]
    vars(hardware)["count_cpus"] = os.cpu_count
    try:
        yield
    finally:
        vars(hardware)["count_cpus"] = theirs


def _cpu_name() -> str:
    """The processor's name from ``/proc/cpuinfo``; CodeCarbon's own detection starts ten programs for it."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() in {"model name", "Model", "cpu model"} and value.strip():
                return value.strip()
    except OSError:
        pass
    return "unknown CPU"


def _cpu_rating(name: str) -> tuple[float, bool]:
    """Watts of the processor(s) and whether CodeCarbon's table knows the name; else 4 W a thread."""
    from codecarbon.core.cpu import DEFAULT_POWER_PER_CORE  # noqa: PLC0415

    watts = rated_watts(name)
    if watts:
        return watts * _sockets(), True
    return float(DEFAULT_POWER_PER_CORE * (os.cpu_count() or 1)), False


def _sockets() -> int:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return 1
    return max(1, len({line for line in lines if line.startswith("physical id")}))


def _rapl_exists(rapl_dir: str) -> bool:
    """Whether the machine has RAPL counters that this user may not read."""
    root = Path(rapl_dir).parent
    return any(not os.access(path, os.R_OK) for path in root.glob("intel-rapl*/**/energy_uj"))


class _ThreadFilter(logging.Filter):
    """Drops what CodeCarbon logs from the meter's threads; the user's own use of it is left alone."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for records of our threads."""
        return not str(record.threadName).startswith("gxmeter")
