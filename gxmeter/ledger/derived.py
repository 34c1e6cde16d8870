"""Figures that are more than one sum: Scope 1, energy law, credits, shares, intervals (package.md 5.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal

from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import EXACT, PRECISION, Rounding, divided, product, total
from gxmeter.factors.model import FactorEntry
from gxmeter.ledger.figures import figure
from gxmeter.ledger.instruments import CREDITS
from gxmeter.ledger.tables import Figure, InstrumentRow, Line, SiteRow
from gxmeter.ledger.terms import Status

ZERO = Decimal(0)
NO_DIRECT_SOURCES = "none"
_SHARE_DECIMALS = 12
_INTERVAL_DECIMALS = 6
_ROOT = Context(prec=PRECISION)


def scope1_figures(sites: Iterable[SiteRow]) -> tuple[list[Figure], list[Finding]]:
    """Scope 1 is zero only if every site declares that it has no direct sources; else it is unknown."""
    open_sites = [site.site_id for site in sites if site.direct_sources != NO_DIRECT_SOURCES]
    if open_sites:
        return [], [finding("scope1-not-assessed", site=site) for site in open_sites]
    names = ("scope1_t", "scope1_domestic_t")
    return [figure(name, "declared-none", ZERO, "t-CO2") for name in names], []


def energy_law_figures(lines: Iterable[Line], electricity: FactorEntry, crude_oil: FactorEntry) -> list[Figure]:
    """Primary energy [GJ] and crude-oil equivalent [kL] of domestic Scope 2 electricity.

    ``electricity`` is in GJ/thousand kWh, ``crude_oil`` in kL/GJ (省エネ法; sources in the entries).
    """
    kwh = total(line.facility_kwh for line in lines if line.scope == "2" and line.country == "JP")
    gigajoule = product(kwh, electricity.decimal, Decimal("0.001"))
    return [
        figure("primary_energy_gj", "primary-energy", gigajoule, "GJ"),
        figure("crude_oil_kl", "crude-oil", product(gigajoule, crude_oil.decimal), "kL"),
    ]


def credit_figures(sums: Mapping[str, Figure], instruments: Iterable[InstrumentRow], fy: int) -> list[Figure]:
    """Gross, credits and net, three columns; credits never lower the gross figure.

    Without a known Scope 1 there is no gross: what is not known does not count as zero.
    """
    if "scope1_t" not in sums or "scope2_market_t" not in sums:
        return []
    gross = EXACT.add(sums["scope1_t"].exact, sums["scope2_market_t"].exact)
    deducted = total(row.quantity_t or ZERO for row in instruments if row.kind in CREDITS and row.fy == fy)
    return [
        figure("gross_market_t", "gross", gross, "t-CO2"),
        figure("credits_t", "credits", deducted, "t-CO2"),
        figure("net_market_t", "net", EXACT.subtract(gross, deducted), "t-CO2"),
    ]


def share_figures(sums: Mapping[str, Figure]) -> list[Figure]:
    """Shares of measured, estimated and declared energy in all AI compute energy [%]."""
    whole = sums["energy_ai_kwh"].exact
    if whole == 0:
        return []
    made = []
    for status in (Status.MEASURED, Status.ESTIMATED, Status.DECLARED):
        part = sums.get(f"energy_ai_kwh.status.{status}")
        top = product(part.exact, Decimal(100)) if part else ZERO
        share = divided(top, whole, _SHARE_DECIMALS, Rounding.HALF_EVEN)
        made.append(figure(f"share_{status}_pct", "share-pct", share, "%"))
    return made


def interval_figures(lines: Sequence[Line]) -> list[Figure]:
    """Interval of all AI compute energy [%]: linear within a method, quadrature between methods."""
    runs = [line for line in lines if line.kind == "run"]
    whole = total(line.facility_kwh for line in runs)
    if whole == 0:
        return []
    made = []
    for side in ("low", "high"):
        by_method: dict[str, Decimal] = {}
        for line in runs:
            term = product(line.facility_kwh, getattr(line, f"{side}_pct"))
            by_method[line.method] = EXACT.add(by_method.get(line.method, ZERO), term)
        squares = [_ROOT.multiply(term, term) for _, term in sorted(by_method.items())]
        summed = ZERO
        for square in squares:
            summed = _ROOT.add(summed, square)
        pct = divided(_ROOT.sqrt(summed), whole, _INTERVAL_DECIMALS, Rounding.HALF_EVEN)
        made.append(figure(f"energy_ai_{side}_pct", f"interval-{side}-pct", pct, "%"))
    return made
