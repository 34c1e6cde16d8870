"""Why a reading of a bill or meter cannot be held against the year's energy, and what to do about it (package.md 5.5).

Each cause has a sentence of its own: a person who reads all three at once has to find out first which one holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from gxmeter.core.calendar import FiscalYear
from gxmeter.ledger.drafts import ONE
from gxmeter.ledger.tables import ContractRow


class Misfit(StrEnum):
    """What keeps a reading from being taken."""

    YEAR = "year"
    SHARE = "share"
    CONTRACT = "contract"


def misfit(span: tuple[int, int], share: Decimal, contracts: Iterable[ContractRow], fy: FiscalYear) -> Misfit | None:
    """The first cause that holds; None of a reading that fits.

    Args:
        span: start and end of the reading [Unix ms].
        share: the part of the site that the company accounts for [ratio].
        contracts: the supply contracts of the site.
        fy: the fiscal year.
    """
    start_ms, end_ms = span
    if start_ms < fy.start_ms or end_ms > fy.end_ms:
        return Misfit.YEAR
    if share != ONE:
        return Misfit.SHARE
    edges = {edge for contract in contracts for edge in (contract.start, contract.end)}
    return Misfit.CONTRACT if any(start_ms < edge < end_ms for edge in edges) else None


REASONS = {
    Misfit.YEAR: ("期間が年度の境をまたいでいます", "its days cross the edge of the fiscal year"),
    Misfit.SHARE: (
        "検針は拠点全体のもので、会社の計上する割合(accounting_share)は1ではありません",
        "it is of the whole site, and the company accounts for a share of it (accounting_share is not 1)",
    ),
    Misfit.CONTRACT: ("期間が供給契約の境をまたいでいます", "its days cross the edge of a supply contract"),
}
"""The cause, in Japanese and English."""

ADVICE = {
    Misfit.YEAR: (
        "3月31日までと4月1日からの二つの検針に分けてください",
        "split it in two readings, to 31 March and from 1 April",
    ),
    Misfit.SHARE: (
        "会社の分だけの検針を accounting_share が1の拠点に書くか、この検針を meters/ から外してください",
        "give a reading of the company's own part at a site whose share is 1, or take it out of meters/",
    ),
    Misfit.CONTRACT: (
        "契約の境の日で二つの検針に分けるか、sites/ の契約の日付を直してください",
        "split it in two readings at that day, or mend the days of the contracts in sites/",
    ),
}
"""What to do, in Japanese and English."""
