"""CodeCarbon's hardware objects as parts: what each returned becomes microjoules, or a fault and no number.

CodeCarbon converts counters from joules to kWh by 2.77778e-7 and models by 1/3,600,000; each is turned back
by its own constant, so that microjoules are exact to the rounding of one unit. Some of what decides a
method (counter or polled power, which package mirrors which) is private in CodeCarbon; the version is
pinned and the contract tests run against the real objects.
"""

# ruff: noqa: SLF001 - see above: the method of a reading stands in private attributes

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gxmeter.meter.sensors.base import Fault, Part, Sample

RAPL = "codecarbon-rapl"
CPU_LOAD = "codecarbon-cpu-load"
RAM_MODEL = "codecarbon-ram-model"
NVML_COUNTER = "codecarbon-nvml-counter"
NVML_POWER = "codecarbon-nvml-power"
AMD_COUNTER = "codecarbon-amdsmi-counter"
AMD_POWER = "codecarbon-amdsmi-power"

_RAPL_MARK = "Processor Energy Delta_"
_UJ_PER_KWH = 3.6e12
_UJ_PER_J = 1e6
_MJ_PER_J = 1e3
_MAX_CPU_W = 2_000
"""No processor package draws more [W]; a greater delta is a counter fault."""
_LIMIT_FACTOR = 2
"""A GPU delta above this many times its power limit is a counter fault."""
_JUDGED_S = 1.0
"""Deltas are judged over at least this [s], as in :mod:`gxmeter.meter.sensors.counter`."""
_COUNTER_STEP_S = 0.3
"""NVML counters move about every 0.1 s; over less than this [s] no movement is no fault."""


class Source(ABC):
    """One of CodeCarbon's objects and the parts it feeds."""

    parts: tuple[Part, ...] = ()

    @abstractmethod
    def start(self) -> None:
        """Set the baseline."""

    def poll(self) -> None:  # noqa: B027 - what needs none has none
        """Most objects need nothing between readings."""

    @abstractmethod
    def read(self, seconds: float) -> list[Sample]:
        """A sample of each part over the last ``seconds`` [s]; may raise."""


def quietly(call: Callable[[], None]) -> None:
    """Call what prepares a reading; where it fails, the reading itself will be the fault."""
    try:
        call()
    except Exception:  # noqa: BLE001 - a driver may fail in any way; the training must not feel it
        return


def safely(source: Source, seconds: float) -> list[Sample]:
    """A source's samples; an exception becomes a fault of each of its parts."""
    try:
        return source.read(seconds)
    except Exception as error:  # noqa: BLE001 - a driver may fail in any way; the training must not feel it
        fault = _fault("sensor-read-failed", reason=f"{type(error).__name__}: {error}")
        return [Sample(None, part.method, fault=fault) for part in source.parts]


def _fault(code: str, **params: str) -> Fault:
    return Fault(code, tuple(sorted(params.items())))


@dataclass
class ModelSource(Source):
    """The CPU's load model or the RAM's module count: watts by a formula, times the interval."""

    hardware: Any
    part: Part

    def __post_init__(self) -> None:
        self.parts = (self.part,)

    def start(self) -> None:
        """Baseline of the load or the counter."""
        self.hardware.start()

    def poll(self) -> None:
        """A sample of the load, where the object averages several."""
        monitor = getattr(self.hardware, "monitor_power", None)
        if monitor is not None:
            monitor()

    def read(self, seconds: float) -> list[Sample]:
        """The model's watts times ``seconds`` [s]."""
        _, energy = self.hardware.measure_power_and_energy(seconds)
        return [_checked(energy.kWh * _UJ_PER_KWH, self.part, self.part.method)]


class RaplSource(Source):
    """The processor packages' energy counters as CodeCarbon selects and unwraps them, one part per package."""

    def __init__(self, cpu: Any, name: str) -> None:  # noqa: ANN401 - CodeCarbon's objects are untyped
        self._cpu = cpu
        files = [file for file in cpu._intel_interface._rapl_files if file.name.startswith(_RAPL_MARK)]
        self._files = files
        self.parts = tuple(Part(f"cpu{number}", "cpu", name, RAPL, counter_unit="uJ") for number, _ in enumerate(files))
        self._before: list[int | None] = [None] * len(files)

    def start(self) -> None:
        """Baseline of the load or the counter."""
        self._cpu.start()
        self._before = [_counter(file, _UJ_PER_J) for file in self._files]

    def read(self, seconds: float) -> list[Sample]:
        """Each package's delta over ``seconds`` [s]."""
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
        if microjoules > _MAX_CPU_W * max(seconds, _JUDGED_S) * _UJ_PER_J:
            return Sample(None, RAPL, counter, _implausible(microjoules, seconds))
        return _checked(microjoules, part, RAPL, counter=counter, seconds=seconds)


class GpuSource(Source):
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
        """Baseline of the load or the counter."""
        self._device.start()
        self._before = _counter(self._device, _MJ_PER_J)

    def poll(self) -> None:
        """A sample of the power, which counts only while there is no counter."""
        self._device.sample_power()

    def read(self, seconds: float) -> list[Sample]:
        """The counter's delta, or polled power times ``seconds`` [s]."""
        from codecarbon.core.units import Time  # noqa: PLC0415

        device, before = self._device, self._before
        device.delta(Time.from_seconds(seconds))
        after = self._before = _counter(device, _MJ_PER_J)
        polled = device._use_power_fallback
        method = self._methods[1] if polled else self._methods[0]
        scale = _UJ_PER_KWH if polled else _UJ_PER_J / _joules_constant()
        microjoules = device.energy_delta.kWh * scale
        counter = (before, after) if before is not None and after is not None and not polled else None
        if self._limit_w and microjoules > _LIMIT_FACTOR * self._limit_w * max(seconds, _JUDGED_S) * _UJ_PER_J:
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
