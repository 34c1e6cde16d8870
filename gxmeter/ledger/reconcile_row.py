"""One row of a reconciliation: a site over a period, what is accounted for, what a bill or meter says, what is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import EXACT, Rounding, divided, plain, product
from gxmeter.ledger.drafts import ZERO
from gxmeter.ledger.reading_fit import Misfit
from gxmeter.ledger.reconcile_periods import Period, named
from gxmeter.ledger.reconcile_steps import Steps
from gxmeter.workspace.models import MeterReading
from gxmeter.workspace.tolerance import Tolerance

PCT_DECIMALS = 6
"""Decimals of a percentage [digits], half-even."""

_HUNDRED = Decimal(100)


class State(StrEnum):
    """How a row stands.

    ``nothing-known``: neither telemetry nor a declaration nor a reading. ``no-reading``: there is nothing to hold
    against. ``not-comparable``: the reading crosses the year's edge, or covers more than the company's share of the
    site. ``within``: the rest is within the tolerance. ``unexplained``: the reading is greater by more than that.
    ``exceeds``: it is less by more than that.
    """

    NOTHING = "nothing-known"
    NO_READING = "no-reading"
    NOT_COMPARABLE = "not-comparable"
    WITHIN = "within"
    UNEXPLAINED = "unexplained"
    EXCEEDS = "exceeds"


@dataclass(frozen=True, slots=True)
class SiteMeter:
    """Telemetry of a meter of the site (boundary it or facility) in a row's time: for comparison, never added."""

    device: str
    boundary: str
    energy_kwh: Decimal
    covered_ms: int


@dataclass(frozen=True, slots=True)
class Row:
    """A site over a period [Unix ms].

    Attributes:
        site: its id.
        period: over which time.
        runs: energy of runs, with its steps; None where there is none on record, which is not zero.
        idle: energy of our instruments outside any run, with its steps; None where there is none on record.
        reading: the bill or meter that counts.
        beside: a facility meter of the same days as the bill.
        tolerance: how far the rest may be from zero.
        meters: telemetry of the site's own meters.
        misfit: why the ledger does not take the reading; None where it does.
    """

    site: str
    period: Period
    runs: Steps | None
    idle: Steps | None
    reading: MeterReading | None
    beside: MeterReading | None
    tolerance: Tolerance | None
    meters: tuple[SiteMeter, ...]
    misfit: Misfit | None

    @property
    def is_comparable(self) -> bool:
        """Whether reading and accounted energy are of the same thing; of the edge of a contract they are."""
        return self.misfit in {None, Misfit.CONTRACT}

    @property
    def steps(self) -> Steps | None:
        """Runs and idle energy together, step by step; None where nothing is on record."""
        known = [steps for steps in (self.runs, self.idle) if steps is not None]
        return sum(known, Steps()) if known else None

    @property
    def facility_kwh(self) -> Decimal:
        """What is accounted for: runs, idle and all steps outwards [kWh]; of nothing on record, nothing is."""
        return self.steps.facility_kwh if self.steps else ZERO

    @property
    def difference_kwh(self) -> Decimal | None:
        """Reading less accounted energy [kWh]."""
        if self.reading is None or not self.is_comparable:
            return None
        return EXACT.subtract(self.reading.energy_kwh, self.facility_kwh)

    @property
    def explained_kwh(self) -> Decimal:
        """The part of the difference that a declaration explains [kWh]."""
        return (self.reading.explained_kwh if self.reading else None) or ZERO

    @property
    def rest_kwh(self) -> Decimal | None:
        """The part of the difference that nothing explains [kWh]."""
        difference = self.difference_kwh
        return None if difference is None else EXACT.subtract(difference, self.explained_kwh)

    @property
    def meter_difference_kwh(self) -> Decimal | None:
        """Bill less facility meter [kWh]."""
        if self.reading is None or self.beside is None:
            return None
        return EXACT.subtract(self.reading.energy_kwh, self.beside.energy_kwh)

    def pct(self, kwh: Decimal | None) -> Decimal | None:
        """An amount in percent of the reading; None where that is zero or missing."""
        if kwh is None or self.reading is None or self.reading.energy_kwh == 0:
            return None
        return divided(product(kwh, _HUNDRED), self.reading.energy_kwh, PCT_DECIMALS, Rounding.HALF_EVEN)

    def is_within(self, kwh: Decimal) -> bool:
        """Whether an amount is within the tolerance of the reading."""
        if self.reading is None or self.tolerance is None:
            return False
        return product(abs(kwh), _HUNDRED) <= product(self.reading.energy_kwh, self.tolerance.pct)

    @property
    def state(self) -> State:
        """How the row stands."""
        rest = self.rest_kwh
        if self.reading is None:
            return State.NO_READING if self.steps is not None or self.meters else State.NOTHING
        if rest is None:
            return State.NOT_COMPARABLE
        if self.is_within(rest):
            return State.WITHIN
        return State.UNEXPLAINED if rest > 0 else State.EXCEEDS


def row_findings(rows: Iterable[Row]) -> Iterator[Finding]:
    """Rests beyond tolerance, bills that meters contradict, months without either."""
    bare: dict[tuple[str, State], list[Period]] = defaultdict(list)
    for row in rows:
        yield from _of_reading(row)
        if row.reading is None:
            bare[row.site, row.state].append(row.period)
    for (site, state), periods in bare.items():
        count, names = len(periods), ", ".join(named(periods))
        if state is State.NOTHING:
            yield finding("nothing-known", site=site, count=count, periods=names)
        else:
            yield finding("reading-missing", site=site, count=count, periods=names)


def _of_reading(row: Row) -> Iterator[Finding]:
    if row.reading is None or row.tolerance is None:
        return
    rest, apart = row.rest_kwh, row.meter_difference_kwh
    site, reading, tolerance = row.site, row.reading.id, plain(row.tolerance.pct)
    if rest is not None and row.state is State.UNEXPLAINED:
        yield finding("reading-unexplained", site=site, reading=reading, tolerance=tolerance, found=plain(rest))
    if rest is not None and row.state is State.EXCEEDS:
        yield finding("accounted-exceeds-reading", site=site, reading=reading, tolerance=tolerance, found=plain(-rest))
    if row.beside is not None and apart is not None and not row.is_within(apart):
        meter, found = row.beside.id, plain(apart)
        yield finding(
            "bill-differs-from-meter", site=site, reading=reading, tolerance=tolerance, meter=meter, found=found
        )
