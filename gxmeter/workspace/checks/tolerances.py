"""A reading's tolerance lets nothing pass that the workspace calls material."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from gxmeter.core.findings import Finding, finding
from gxmeter.core.numbers import plain
from gxmeter.workspace.loaded import Place, Workspace
from gxmeter.workspace.tolerance import widest_pct

CODES = ("tolerance-above-materiality",)


def check(workspace: Workspace) -> list[Finding]:
    """Tolerances of sites and readings above the widest that there may be."""
    widest = widest_pct(workspace.config.materiality_pct)
    return [
        finding(
            "tolerance-above-materiality",
            file=place.file,
            row=place.row,
            expected=plain(widest),
            found=plain(tolerance),
            name=name,
        )
        for name, tolerance, place in _declared(workspace)
        if tolerance is not None and tolerance > widest
    ]


def _declared(workspace: Workspace) -> Iterator[tuple[str, Decimal | None, Place]]:
    for site in workspace.site_documents:
        yield site.model.id, site.model.tolerance_pct, site.place("tolerance_pct")
    for meter in workspace.meter_documents:
        for i, reading in enumerate(meter.model.readings):
            yield reading.id, reading.tolerance_pct, meter.place("readings", i, "tolerance_pct")
