"""An id names one thing in the whole workspace."""

from __future__ import annotations

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.loaded import Place, Workspace
from gxmeter.workspace.names import IDS, names_in

CODES = ("id-taken-twice",)


def check(workspace: Workspace) -> list[Finding]:
    """Ids (per kind) that are declared more than once, also within one roadmap or entity."""
    first: dict[tuple[str, str], Place] = {}
    findings: list[Finding] = []
    for kind, name, place in (*_plain_ids(workspace), *_composed_ids(workspace), *_inner_ids(workspace)):
        earlier = first.setdefault((kind, name), place)
        if earlier is not place:
            at = f"{earlier.file}:{earlier.row}"
            findings.append(finding("id-taken-twice", file=place.file, row=place.row, kind=kind, found=name, first=at))
    return findings


def _plain_ids(workspace: Workspace) -> list[tuple[str, str, Place]]:
    """Ids that are unique by themselves, those of faulty files included."""
    return [
        (found.kind, found.name, Place(source.file, found.row))
        for source in workspace.texts
        for found in names_in(source.text, IDS.get(source.kind, {}))
    ]


def _composed_ids(workspace: Workspace) -> list[tuple[str, str, Place]]:
    """Devices within their site, versions within their roadmap."""
    return [entry for entry in workspace.declared_ids if entry[0] in {"device", "roadmap"}]


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
