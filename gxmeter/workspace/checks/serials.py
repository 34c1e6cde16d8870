"""A certificate or credit is used once."""

from __future__ import annotations

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.loaded import Workspace

CODES = ("serials-twice",)


def check(workspace: Workspace) -> list[Finding]:
    """Instruments of one kind that name the same first or last serial: the same paper would count twice."""
    first: dict[tuple[str, str], str] = {}
    findings: list[Finding] = []
    for document in workspace.instrument_documents:
        instrument = document.model
        for key, serial in (("serial_first", instrument.serial_first), ("serial_last", instrument.serial_last)):
            holder = first.setdefault((instrument.kind, serial), document.file)
            if holder != document.file:
                place = document.place(key)
                findings.append(finding("serials-twice", file=place.file, row=place.row, found=serial, other=holder))
    return findings
