"""What a sensor is: it names its parts once, and then says each part's energy since it was last asked.

A sensor never answers zero for "I could not read": energy None with a fault is the only way to say that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a sensor has to say: a message code and the values of its holes."""

    code: str
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A component that a sensor reads.

    Attributes:
        label: unique within the host, e.g. ``cpu``, ``ram``, ``gpu0``.
        kind: ``cpu``, ``ram`` or ``gpu``.
        name: the model as the hardware says it.
        method: how it is read as a rule; a key of the sensor's ``METHODS``.
        uuid: serial identity where there is one.
        rated_mw: rated power or power limit [mW] where known.
        counter_unit: ``uJ`` or ``mJ`` where it is read by an energy counter.
    """

    label: str
    kind: str
    name: str
    method: str
    uuid: str | None = None
    rated_mw: int | None = None
    counter_unit: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A part's energy since the last reading.

    Attributes:
        energy_uj: microjoules, or None where there is no number.
        method: how this reading was made.
        counter: counter before and after in the part's counter unit.
        fault: why there is no number, or what is remarkable about it.
    """

    energy_uj: int | None
    method: str
    counter: tuple[int, int] | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a sensor found when it was opened: its version, its parts in order, what it could not open."""

    version: str
    parts: tuple[Part, ...] = ()
    faults: tuple[Fault, ...] = field(default=())


class Sensor(Protocol):
    """A source of readings; all calls come from the sampling thread."""

    name: str
    """E.g. ``codecarbon``."""

    methods: dict[str, str]
    """Grade of every method it may use, by method name."""

    def open(self) -> Opened:
        """Find the hardware; may take a second, must not raise for missing hardware."""

    def start(self) -> None:
        """Set the baseline: energy counts from now."""

    def poll(self) -> None:
        """Called at least once a second between readings, for what must be sampled more often."""

    def read(self, seconds: float) -> list[Sample]:
        """The energy of every part since ``start`` or the last ``read``, ``seconds`` ago; order of ``parts``."""

    def close(self) -> None:
        """Let go of what ``open`` took."""
