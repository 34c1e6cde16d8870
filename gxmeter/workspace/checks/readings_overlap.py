"""No day of a site stands on two bills or two meter readings; a bill and a meter of the same days are compared."""

from __future__ import annotations

from collections import defaultdict

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.intervals import Span, overlaps
from gxmeter.workspace.loaded import Place, Workspace
from gxmeter.workspace.models import MeterReading

CODES = ("readings-overlap",)


def check(workspace: Workspace) -> list[Finding]:
    """Readings of one site that share days: what the runs leave over would be counted twice.

    A facility meter of exactly the days of a bill is no second count: it stands beside the bill and is compared.
    """
    billed = {
        (reading.site, reading.start_ms, reading.end_ms) for reading in workspace.meters if reading.kind == "bill"
    }
    compared: set[tuple[str, int, int]] = set()
    by_site: dict[str, list[tuple[Span, tuple[MeterReading, Place]]]] = defaultdict(list)
    for document in workspace.meter_documents:
        for i, reading in enumerate(document.model.readings):
            span = Span(reading.start_ms, reading.end_ms)
            days = (reading.site, *span)
            if reading.kind == "meter" and days in billed - compared:
                compared.add(days)
                continue
            by_site[reading.site].append((span, (reading, document.place("readings", i, "first_day"))))
    findings: list[Finding] = []
    for site in sorted(by_site):
        for (earlier, _), (later, place) in overlaps(by_site[site]):
            findings.append(
                finding("readings-overlap", file=place.file, row=place.row, site=site, found=later.id, other=earlier.id)
            )
    return findings
