"""A site has at most one supply contract at any time."""

from __future__ import annotations

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.intervals import Span, overlaps
from gxmeter.workspace.loaded import Workspace

CODES = ("supply-contracts-overlap",)


def check(workspace: Workspace) -> list[Finding]:
    """Contracts of one site that share days: the factor of that time would not be known."""
    findings: list[Finding] = []
    for document in workspace.site_documents:
        contracts = document.model.contracts
        spans = [(Span(contract.start_ms, contract.end_ms), i) for i, contract in enumerate(contracts)]
        for earlier, later in overlaps(spans):
            place = document.place("contracts", later, "first_day")
            findings.append(
                finding(
                    "supply-contracts-overlap",
                    file=place.file,
                    row=place.row,
                    site=document.model.id,
                    found=contracts[later].id,
                    other=contracts[earlier].id,
                    day=contracts[later].first_day,
                )
            )
    return findings
