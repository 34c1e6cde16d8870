"""Whatever a declaration refers to is declared."""

from __future__ import annotations

import difflib
from collections import defaultdict

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.loaded import Workspace
from gxmeter.workspace.names import IDS, REFERENCES, Name, names_in

CODES = ("reference-unknown",)

_FEW = 10
_FOLDER_OF = {"entity": "entities", "site": "sites", "run": "runs", "contract": "sites"}


def check(workspace: Workspace) -> list[Finding]:
    """References to entities, sites, contracts and runs that no file declares; faulty files count on both sides.

    What a file that could not even be parsed might have declared is not called unknown: its own finding is enough.
    """
    known = _known(workspace)
    parsed = {source.file for source in workspace.texts}
    site_unparsed = any(
        item.file not in parsed for item in workspace.findings if (item.file or "").startswith("sites/")
    )
    findings: list[Finding] = []
    for source in workspace.texts:
        for name in names_in(source.text, REFERENCES.get(source.kind, {})):
            unsure = name.kind == "contract" and site_unparsed
            if name.name not in known[name.kind] and not unsure:
                findings.append(_unknown(name, source.file, sorted(known[name.kind])))
    return findings


def _known(workspace: Workspace) -> dict[str, set[str]]:
    known: dict[str, set[str]] = defaultdict(set)
    for kind, names in workspace.left_out.items():
        known[kind] |= names
    for source in workspace.texts:
        for name in names_in(source.text, IDS.get(source.kind, {})):
            known[name.kind].add(name.name)
    return known


def _unknown(name: Name, file: str, names: list[str]) -> Finding:
    close = difflib.get_close_matches(name.name[:80], names, n=3) or names[:_FEW]
    return finding(
        "reference-unknown",
        file=file,
        row=name.row,
        key=name.key,
        found=name.name,
        expected=" | ".join(close) or "-",
        folder=_FOLDER_OF[name.kind],
    )
