"""An id names one thing in the whole workspace."""

from __future__ import annotations

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.loaded import Place, Workspace

CODES = ("id-taken-twice",)


def check(workspace: Workspace) -> list[Finding]:
    """Ids (per kind) that are declared more than once, also within one roadmap or entity."""
    first: dict[tuple[str, str], Place] = {}
    findings: list[Finding] = []
    for kind, name, place in (*workspace.declared_ids, *_inner_ids(workspace)):
        earlier = first.setdefault((kind, name), place)
        if earlier is not place:
            at = f"{earlier.file}:{earlier.row}"
            findings.append(finding("id-taken-twice", file=place.file, row=place.row, kind=kind, found=name, first=at))
    return findings


def _inner_ids(workspace: Workspace) -> list[tuple[str, str, Place]]:
    """Ids that need to be unique inside their file only: targets, measures, facts."""
    found: list[tuple[str, str, Place]] = []
    for roadmap in workspace.roadmap_documents:
        model = roadmap.model
        found += [
            ("target " + roadmap.file, item.id, roadmap.place("targets", i, "id"))
            for i, item in enumerate(model.targets)
        ]
        found += [
            ("measure " + roadmap.file, item.id, roadmap.place("measures", i, "id"))
            for i, item in enumerate(model.measures)
        ]
    for entity in workspace.entity_documents:
        found += [
            ("fact " + entity.file, fact.id, entity.place("facts", i, "id"))
            for i, fact in enumerate(entity.model.facts)
        ]
    return found
