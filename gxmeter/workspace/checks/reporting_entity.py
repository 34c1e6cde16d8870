"""Exactly one entity reports, and it is the one that ``gxmeter.yaml`` names."""

from __future__ import annotations

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.loaded import Workspace

CODES = ("reporting-entity-missing", "reporting-entity-twice", "reporting-entity-other")


def check(workspace: Workspace) -> list[Finding]:
    """No reporting entity, several, or another one than the workspace's."""
    named = workspace.config.organisation.reporting_entity
    reporting = [document for document in workspace.entity_documents if document.model.kind == "reporting"]
    if not reporting:
        if workspace.left_out.get("entity"):
            return []  # the entity may stand in a file whose faults are told already
        place = workspace.config_document.place("organisation", "reporting_entity")
        return [finding("reporting-entity-missing", file=place.file, row=place.row, found=named)]
    findings: list[Finding] = []
    for document in reporting[1:]:
        place = document.place("kind")
        other = reporting[0].model.id
        findings.append(
            finding("reporting-entity-twice", file=place.file, row=place.row, found=document.model.id, other=other)
        )
    if len(reporting) == 1 and reporting[0].model.id != named:
        place = workspace.config_document.place("organisation", "reporting_entity")
        expected = reporting[0].model.id
        findings.append(
            finding("reporting-entity-other", file=place.file, row=place.row, found=named, expected=expected)
        )
    return findings
