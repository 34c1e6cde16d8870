"""No run bears the id that stands for no run."""

from __future__ import annotations

from gxmeter.core.findings import Finding, finding
from gxmeter.core.ids import IDLE_RUN
from gxmeter.workspace.loaded import Workspace

CODES = ("run-id-reserved",)


def check(workspace: Workspace) -> list[Finding]:
    """Declared runs whose id means energy outside any run (ADR 0016): they would never be counted."""
    idle = [document for document in workspace.run_documents if document.model.id == IDLE_RUN]
    return [finding("run-id-reserved", file=d.file, row=d.place("id").row, found=d.model.id) for d in idle]
