"""Which scope a line falls into, by compute arrangement (package.md 5.4).

Source: GHG Protocol Corporate Standard and Scope 2 Guidance as read for AI developers; the reading of
colocation overhead and of leases is a declared input of the site, because no text settles it
(docs/explanation/scopes.md).
"""

from __future__ import annotations

from gxmeter.ledger.tables import SiteRow
from gxmeter.ledger.terms import Arrangement, Portion

PURCHASED_SERVICES = "1"
"""Scope 3 category 1, purchased goods and services."""

LEASED_ASSETS = "8"
"""Scope 3 category 8, upstream leased assets."""


def scope_of(site: SiteRow, portion: str) -> tuple[str, str]:
    """(scope, Scope 3 category or empty) of energy used at a site.

    Raises:
        ValueError: the arrangement is none of :class:`~gxmeter.ledger.terms.Arrangement`.
    """
    arrangement = Arrangement(site.arrangement)
    if arrangement is Arrangement.OWNED:
        return "2", ""
    if arrangement is Arrangement.COLOCATION:
        outside = portion == Portion.OVERHEAD and not site.overhead_control
        return ("3", LEASED_ASSETS) if outside else ("2", "")
    if arrangement is Arrangement.LEASE:
        return ("2", "") if site.operational_control else ("3", LEASED_ASSETS)
    return "3", PURCHASED_SERVICES
