"""Unattributed energy: what a bill or facility meter shows beyond the runs (package.md 5.5).

Its line makes the site's total equal to the bill, so that idle time, offices in the hall and forgotten
runs are in the inventory under a name of their own. A negative rest is never a negative line: within the tolerance
of the reading it is a remark, beyond it a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from gxmeter.core.calendar import FiscalYear
from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import EXACT, plain, product, total
from gxmeter.ledger.drafts import Draft, grade_interval, priced
from gxmeter.ledger.entries import JOULE_PER_KWH
from gxmeter.ledger.pieces import Calendar
from gxmeter.ledger.pricing import Pricer
from gxmeter.ledger.reading_fit import ADVICE, REASONS, Misfit, misfit
from gxmeter.ledger.scopes import scope_of
from gxmeter.ledger.tables import Line, MeterRow, SiteRow
from gxmeter.ledger.terms import Boundary, LineKind, Portion, Status


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far the runs may exceed a reading before that is a fault [% of the reading].

    ``widest_pct`` holds for all readings (package.md 5.5); ``by_meter`` holds narrower ones that a workspace declares.
    """

    widest_pct: Decimal
    by_meter: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))

    def kwh(self, meter: MeterRow) -> Decimal:
        """The tolerance of a reading [kWh]."""
        pct = min(self.by_meter.get(meter.meter_id, self.widest_pct), self.widest_pct)
        return product(meter.energy_kwh, pct, _PER_CENT)


NO_TOLERANCE = Tolerances(Decimal(0))
_PER_CENT = Decimal("0.01")

METER_METHOD = "meter"
METER_GRADE = "A"


def unattributed_lines(
    meters: Iterable[MeterRow],
    runs: Iterable[Line],
    sites: Mapping[str, SiteRow],
    calendars: Mapping[str, Calendar],
    pricer: Pricer,
    *,
    tolerances: Tolerances = NO_TOLERANCE,
) -> tuple[list[Line], list[Finding]]:
    """One line per meter reading of the year that exceeds the runs it covers."""
    fy = FiscalYear(pricer.fy)
    run_lines = list(runs)
    lines: list[Line] = []
    findings: list[Finding] = []
    for meter in meters:
        if meter.end <= fy.start_ms or meter.start >= fy.end_ms:
            continue
        site, calendar = sites[meter.site_id], calendars[meter.site_id]
        why = misfit((meter.start, meter.end), site.accounting_share, calendar.contracts, fy)
        if why is not None:
            findings.append(_refused(meter, why))
            continue
        rest = EXACT.subtract(meter.energy_kwh, covered_kwh(meter, run_lines))
        if rest < 0:
            code = "runs-exceed-meter-slightly" if -rest <= tolerances.kwh(meter) else "runs-exceed-meter"
            findings.append(finding(code, meter=meter.meter_id, site=meter.site_id, found=plain(-rest)))
        elif rest > 0:
            lines.append(priced(_draft(meter, site, rest), pricer.prices(site, calendar, meter.start)))
    return lines, findings


def covered_kwh(meter: MeterRow, runs: Iterable[Line]) -> Decimal:
    """Facility energy of the runs inside a reading's place and time [kWh]."""
    return total(
        line.facility_kwh
        for line in runs
        if line.site_id == meter.site_id and meter.start <= line.start and line.end <= meter.end
    )


def _refused(meter: MeterRow, why: Misfit) -> Finding:
    (reason_ja, reason), (advice_ja, advice) = REASONS[why], ADVICE[why]
    return finding(
        "meter-crosses-contract",
        meter=meter.meter_id,
        site=meter.site_id,
        reason=reason,
        reason_ja=reason_ja,
        advice=advice,
        advice_ja=advice_ja,
    )


def _draft(meter: MeterRow, site: SiteRow, rest_kwh: Decimal) -> Draft:
    scope, category = scope_of(site, Portion.FACILITY)
    low, high = grade_interval(METER_GRADE)
    return Draft(
        kind=LineKind.UNATTRIBUTED,
        run_id="",
        site_id=meter.site_id,
        frame="",
        country=site.country,
        start=meter.start,
        end=meter.end,
        boundary=Boundary.FACILITY,
        portion=Portion.FACILITY,
        method=METER_METHOD,
        grade=METER_GRADE,
        status=Status.BILLED,
        energy_j=product(rest_kwh, JOULE_PER_KWH),
        energy_kwh=rest_kwh,
        scope=scope,
        category=category,
        low_pct=low,
        high_pct=high,
        evidence_id=meter.evidence_id,
    )
