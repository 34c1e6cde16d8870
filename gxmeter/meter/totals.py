"""Sums while measuring: exact microjoules per boundary, and what a meter can say at any moment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from gxmeter.core.findings import Finding
from gxmeter.core.numbers import Rounding, divided, product
from gxmeter.core.phases import PhaseSum, PhaseSums

UJ_PER_KWH = 3_600_000_000_000
"""Microjoules of one kilowatt-hour, exact by definition (SI Brochure, 9th ed., table 8: 1 h = 3,600 s)."""

_DECIMALS = 12
_RECENT = 60
_ESTIMATED = ("E", "F", "X")


@dataclass(frozen=True, slots=True)
class MeterResult:
    """What was measured.

    Attributes:
        run, site: ids as written down.
        journal: folder of the journal, or None where nothing was or could be written.
        samples: readings with a number, over all components.
        measured_uj: microjoules of components from counters and sensors.
        estimated_uj: microjoules of components from models and shares (grades E, F, X).
        node_ratio: declared node / device energy [ratio], or None.
        findings: faults and remarks.
        counting: whether this meter measured; False where another one did and this one took part.
        node_uj: microjoules of the whole machine as its own meter says them; None without such a meter.
        elapsed_ns: from start to stop [ns].
        phases: energy and covered time by phase; ``""`` is the time outside any.
        tokens, steps, flop: work counted by this process.
        kg_per_kwh: the factor that was handed over [kg-CO2/kWh], or None.
    """

    run: str
    site: str
    journal: Path | None
    samples: int
    measured_uj: int
    estimated_uj: int
    node_ratio: Decimal | None
    findings: tuple[Finding, ...]
    counting: bool = True
    node_uj: int | None = None
    elapsed_ns: int = 0
    phases: dict[str, PhaseSum] = field(default_factory=dict)
    tokens: int = 0
    steps: int = 0
    flop: int = 0
    kg_per_kwh: Decimal | None = None

    @property
    def partly(self) -> bool:
        """Whether less than 95 % of the time has numbers: then work and energy are not of the same time."""
        covered_ns = sum(part.covered_ns for part in self.phases.values())
        return bool(self.phases) and 20 * covered_ns < 19 * self.elapsed_ns

    @property
    def device_kwh(self) -> Decimal | None:
        """Energy of all components [kWh], to 12 decimals, half-even; None where nothing was measured here."""
        if self.samples == 0:
            return None
        return to_kwh(Decimal(self.measured_uj + self.estimated_uj))

    @property
    def node_kwh(self) -> Decimal | None:
        """Energy of the node [kWh]: as measured, else by its declared ratio, else not known."""
        if self.node_uj is not None:
            return to_kwh(Decimal(self.node_uj))
        if self.node_ratio is None or self.samples == 0:
            return None
        return to_kwh(product(Decimal(self.measured_uj + self.estimated_uj), self.node_ratio))


def to_kwh(microjoules: Decimal) -> Decimal:
    """Microjoules as kWh: 3.6e12 uJ are one, rounded half-even at the 12th decimal."""
    return divided(microjoules, Decimal(UJ_PER_KWH), _DECIMALS, Rounding.HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Number:
    """One component's energy in an interval, and where it belongs.

    ``boundary``: device or node. ``counts``: whether it is part of the energy that counts; a component that stands
    beside the machine's own meter is not, but stays in the sum of components. ``compared``: it stands beside another
    reading of the same boundary, so it is in no sum at all.
    """

    energy_uj: int
    grade: str
    boundary: str = "device"
    counts: bool = True
    compared: bool = False


@dataclass(slots=True)
class Totals:
    """Running sums; written by the sampling thread, read by any other.

    Attributes:
        measured_uj, estimated_uj: of the components.
        node_uj: of the whole machine; None until its own meter has said a number.
        total_uj: energy that counts: interval by interval the machine's where it is metered, else its components'.
        samples: readings with a number.
        recent_mw: mean power of the last intervals [mW].
        phases: energy by phase, of the boundary that counts.
    """

    measured_uj: int = 0
    estimated_uj: int = 0
    node_uj: int | None = None
    total_uj: int = 0
    samples: int = 0
    recent_mw: deque[int] = field(default_factory=lambda: deque(maxlen=_RECENT))
    phases: PhaseSums = field(default_factory=PhaseSums)

    def add(self, numbers: list[Number], start_ns: int, end_ns: int) -> None:
        """One interval's numbers; ``start_ns`` and ``end_ns`` are its ends on the monotonic clock [ns]."""
        counted_uj = 0
        for number in numbers:
            self.samples += 1
            counted_uj += number.energy_uj if number.counts else 0
            if number.boundary == "node":
                self.node_uj = (self.node_uj or 0) + number.energy_uj
            elif not number.compared and number.grade.startswith(_ESTIMATED):
                self.estimated_uj += number.energy_uj
            elif not number.compared:
                self.measured_uj += number.energy_uj
        if any(number.counts for number in numbers):
            self.total_uj += counted_uj
            self.recent_mw.append(counted_uj * 1_000_000 // (end_ns - start_ns))
            self.phases.add(start_ns, end_ns, counted_uj)
