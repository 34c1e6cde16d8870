"""A sensor whose calls cannot raise: whatever a driver or a library throws becomes a fault of its parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from gxmeter.meter.sensors.base import Fault, Opened, Part, Sample, Sensor, fault


@dataclass(slots=True)
class Guarded:
    """One sensor, called safely.

    Attributes:
        sensor: what is called.
        opened: what it said when it was opened.
    """

    sensor: Sensor
    opened: Opened = field(default_factory=lambda: Opened("-"), init=False)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its parts, in order."""
        return self.opened.parts

    def open(self, taken: frozenset[str]) -> Opened:
        """Open it; what it throws is a fault and no part."""
        try:
            self.opened = self.sensor.open(taken)
        except Exception as error:  # noqa: BLE001 - a driver may fail in any way; the training must not feel it
            why = fault("sensor-unavailable", part=self.sensor.name, reason=_said(error))
            self.opened = Opened("-", faults=(why,))
        return self.opened

    def start(self) -> None:
        """Set its baseline; where that fails the first reading will be a fault."""
        try:
            self.sensor.start()
        except Exception:  # noqa: BLE001 - as above
            return

    def poll(self) -> None:
        """Let it look; what fails here shows in the reading."""
        try:
            self.sensor.poll()
        except Exception:  # noqa: BLE001 - as above
            return

    def read(self, elapsed_ns: int) -> list[Sample]:
        """One sample for each part, whatever happens."""
        try:
            samples = self.sensor.read(elapsed_ns)
        except Exception as error:  # noqa: BLE001 - as above
            return self._none(fault("sensor-read-failed", reason=_said(error)))
        if len(samples) != len(self.parts):
            return self._none(fault("sensor-read-failed", reason=f"{len(samples)} of {len(self.parts)} parts"))
        return samples

    def close(self) -> None:
        """Let go of it."""
        try:
            self.sensor.close()
        except Exception:  # noqa: BLE001 - as above
            return

    def _none(self, why: Fault) -> list[Sample]:
        return [Sample(None, part.method, fault=why) for part in self.parts]


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
