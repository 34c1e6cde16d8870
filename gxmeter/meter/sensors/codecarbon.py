"""CodeCarbon 3.3 as a sensor: its hardware layer, measured by our own loop.

The tracker is left out on purpose. What it adds to the hardware objects is a timer thread, a settings file
and environment variables that can change a figure unseen, geolocation, a lock, emissions and a CSV. Here
``CPU``, ``RAM`` and the GPU devices are made directly with every argument given, so nothing outside this
file decides a number: ``CODECARBON_*`` and ``.codecarbon.config`` are never read, no network is touched and
no signal handler or lock is set. The power usage effectiveness does not exist at this layer.

CodeCarbon converts counters from joules to kWh by 2.77778e-7 and models by 1/3,600,000; each is turned back
by its own constant, so that microjoules are exact to the rounding of one unit. Some of what decides a
method (counter or polled power, which package mirrors which) is private in CodeCarbon; the version is
pinned and the contract tests run against the real objects.
"""

# ruff: noqa: SLF001 - see above: the method of a reading stands in private attributes

from __future__ import annotations

import logging
import math
import os
import threading
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gxmeter.meter.sensors.base import Fault, Opened, Part, Sample

RAPL = "codecarbon-rapl"
CPU_LOAD = "codecarbon-cpu-load"
RAM_MODEL = "codecarbon-ram-model"
NVML_COUNTER = "codecarbon-nvml-counter"
NVML_POWER = "codecarbon-nvml-power"
AMD_COUNTER = "codecarbon-amdsmi-counter"
AMD_POWER = "codecarbon-amdsmi-power"

_RAPL_DIR = "/sys/class/powercap/intel-rapl/subsystem"
_RAPL_MARK = "Processor Energy Delta_"
_UJ_PER_KWH = 3.6e12
_UJ_PER_J = 1e6
_MJ_PER_J = 1e3
_MAX_CPU_W = 2_000
"""No processor package draws more [W]; a greater delta is a counter fault."""
_LIMIT_FACTOR = 2
"""A GPU delta above this many times its power limit is a counter fault."""
_COUNTER_STEP_S = 0.3
"""NVML counters move about every 0.1 s; over less than this [s] no movement is no fault."""


class CodeCarbonSensor:
    """CPU, RAM and GPUs of this machine as CodeCarbon's hardware objects say them.

    Args:
        rapl_dir: where the RAPL tree lies; another folder only in tests.
    """

    name = "codecarbon"
    methods = {  # noqa: RUF012 - a constant of the protocol
        RAPL: "D1",
        CPU_LOAD: "E1",
        RAM_MODEL: "E2",
        NVML_COUNTER: "C1",
        NVML_POWER: "C2",
        AMD_COUNTER: "C2",
        AMD_POWER: "C2",
    }

    def __init__(self, *, rapl_dir: str = _RAPL_DIR) -> None:
        """Nothing is opened or imported yet."""
        self._rapl_dir = rapl_dir
        self._sources: list[_Source] = []
        self._filter: _ThreadFilter | None = None

    def open(self) -> Opened:
        """Import CodeCarbon and make its hardware objects; what cannot be made is a fault, not an error."""
        self._hush()
        faults: list[Fault] = []
        for make in (self._cpu, self._ram, self._gpus):
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
            source.start()

    def poll(self) -> None:
        """CPU load and polled GPU power, which the models want once a second."""
        for source in self._sources:
            source.poll()

    def read(self, seconds: float) -> list[Sample]:
        """Energy of every part over the last ``seconds`` [s]."""
        return [sample for source in self._sources for sample in _safely(source, seconds)]

    def close(self) -> None:
        """Give CodeCarbon's logger back as it was."""
        if self._filter is not None:
            logging.getLogger("codecarbon").removeFilter(self._filter)

    def _hush(self) -> None:
        self._filter = _ThreadFilter(threading.get_ident())
        logging.getLogger("codecarbon").addFilter(self._filter)

    def _cpu(self, faults: list[Fault]) -> list[_Source]:
        from codecarbon.core.cpu import is_rapl_available  # noqa: PLC0415 - costs 0.15 s, sampling thread only
        from codecarbon.external.hardware import CPU  # noqa: PLC0415

        name = _cpu_name()
        if is_rapl_available(self._rapl_dir):
            cpu = CPU("", "intel_rapl", name, 0, rapl_dir=self._rapl_dir, tracking_mode="machine")
            return [_RaplSource(cpu, name)]
        if _rapl_exists(self._rapl_dir):
            faults.append(Fault("rapl-unreadable", (("path", self._rapl_dir),)))
        watts, known = _cpu_rating(name)
        if not known:
            faults.append(Fault("cpu-rating-unknown", (("name", name), ("watts", f"{watts:g}"))))
        cpu = CPU.from_utils("", "cpu_load", name, watts, tracking_mode="machine")  # type: ignore[arg-type]
        part = Part("cpu", "cpu", name, CPU_LOAD, rated_mw=round(watts * 1000))
        return [_ModelSource(cpu, part)]

    def _ram(self, faults: list[Fault]) -> list[_Source]:  # noqa: ARG002 - one shape for all three
        from codecarbon.external.ram import RAM  # noqa: PLC0415

        ram = RAM(tracking_mode="machine", force_ram_power=None)
        gib = ram.machine_memory_GB
        return [_ModelSource(ram, Part("ram", "ram", f"{gib:.1f} GiB", RAM_MODEL))]

    def _gpus(self, faults: list[Fault]) -> list[_Source]:
        from codecarbon.core.gpu import AllGPUDevices, AMDGPUDevice, is_gpu_details_available  # noqa: PLC0415

        devices = AllGPUDevices().devices if is_gpu_details_available() else []
        if not devices and any(Path(p).exists() for p in ("/dev/nvidia0", "/dev/kfd")):
            faults.append(Fault("gpu-unreadable"))
        amd = [isinstance(device, AMDGPUDevice) for device in devices]
        return [_GpuSource(device, number, amd=amd[number]) for number, device in enumerate(devices)]


class _Source:
    """One of CodeCarbon's objects and the parts it feeds."""

    parts: tuple[Part, ...] = ()

    def start(self) -> None:
        raise NotImplementedError

    def poll(self) -> None:
        """Most objects need nothing between readings."""

    def read(self, seconds: float) -> list[Sample]:
        raise NotImplementedError


def _safely(source: _Source, seconds: float) -> list[Sample]:
    """A source's samples; an exception becomes a fault of each of its parts."""
    try:
        return source.read(seconds)
    except Exception as error:  # noqa: BLE001 - a driver may fail in any way; the training must not feel it
        fault = _fault("sensor-read-failed", reason=f"{type(error).__name__}: {error}")
        return [Sample(None, part.method, fault=fault) for part in source.parts]


def _fault(code: str, **params: str) -> Fault:
    return Fault(code, tuple(sorted(params.items())))


@dataclass
class _ModelSource(_Source):
    """The CPU's load model or the RAM's module count: watts by a formula, times the interval."""

    hardware: Any
    part: Part

    def __post_init__(self) -> None:
        self.parts = (self.part,)

    def start(self) -> None:
        self.hardware.start()

    def poll(self) -> None:
        monitor = getattr(self.hardware, "monitor_power", None)
        if monitor is not None:
            monitor()

    def read(self, seconds: float) -> list[Sample]:
        _, energy = self.hardware.measure_power_and_energy(seconds)
        return [_checked(energy.kWh * _UJ_PER_KWH, self.part, self.part.method)]


class _RaplSource(_Source):
    """The processor packages' energy counters as CodeCarbon selects and unwraps them, one part per package."""

    def __init__(self, cpu: Any, name: str) -> None:  # noqa: ANN401 - CodeCarbon's objects are untyped
        self._cpu = cpu
        files = [file for file in cpu._intel_interface._rapl_files if file.name.startswith(_RAPL_MARK)]
        self._files = files
        self.parts = tuple(Part(f"cpu{number}", "cpu", name, RAPL, counter_unit="uJ") for number, _ in enumerate(files))
        self._before: list[int | None] = [None] * len(files)

    def start(self) -> None:
        self._cpu.start()
        self._before = [_counter(file, _UJ_PER_J) for file in self._files]

    def read(self, seconds: float) -> list[Sample]:
        self._cpu.measure_power_and_energy(seconds)
        interface = self._cpu._intel_interface
        counted = {f.path for f in interface._rapl_files} - set(interface._mirrored_candidates)
        return [self._sample(number, seconds, counted) for number in range(len(self._files))]

    def _sample(self, number: int, seconds: float, counted: set[str]) -> Sample:
        file, part = self._files[number], self.parts[number]
        before, after = self._before[number], _counter(file, _UJ_PER_J)
        self._before[number] = after
        counter = (before, after) if before is not None and after is not None else None
        if file.path not in counted:
            return Sample(None, RAPL, counter, _fault("counter-mirrored"))
        if file.sample_skipped:
            return Sample(None, RAPL, None, _fault("sensor-read-failed", reason=file.path))
        microjoules = _joules(file.energy_delta) * _UJ_PER_J
        if microjoules > _MAX_CPU_W * seconds * _UJ_PER_J:
            return Sample(None, RAPL, counter, _implausible(microjoules, seconds))
        return _checked(microjoules, part, RAPL, counter=counter, seconds=seconds)


class _GpuSource(_Source):
    """One GPU: its energy counter, or its polled power where the counter is missing or was reset."""

    def __init__(self, device: Any, number: int, *, amd: bool) -> None:  # noqa: ANN401
        self._device = device
        self._methods = (AMD_COUNTER, AMD_POWER) if amd else (NVML_COUNTER, NVML_POWER)
        limit_w = device._power_limit
        usual = self._methods[0] if device._has_counter else self._methods[1]
        self._limit_w = limit_w
        self._before: int | None = None
        self.parts = (
            Part(
                f"gpu{number}",
                "gpu",
                str(device._gpu_name),
                usual,
                uuid=str(device._uuid),
                rated_mw=round(limit_w * 1000) if limit_w else None,
                counter_unit="mJ" if device._has_counter else None,
            ),
        )

    def start(self) -> None:
        self._device.start()
        self._before = _counter(self._device, _MJ_PER_J)

    def poll(self) -> None:
        self._device.sample_power()

    def read(self, seconds: float) -> list[Sample]:
        from codecarbon.core.units import Time  # noqa: PLC0415

        device, before = self._device, self._before
        device.delta(Time.from_seconds(seconds))
        after = self._before = _counter(device, _MJ_PER_J)
        polled = device._use_power_fallback
        method = self._methods[1] if polled else self._methods[0]
        scale = _UJ_PER_KWH if polled else _UJ_PER_J / _joules_constant()
        microjoules = device.energy_delta.kWh * scale
        counter = (before, after) if before is not None and after is not None and not polled else None
        if self._limit_w and microjoules > _LIMIT_FACTOR * self._limit_w * seconds * _UJ_PER_J:
            return [Sample(None, method, counter, _implausible(microjoules, seconds))]
        if before is not None and after is not None and after < before and microjoules > 0:
            return [Sample(round(microjoules), method, None, _fault("counter-reset"))]
        return [_checked(microjoules, self.parts[0], method, counter=counter, seconds=seconds)]


def _checked(
    microjoules: float,
    part: Part,
    method: str,
    *,
    counter: tuple[int, int] | None = None,
    seconds: float = _COUNTER_STEP_S,
) -> Sample:
    """A sample with its number, or without one where the number cannot be energy of a part that is there."""
    if not math.isfinite(microjoules) or microjoules < 0:
        return Sample(None, method, counter, _fault("reading-negative", found=repr(microjoules)))
    if round(microjoules) == 0:
        short = part.counter_unit is not None and seconds < _COUNTER_STEP_S
        return Sample(None, method, counter, _fault("counter-still" if short else "sensor-zero"))
    return Sample(round(microjoules), method, counter)


def _implausible(microjoules: float, seconds: float) -> Fault:
    return _fault("reading-implausible", found=f"{microjoules / _UJ_PER_J:.0f}", seconds=f"{seconds:.3f}")


def _joules_constant() -> float:
    from codecarbon.core.units import Energy  # noqa: PLC0415

    return Energy.JOULES_TO_KWH


def _joules(energy: Any) -> float:  # noqa: ANN401
    """Joules of an energy that CodeCarbon took from a counter."""
    return float(energy.kWh / _joules_constant())


def _counter(source: Any, per_joule: float) -> int | None:  # noqa: ANN401
    """The counter's last reading in whole units, or None where it could not be read."""
    return None if source.last_energy is None else round(_joules(source.last_energy) * per_joule)


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
    from codecarbon.core.cpu import DEFAULT_POWER_PER_CORE, TDP  # noqa: PLC0415
    from codecarbon.core.util import count_cpus  # noqa: PLC0415

    watts = TDP.__new__(TDP)._get_cpu_power_from_registry(name)
    if watts:
        return float(watts) * _sockets(), True
    return float(DEFAULT_POWER_PER_CORE * count_cpus()), False


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
    """Drops what CodeCarbon logs from the sampling thread; the user's own use of it is left alone."""

    def __init__(self, thread: int) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, record: logging.LogRecord) -> bool:
        """False for records of our thread."""
        return record.thread != self._thread
