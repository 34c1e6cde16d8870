"""The parts of a run lie inside its stated time."""

from __future__ import annotations

from gxmeter.core.calendar import instant
from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.loaded import Workspace

CODES = ("part-outside-run",)


def check(workspace: Workspace) -> list[Finding]:
    """Declared parts that begin before or end after the run's own ``start`` and ``end``."""
    findings: list[Finding] = []
    for document in workspace.run_documents:
        run = document.model
        for i, part in enumerate(run.declared):
            early = run.start is not None and part.start < run.start
            late = run.end is not None and part.end > run.end
            if early or late:
                place = document.place("declared", i, "start" if early else "end")
                findings.append(
                    finding(
                        "part-outside-run",
                        file=place.file,
                        row=place.row,
                        run=run.id,
                        found=part.id,
                        moment=instant(part.start if early else part.end),
                    )
                )
    return findings
