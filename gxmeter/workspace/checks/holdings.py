"""Holdings of an entity do not exceed the whole."""

from __future__ import annotations

from decimal import Decimal

from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import plain, total
from gxmeter.workspace.loaded import Document, Workspace
from gxmeter.workspace.models import Entity

CODES = ("holdings-exceed-whole", "holder-twice", "holder-is-itself")

_WHOLE_PCT = Decimal(100)


def check(workspace: Workspace) -> list[Finding]:
    """Shares above 100 % in sum, a holder named twice, an entity that holds itself."""
    findings: list[Finding] = []
    for document in workspace.entity_documents:
        findings += _of_entity(document)
    return findings


def _of_entity(document: Document[Entity]) -> list[Finding]:
    entity = document.model
    findings: list[Finding] = []
    sum_pct = total(holding.share_pct for holding in entity.holdings)
    if sum_pct > _WHOLE_PCT:
        place = document.place("holdings")
        findings.append(
            finding("holdings-exceed-whole", file=place.file, row=place.row, entity=entity.id, found=plain(sum_pct))
        )
    seen: set[str] = set()
    for i, holding in enumerate(entity.holdings):
        place = document.place("holdings", i, "holder")
        code = "holder-is-itself" if holding.holder == entity.id else "holder-twice" if holding.holder in seen else ""
        if code:
            findings.append(finding(code, file=place.file, row=place.row, entity=entity.id, found=holding.holder))
        seen.add(holding.holder)
    return findings
