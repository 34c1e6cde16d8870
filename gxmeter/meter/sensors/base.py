"""What a sensor is: it names its parts once, and then says each part's energy since it was last asked.

A sensor never answers zero for "I could not read": energy None with a fault is the only way to say that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

DEVICE = "device"
"""Boundary of a metered component."""

NODE = "node"
"""Boundary of a whole machine as its management controller or power supply measures it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something a sensor has to say: a message code and the values of its holes."""

    code: str
    params: tuple[tuple[str, str], ...] = ()


def fault(code: str, **params: str) -> Fault:
    """A fault with the values of its message's holes.

    >>> fault("sensor-read-failed", reason="no such file").params
    (('reason', 'no such file'),)
    """
    return Fault(code, tuple(sorted(params.items())))


@dataclass(frozen=True, slots=True)
class Part:
    """A component that a sensor reads.

    Attributes:
        label: unique within the host, e.g. ``cpu0``, ``ram``, ``gpu0``, ``node``. Two sensors that read one part
            give it one label: that is how the meter sees that it is read twice.
        kind: ``cpu``, ``ram``, ``gpu`` or ``node``.
        name: the model as the hardware says it.
        method: how it is read as a rule; a key of the sensor's ``methods``.
        uuid: serial identity where there is one.
        rated_mw: rated power or power limit [mW] where known.
        counter_unit: ``uJ`` or ``mJ`` where it is read by an energy counter.
        boundary: what the energy covers, :data:`DEVICE` or :data:`NODE`.
        covers: labels of parts whose energy is inside this one's, e.g. those of a Grace Hopper module; shell
            patterns, so ``cpu*`` is every processor.
    """

    label: str
    kind: str
    name: str
    method: str
    uuid: str | None = None
    rated_mw: int | None = None
    counter_unit: str | None = None
    boundary: str = DEVICE
    covers: tuple[str, ...] = ()


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
    """What a sensor found when it was opened.

    Attributes:
        version: of the library or interface that is read.
        parts: in order; later readings keep it.
        faults: what could not be opened, and why.
        driver: version of the driver below, where there is one.
    """

    version: str
    parts: tuple[Part, ...] = ()
    faults: tuple[Fault, ...] = field(default=())
    driver: str | None = None


class Sensor(Protocol):
    """A source of readings; all calls come from one thread, one at a time."""

    name: str
    """E.g. ``codecarbon``."""

    methods: dict[str, str]
    """Grade of every method it may use, by method name (docs/explanation/grades.md)."""

    quick: bool
    """Whether ``open`` and ``start`` take milliseconds; others are opened off the training's path."""

    poll_s: float | None
    """Mean time between the polls that it wants [s]; None where it needs none."""

    def open(self, taken: frozenset[str] = frozenset()) -> Opened:
        """Find the hardware; must not raise for missing hardware.

        Args:
            taken: labels that are read already; a sensor may leave these out.
        """

    def start(self) -> None:
        """Set the baseline: energy counts from now."""

    def poll(self) -> None:
        """Called between readings, at uneven times around ``poll_s``, for what must be sampled more often."""

    def read(self, elapsed_ns: int) -> list[Sample]:
        """The energy of every part, in their order, since ``start`` or the last ``read``, ``elapsed_ns`` [ns] ago."""

    def close(self) -> None:
        """Let go of what ``open`` took."""
