"""No day of a site stands on two bills or meter readings."""

from __future__ import annotations

from collections import defaultdict

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.intervals import Span, overlaps
from gxmeter.workspace.loaded import Place, Workspace
from gxmeter.workspace.models import MeterReading

CODES = ("readings-overlap",)


def check(workspace: Workspace) -> list[Finding]:
    """Readings of one site that share days: what the runs leave over would be counted twice."""
    by_site: dict[str, list[tuple[Span, tuple[MeterReading, Place]]]] = defaultdict(list)
    for document in workspace.meter_documents:
        for i, reading in enumerate(document.model.readings):
            span = Span(reading.start_ms, reading.end_ms)
            by_site[reading.site].append((span, (reading, document.place("readings", i, "first_day"))))
    findings: list[Finding] = []
    for site in sorted(by_site):
        for (earlier, _), (later, place) in overlaps(by_site[site]):
            findings.append(
                finding("readings-overlap", file=place.file, row=place.row, site=site, found=later.id, other=earlier.id)
            )
    return findings
