"""A restart continues an earlier run, never itself in a circle."""

from __future__ import annotations

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.loaded import Workspace

CODES = ("restart-circle",)


def check(workspace: Workspace) -> list[Finding]:
    """Runs whose chain of ``restarts`` comes back to themselves."""
    before = {run.id: run.restarts for run in workspace.runs}
    findings: list[Finding] = []
    for document in workspace.run_documents:
        if _comes_back(document.model.id, before):
            place = document.place("restarts")
            findings.append(finding("restart-circle", file=place.file, row=place.row, found=document.model.id))
    return findings


def _comes_back(run_id: str, before: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    current = before.get(run_id)
    while current is not None and current not in seen:
        if current == run_id:
            return True
        seen.add(current)
        current = before.get(current)
    return False
