"""Sums while measuring: exact microjoules per component, and what a meter can say at any moment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from gxmeter.core.findings import Finding
from gxmeter.core.numbers import Rounding, divided, product

_UJ_PER_KWH = Decimal(3_600_000_000_000)
_DECIMALS = 12
_RECENT = 60
_ESTIMATED = ("E", "F", "X")


@dataclass(frozen=True, slots=True)
class MeterResult:
    """What was measured.

    Attributes:
        run, site: ids as written down.
        journal: folder of the journal, or None where nothing could be written.
        samples: readings with a number, over all components.
        measured_uj: microjoules from counters and sensors.
        estimated_uj: microjoules from models.
        node_ratio: declared node / device energy [ratio], or None.
        findings: faults and remarks.
    """

    run: str
    site: str
    journal: Path | None
    samples: int
    measured_uj: int
    estimated_uj: int
    node_ratio: Decimal | None
    findings: tuple[Finding, ...]

    @property
    def device_kwh(self) -> Decimal:
        """Energy of all components [kWh], to 12 decimals, half-even."""
        return to_kwh(Decimal(self.measured_uj + self.estimated_uj))

    @property
    def node_kwh(self) -> Decimal | None:
        """Energy of the node [kWh] where its ratio is declared; else it is not known."""
        if self.node_ratio is None:
            return None
        return to_kwh(product(Decimal(self.measured_uj + self.estimated_uj), self.node_ratio))


def to_kwh(microjoules: Decimal) -> Decimal:
    """Microjoules as kWh: 3.6e12 uJ are one, rounded half-even at the 12th decimal."""
    return divided(microjoules, _UJ_PER_KWH, _DECIMALS, Rounding.HALF_EVEN)


@dataclass(slots=True)
class Totals:
    """Running sums; written by the sampling thread, read by any other."""

    measured_uj: int = 0
    estimated_uj: int = 0
    samples: int = 0
    recent_mw: deque[int] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def add(self, numbers: list[tuple[int, str]], elapsed_ns: int) -> None:
        """One interval's (microjoules, grade) pairs."""
        for energy_uj, grade in numbers:
            if grade.startswith(_ESTIMATED):
                self.estimated_uj += energy_uj
            else:
                self.measured_uj += energy_uj
        self.samples += len(numbers)
        if numbers:
            self.recent_mw.append(sum(uj for uj, _ in numbers) * 1_000_000 // elapsed_ns)
