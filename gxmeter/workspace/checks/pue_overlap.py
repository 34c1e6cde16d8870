"""A site has at most one PUE at any time."""

from __future__ import annotations

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.intervals import Span, overlaps
from gxmeter.workspace.loaded import Workspace

CODES = ("pue-periods-overlap",)


def check(workspace: Workspace) -> list[Finding]:
    """PUE periods of one site that share days: the PUE would be applied twice or at will."""
    findings: list[Finding] = []
    for document in workspace.site_documents:
        periods = document.model.pue
        spans = [(Span(period.start_ms, period.end_ms), i) for i, period in enumerate(periods)]
        for earlier, later in overlaps(spans):
            place = document.place("pue", later, "first_day")
            findings.append(
                finding(
                    "pue-periods-overlap",
                    file=place.file,
                    row=place.row,
                    site=document.model.id,
                    found=periods[later].first_day,
                    other=periods[earlier].first_day,
                )
            )
    return findings
