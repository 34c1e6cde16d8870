"""A run is in one place at a time."""

from __future__ import annotations

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.intervals import Span
from gxmeter.workspace.loaded import Document, Place, Workspace
from gxmeter.workspace.models import Run

CODES = ("run-in-two-places",)


def check(workspace: Workspace) -> list[Finding]:
    """Parts of one run (and, for a measured one, its own period) at two sites that share time.

    Each later part is told once, against the one elsewhere that lasts longest.
    """
    findings: list[Finding] = []
    for document in workspace.run_documents:
        longest: list[tuple[int, str]] = []
        for span, site, place in sorted(_stays(document), key=lambda stay: stay[0]):
            other = next((where for end_ms, where in longest if where != site and end_ms > span.start_ms), None)
            if other is not None:
                findings.append(
                    finding(
                        "run-in-two-places",
                        file=place.file,
                        row=place.row,
                        run=document.model.id,
                        found=site,
                        other=other,
                    )
                )
            longest = _two_longest([*longest, (span.end_ms, site)])
    return findings


def _two_longest(stays: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The latest end and the latest end at another site: enough to judge every later part."""
    first, *rest = sorted(stays, reverse=True)
    return [first, *[stay for stay in rest if stay[1] != first[1]][:1]]


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
