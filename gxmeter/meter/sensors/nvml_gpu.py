"""One GPU as a part: by its energy counter, by polled power, or not at all and said so."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from gxmeter.meter.sensors.base import Fault, Part, Sample
from gxmeter.meter.sensors.counter import Counter
from gxmeter.meter.sensors.nvml_library import Library, NvmlError
from gxmeter.meter.sensors.polls import Polls

COUNTER = "nvml-counter"
"""Method: the GPU's cumulative energy counter."""

MODULE_COUNTER = "nvml-module-counter"
"""Method: the counter of a module, which holds processor and memory too."""

POWER = "nvml-power"
"""Method: the GPU's power, asked several times a second."""

SLICE = "nvml-counter-mig"
"""Method: a MIG device, which has no energy of its own."""

CEILING_MW = 3_000_000
"""Rating of a GPU that tells none [mW]. Our judgement: above any GPU or module with one NVML device sold by 2026."""

Clock = Callable[[], int]
"""The monotonic clock [ns]."""

_UJ_PER_MJ = 1000
_APART_NS = 3_000_000_000


class Gpu(ABC):
    """A GPU that is a part; ``failed`` after a call that did not succeed, until one does."""

    def __init__(self, library: Library, handle: Any, part: Part) -> None:  # noqa: ANN401 - an opaque pointer
        self._library, self._handle, self.part = library, handle, part
        self.failed = False

    def reopen(self) -> None:
        """Find the GPU again by its UUID; where it is not there the old handle stays and goes on failing."""
        self._handle = self._library.maybe("nvmlDeviceGetHandleByUUID", self.part.uuid) or self._handle

    @abstractmethod
    def start(self, clock: Clock) -> None:
        """Energy counts from now."""

    def poll(self, clock: Clock) -> None:  # noqa: B027 - what has a counter needs none
        """Look between readings."""

    @abstractmethod
    def read(self, clock: Clock) -> Sample:
        """Energy since the start or the last reading. The time is taken after the call, which may block."""

    def _ask(self, function: str) -> tuple[int | None, str]:
        """A whole number from NVML, or None and why."""
        try:
            value = int(self._library.ask(function, self._handle))
        except NvmlError as error:
            self.failed = True
            return None, str(error)
        self.failed = False
        return value, ""


class CounterGpu(Gpu):
    """By its counter [mJ], which every step is judged of."""

    def __init__(self, library: Library, handle: Any, part: Part, limit_mw: int) -> None:  # noqa: ANN401
        super().__init__(library, handle, part)
        self._counter = Counter(_UJ_PER_MJ, limit_mw)
        self._seen_ns = 0

    def start(self, clock: Clock) -> None:
        """Read the counter."""
        self._counter.start(self._ask("nvmlDeviceGetTotalEnergyConsumption")[0])
        self._seen_ns = clock()

    def read(self, clock: Clock) -> Sample:
        """What the counter counted."""
        value, reason = self._ask("nvmlDeviceGetTotalEnergyConsumption")
        now_ns = clock()
        step = self._counter.step(value, now_ns - self._seen_ns, reason=reason)
        self._seen_ns = now_ns
        return Sample(step.energy_uj, self.part.method, step.counter, step.fault)


class PowerGpu(Gpu):
    """By its power [mW], asked again and again."""

    def __init__(self, library: Library, handle: Any, part: Part, limit_mw: int) -> None:  # noqa: ANN401
        super().__init__(library, handle, part)
        self._polls = Polls(limit_mw, _APART_NS)

    def start(self, clock: Clock) -> None:
        """Ask once."""
        power_mw = self._ask("nvmlDeviceGetPowerUsage")[0]
        self._polls.start(clock(), power_mw)

    def poll(self, clock: Clock) -> None:
        """Ask once more."""
        power_mw, reason = self._ask("nvmlDeviceGetPowerUsage")
        self._polls.add(clock(), power_mw, reason=reason)

    def read(self, clock: Clock) -> Sample:
        """Ask a last time, and take the energy up to here."""
        self.poll(clock)
        energy_uj, wrong = self._polls.take()
        return Sample(energy_uj, self.part.method, None, wrong)


class SilentGpu(Gpu):
    """A GPU whose energy cannot be known: a gap in every interval, with its reason, never a number."""

    def __init__(self, library: Library, handle: Any, part: Part, why: Fault) -> None:  # noqa: ANN401
        super().__init__(library, handle, part)
        self._why = why

    def start(self, clock: Clock) -> None:
        """Nothing counts."""

    def read(self, clock: Clock) -> Sample:  # noqa: ARG002 - one shape for all
        """No number."""
        return Sample(None, self.part.method, None, self._why)
