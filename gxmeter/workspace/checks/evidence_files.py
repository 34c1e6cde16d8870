"""Evidence that is named as a file of the workspace is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.loaded import Place, Workspace

CODES = ("evidence-file-missing",)

_LIKE_A_PATH = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+\.[A-Za-z0-9]{1,5}")
"""Evidence may be free text; only what can be nothing but a relative path is looked for."""


def check(workspace: Workspace) -> list[Finding]:
    """Evidence paths without a file inside the workspace."""
    return [
        finding("evidence-file-missing", file=place.file, row=place.row, found=text)
        for text, place in _references(workspace)
        if _LIKE_A_PATH.fullmatch(text) and workspace.evidence(text) is None
    ]


def _references(workspace: Workspace) -> Iterator[tuple[str, Place]]:
    yield from _of_entities(workspace)
    yield from _of_sites(workspace)
    for run in workspace.run_documents:
        for i, part in enumerate(run.model.declared):
            yield part.source, run.place("declared", i, "source")
    for meter in workspace.meter_documents:
        for i, reading in enumerate(meter.model.readings):
            yield reading.evidence, meter.place("readings", i, "evidence")
            yield reading.explanation_evidence, meter.place("readings", i, "explanation_evidence")
    for instrument in workspace.instrument_documents:
        yield instrument.model.evidence, instrument.place("evidence")


def _of_entities(workspace: Workspace) -> Iterator[tuple[str, Place]]:
    for document in workspace.entity_documents:
        entity = document.model
        for i, holding in enumerate(entity.holdings):
            yield holding.evidence, document.place("holdings", i, "evidence")
        for i, certification in enumerate(entity.certifications):
            yield certification.evidence, document.place("certifications", i, "evidence")
        for i, fact in enumerate(entity.facts):
            yield fact.evidence, document.place("facts", i, "evidence")


def _of_sites(workspace: Workspace) -> Iterator[tuple[str, Place]]:
    for document in workspace.site_documents:
        site = document.model
        yield site.direct_sources_evidence, document.place("direct_sources_evidence")
        for i, period in enumerate(site.pue):
            yield period.source, document.place("pue", i, "source")
        for i, contract in enumerate(site.contracts):
            yield contract.evidence, document.place("contracts", i, "evidence")
