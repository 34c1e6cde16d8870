"""A certificate's vintage covers the time that its contract supplied."""

from __future__ import annotations

from gxmeter.core.calendar import FiscalYear, jst_date
from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.loaded import Document, Workspace
from gxmeter.workspace.models import Contract, Instrument

CODES = ("certificate-vintage-partly",)


def check(workspace: Workspace) -> list[Finding]:
    """Certificates that meet their contract's time in the fiscal year, but do not cover it.

    One that misses that time altogether is not applied, and the account says so (``certificate-outside-vintage``).
    """
    contracts = {contract.id: contract for contract in workspace.contracts}
    findings: list[Finding] = []
    for document in workspace.instrument_documents:
        contract = contracts.get(document.model.contract or "")
        if contract is not None:
            findings += _of_certificate(document, contract)
    return findings


def _of_certificate(document: Document[Instrument], contract: Contract) -> list[Finding]:
    item, fy = document.model, FiscalYear(document.model.fy)
    start_ms, end_ms = max(contract.start_ms, fy.start_ms), min(contract.end_ms, fy.end_ms)
    if start_ms >= end_ms or item.vintage_end_ms <= start_ms or item.vintage_start_ms >= end_ms:
        return []
    bare = [(start_ms, item.vintage_start_ms), (item.vintage_end_ms, end_ms)]
    days = ", ".join(_days(first_ms, end_ms) for first_ms, end_ms in bare if first_ms < end_ms)
    if not days:
        return []
    place = document.place("vintage_first_day")
    return [
        finding(
            "certificate-vintage-partly",
            file=place.file,
            row=place.row,
            instrument=item.id,
            contract=contract.id,
            fy=item.fy,
            found=days,
        )
    ]


def _days(start_ms: int, end_ms: int) -> str:
    """A half-open time as its first and last day in Japan."""
    first, last = jst_date(start_ms), jst_date(end_ms - 1)
    return first.isoformat() if first == last else f"{first.isoformat()}..{last.isoformat()}"
