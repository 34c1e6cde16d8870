"""A run is in one place at a time."""

from __future__ import annotations

from itertools import combinations

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.intervals import Span
from gxmeter.workspace.loaded import Document, Place, Workspace
from gxmeter.workspace.models import Run

CODES = ("run-in-two-places",)


def check(workspace: Workspace) -> list[Finding]:
    """Parts of one run (and, for a measured one, its own period) at two sites that share time.

    Each later part is told once, against the first one that it meets.
    """
    findings: list[Finding] = []
    for document in workspace.run_documents:
        told: set[int] = set()
        stays = sorted(_stays(document), key=lambda stay: stay[0])
        for (i, first), (j, second) in combinations(enumerate(stays), 2):
            together = second[0].start_ms < first[0].end_ms and first[0].start_ms < second[0].end_ms
            if j in told or first[1] == second[1] or not together:
                continue
            told.add(j)
            place = second[2]
            findings.append(
                finding(
                    "run-in-two-places",
                    file=place.file,
                    row=place.row,
                    run=document.model.id,
                    found=second[1],
                    other=stays[i][1],
                )
            )
    return findings


def _stays(document: Document[Run]) -> list[tuple[Span, str, Place]]:
    """When the run is where, and the line that says so."""
    run = document.model
    stays = [
        (Span(part.start, part.end), part.site, document.place("declared", i, "site"))
        for i, part in enumerate(run.declared)
    ]
    if run.site is not None and run.start is not None and run.end is not None:
        stays.append((Span(run.start, run.end), run.site, document.place("site")))
    return stays
