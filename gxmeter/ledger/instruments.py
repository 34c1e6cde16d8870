"""Certificates: kWh that leave the contract's factor and take the instrument's own (package.md 5.6).

A certificate moves market-based emissions only, by a visible pair of lines that adds up to zero energy.
Its deduction from SHK emissions needs a correction ratio that is not published yet; until then SHK
basic and adjusted stay as they are and finding ``ratio-not-published`` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from gxmeter.core.calendar import FiscalYear
from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import EXACT, plain, product, total
from gxmeter.ledger.drafts import ZERO, Draft, fiscal_period, priced
from gxmeter.ledger.entries import JOULE_PER_KWH
from gxmeter.ledger.pieces import Calendar
from gxmeter.ledger.pricing import Price, Pricer
from gxmeter.ledger.tables import ContractRow, Instant, InstrumentRow, Line, SiteRow
from gxmeter.ledger.terms import Boundary, LineKind, Portion, Status

CERTIFICATES = frozenset({"nonfossil-certificate", "green-power"})
CREDITS = frozenset({"j-credit", "jcm"})
CERTIFICATE_METHOD = "certificate"


def instrument_lines(
    instruments: Iterable[InstrumentRow],
    lines: Iterable[Line],
    sites: Mapping[str, SiteRow],
    calendars: Mapping[str, Calendar],
    pricer: Pricer,
) -> tuple[list[Line], list[Finding]]:
    """The line pairs of all certificates of the year, in order of their ids; earlier ones take first."""
    contracts = {c.contract_id: c for calendar in calendars.values() for c in calendar.contracts}
    pools: dict[str, Decimal] = {}
    for contract_id in contracts:
        pools[contract_id] = total(
            line.facility_kwh for line in lines if line.contract_id == contract_id and line.scope == "2"
        )
    made: list[Line] = []
    findings: list[Finding] = []
    for row in sorted(instruments, key=lambda item: item.instrument_id):
        if row.kind not in CERTIFICATES or row.fy != pricer.fy:
            continue
        contract = contracts.get(row.contract_id)
        if contract is None:
            findings.append(finding("certificate-without-contract", instrument=row.instrument_id))
            continue
        pair, remarks = _pair(row, contract, pools, (sites[contract.site_id], calendars[contract.site_id]), pricer)
        made += pair
        findings += remarks
    return made, findings


def _pair(
    row: InstrumentRow,
    contract: ContractRow,
    pools: dict[str, Decimal],
    place: tuple[SiteRow, Calendar],
    pricer: Pricer,
) -> tuple[list[Line], list[Finding]]:
    site, calendar = place
    start, end = fiscal_period(contract.start, contract.end, FiscalYear(pricer.fy))
    if start >= end or row.vintage_end <= start or row.vintage_start >= end:
        return [], [finding("certificate-outside-vintage", instrument=row.instrument_id)]
    prices = pricer.prices(site, calendar, start)
    if prices.market.t_per_kwh == ZERO:
        return [], [finding("certificate-on-zero-menu", instrument=row.instrument_id, contract=contract.contract_id)]
    quantity = row.quantity_kwh or ZERO
    allocated = min(quantity, pools[contract.contract_id])
    findings = [finding("ratio-not-published", instrument=row.instrument_id)]
    if allocated < quantity:
        rest = plain(EXACT.subtract(quantity, allocated))
        findings.append(finding("certificate-exceeds-consumption", instrument=row.instrument_id, found=rest))
    if allocated <= 0:
        return [], findings
    pools[contract.contract_id] = EXACT.subtract(pools[contract.contract_id], allocated)
    own = Price(row.instrument_id, row.factor_t_per_kwh)  # an unknown factor stays unknown: figure-incomplete
    return [
        priced(_draft(LineKind.INSTRUMENT_OUT, row, site, (start, end), -allocated), prices),
        priced(_draft(LineKind.INSTRUMENT_IN, row, site, (start, end), allocated), prices, market=own),
    ], findings


def _draft(kind: str, row: InstrumentRow, site: SiteRow, period: tuple[int, int], kwh: Decimal) -> Draft:
    return Draft(
        kind=kind,
        run_id="",
        site_id=site.site_id,
        frame="",
        country=site.country,
        start=Instant(period[0]),
        end=Instant(period[1]),
        boundary=Boundary.FACILITY,
        portion=Portion.FACILITY,
        method=CERTIFICATE_METHOD,
        grade="A",
        status=Status.BILLED,
        energy_j=product(kwh, JOULE_PER_KWH),
        energy_kwh=kwh,
        scope="2",
        category="",
        low_pct=ZERO,
        high_pct=ZERO,
        evidence_id=row.evidence_id,
    )
