"""Runs all checks over a loaded workspace."""

from __future__ import annotations

from gxmeter.core.findings import Finding, ordered
from gxmeter.workspace.checks import all_checks
from gxmeter.workspace.loaded import Workspace


def run_checks(workspace: Workspace) -> list[Finding]:
    """Everything that is wrong or remarkable in the declarations: must first, then by file and line.

    The faults of single files come from loading, those that span files from ``checks/``.
    """
    findings = list(workspace.findings)
    for check in all_checks():
        findings += check.run(workspace)
    return ordered(findings)
