"""How far accounted energy may lie from a bill or meter: whose word holds."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from gxmeter.workspace.loaded import Workspace
from gxmeter.workspace.models import MeterReading

WIDEST_PCT = Decimal(5)
"""No tolerance is wider, whatever a workspace calls immaterial [%]: the default of ``materiality_pct`` (ADR 0016)."""


class Tolerance(NamedTuple):
    """A tolerance [% of the reading] and who declares it: ``reading``, ``site`` or ``materiality``."""

    pct: Decimal
    declared_by: str


def widest_pct(materiality_pct: Decimal) -> Decimal:
    """The widest tolerance of a workspace [%]: its materiality, at most :data:`WIDEST_PCT`."""
    return min(materiality_pct, WIDEST_PCT)


def tolerance_of(workspace: Workspace, reading: MeterReading) -> Tolerance:
    """The tolerance of a reading: its own, else its site's, else the widest of the workspace."""
    site = workspace.site(reading.site)
    if reading.tolerance_pct is not None:
        return Tolerance(reading.tolerance_pct, "reading")
    if site is not None and site.tolerance_pct is not None:
        return Tolerance(site.tolerance_pct, "site")
    return Tolerance(widest_pct(workspace.config.materiality_pct), "materiality")
