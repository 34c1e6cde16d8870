"""A part of a run is declared once."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

from gxmeter.core.findings import Finding, finding
from gxmeter.workspace.intervals import Span, overlaps
from gxmeter.workspace.loaded import Document, Workspace
from gxmeter.workspace.models import DeclaredPart, Run

CODES = ("part-twice",)

_W_PER_KW = 1000


def check(workspace: Workspace) -> list[Finding]:
    """Parts of one run at one site with the same quantity of energy over shared time: perhaps one part, typed twice."""
    return [item for document in workspace.run_documents for item in _of_run(document)]


def _of_run(document: Document[Run]) -> list[Finding]:
    parts = document.model.declared
    alike: dict[tuple[str, Fraction], list[tuple[Span, int]]] = defaultdict(list)
    for i, part in enumerate(parts):
        if energy_kwh := _energy_kwh(part):  # nothing counts twice where there is nothing
            alike[part.site, energy_kwh].append((Span(part.start, part.end), i))
    findings: list[Finding] = []
    for spans in alike.values():
        for earlier, later in overlaps(spans):
            place = document.place("declared", later, "id")
            findings.append(
                finding(
                    "part-twice",
                    file=place.file,
                    row=place.row,
                    run=document.model.id,
                    found=parts[later].id,
                    other=parts[earlier].id,
                )
            )
    return findings


def _energy_kwh(part: DeclaredPart) -> Fraction:
    """The declared quantity [kWh], however it was given; exact, so that equal quantities are equal."""
    if part.energy_kwh is not None:
        return Fraction(part.energy_kwh)
    return Fraction(part.total_device_hours or 0) * Fraction(part.power_w or 0) / _W_PER_KW
