"""Whatever a declaration refers to is declared."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.loaded import Place, Workspace

CODES = ("reference-unknown",)

_FEW = 10
_FOLDER_OF = {"entity": "entities", "site": "sites", "run": "runs", "contract": "sites"}


class Reference(NamedTuple):
    """A key that names something declared elsewhere."""

    kind: str
    name: str
    key: str
    place: Place


def check(workspace: Workspace) -> list[Finding]:
    """References to entities, sites, contracts and runs that are declared nowhere.

    What a file with faults would have declared is not called unknown: that file's own finding is enough.
    """
    known = {kind: set(workspace.ids(kind)) | set(workspace.left_out.get(kind, ())) for kind in _FOLDER_OF}
    contracts_uncertain = bool(workspace.left_out.get("site"))
    findings: list[Finding] = []
    for reference in _references(workspace):
        if reference.name in known[reference.kind]:
            continue
        if reference.kind == "contract" and contracts_uncertain:
            continue
        findings.append(_unknown(reference, sorted(known[reference.kind])))
    return findings


def _unknown(reference: Reference, names: list[str]) -> Finding:
    close = difflib.get_close_matches(reference.name, names, n=3) or names[:_FEW]
    return finding(
        "reference-unknown",
        file=reference.place.file,
        row=reference.place.row,
        key=reference.key,
        found=reference.name,
        expected=" | ".join(close) or "-",
        folder=_FOLDER_OF[reference.kind],
    )


def _references(workspace: Workspace) -> Iterator[Reference]:
    config = workspace.config_document
    key = "reporting_entity"
    yield Reference("entity", config.model.organisation.reporting_entity, key, config.place("organisation", key))
    for entity in workspace.entity_documents:
        for i, holding in enumerate(entity.model.holdings):
            yield Reference("entity", holding.holder, "holder", entity.place("holdings", i, "holder"))
    for site in workspace.site_documents:
        yield Reference("entity", site.model.entity, "entity", site.place("entity"))
    yield from _of_runs(workspace)
    for meter in workspace.meter_documents:
        for i, reading in enumerate(meter.model.readings):
            yield Reference("site", reading.site, "site", meter.place("readings", i, "site"))
    for instrument in workspace.instrument_documents:
        if instrument.model.contract is not None:
            yield Reference("contract", instrument.model.contract, "contract", instrument.place("contract"))
    for roadmap in workspace.roadmap_documents:
        yield Reference("entity", roadmap.model.entity, "entity", roadmap.place("entity"))


def _of_runs(workspace: Workspace) -> Iterator[Reference]:
    for run in workspace.run_documents:
        if run.model.site is not None:
            yield Reference("site", run.model.site, "site", run.place("site"))
        if run.model.restarts is not None:
            yield Reference("run", run.model.restarts, "restarts", run.place("restarts"))
        for i, part in enumerate(run.model.declared):
            yield Reference("site", part.site, "site", run.place("declared", i, "site"))
