"""The four electricity factors of a piece: location, market, SHK basic, SHK adjusted (package.md step 4).

Location-based: the national average. Market-based: the contract's menu on basis ``basic`` (never the
adjusted one, which nets credits). A piece without a contract takes the substitute value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from gxmeter.core.findings import Finding, finding
from gxmeter.factors.model import FactorEntry
from gxmeter.factors.registry import Registry
from gxmeter.factors.resolve import resolve_electricity
from gxmeter.ledger.pieces import Calendar
from gxmeter.ledger.tables import SiteRow

NATIONAL_AVERAGE = "national-average"
SUBSTITUTE = "substitute"


@dataclass(frozen=True, slots=True)
class Price:
    """A factor as a line carries it: id and value [t-CO2/kWh]; None where none is published."""

    factor_id: str
    t_per_kwh: Decimal | None


@dataclass(frozen=True, slots=True)
class Prices:
    """A piece's contract and its four factors."""

    contract_id: str
    location: Price
    market: Price
    basic: Price
    adjusted: Price


@dataclass(slots=True)
class Pricer:
    """Resolves factors for one fiscal year, remembers each answer, collects findings and used entries.

    Attributes:
        used: factor id -> (entry, provisional), for ``used.csv``.
    """

    registry: Registry
    fy: int
    used: dict[str, tuple[FactorEntry, bool]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    _known: dict[tuple[str, str, str, str], Price] = field(default_factory=dict)
    _unsupplied: set[str] = field(default_factory=set)

    def prices(self, site: SiteRow, calendar: Calendar, ts_ms: int) -> Prices:
        """The factors that hold at a site at an instant."""
        contract = calendar.contract_at(ts_ms)
        if contract is None and site.site_id not in self._unsupplied:
            self._unsupplied.add(site.site_id)
            self.findings.append(finding("contract-missing", site=site.site_id))
        supplier, menu = (contract.supplier, contract.menu) if contract else (SUBSTITUTE, "")
        basic = self._price(supplier, menu, "basic", site.country)
        return Prices(
            contract_id=contract.contract_id if contract else "",
            location=self._price(NATIONAL_AVERAGE, "", "basic", site.country),
            market=basic,
            basic=basic,
            adjusted=self._price(supplier, menu, "adjusted", site.country),
        )

    def _price(self, supplier: str, menu: str, basis: str, country: str) -> Price:
        key = (supplier, menu, basis, country)
        if key not in self._known:
            answer = resolve_electricity(
                self.registry, supplier=supplier, menu=menu, basis=basis, fy=self.fy, country=country
            )
            self.findings += answer.findings
            if answer.entry is None:
                self._known[key] = Price("", None)
            else:
                self.used[answer.entry.id] = (answer.entry, answer.provisional)
                self._known[key] = Price(answer.entry.id, answer.entry.decimal)
        return self._known[key]
