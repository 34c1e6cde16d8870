"""``sites/*.yaml``: one place of compute per file."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import ValidationInfo, field_validator

from gxmeter.workspace.models.base import DayPeriod, Declaration
from gxmeter.workspace.parsing import fault
from gxmeter.workspace.types import (
    Country,
    Flag,
    Identifier,
    MaybeText,
    Note,
    PositiveNumber,
    Pue,
    Ratio,
    Share,
    SupplierMenu,
    Text,
)

Arrangement = Literal["owned", "colocation", "lease", "cloud", "allocation"]
SourceClass = Literal["measured", "contract", "declared"]


class Overhead(Declaration):
    """A ratio of one step outwards [ratio, >= 1], with where it comes from."""

    ratio: Ratio
    source_class: SourceClass
    source: Text


class Overheads(Declaration):
    """``node``: node over its metered devices; ``it``: all IT over the nodes. Left out = not known."""

    node: Overhead | None = None
    it: Overhead | None = None


class PuePeriod(DayPeriod):
    """Power usage effectiveness over a period [ratio, >= 1]: facility energy over IT energy."""

    value: Pue
    source_class: SourceClass
    source: Text


class Contract(DayPeriod):
    """An electricity supply contract: supplier number (or ``substitute``) and menu."""

    id: Identifier
    supplier: Identifier
    menu: SupplierMenu = ""
    evidence: Text


class Device(Declaration):
    """Something whose energy is metered; rated power [W] where known."""

    id: Identifier
    host: Text
    kind: Text
    name: Text
    rated_w: PositiveNumber | None = None


class Site(Declaration):
    """A place where compute stands, and under which arrangement the company holds it.

    Attributes:
        supply_area: the grid area, e.g. ``tokyo``.
        operational_control: for a lease, whether the company controls the hardware's operation.
        overhead_control: for colocation, whether cooling and power losses count as the company's own.
        accounting_share: the part of the site's energy that the company accounts for [ratio, 0..1].
        direct_sources: ``none`` is a declaration (no fuel, no refrigerant) and needs its evidence.
    """

    id: Identifier
    name_ja: Text
    name_en: Text
    country: Country
    place_ja: MaybeText = ""
    place_en: MaybeText = ""
    supply_area: Text
    entity: Identifier
    arrangement: Arrangement
    operational_control: Flag = False
    overhead_control: Flag = False
    accounting_share: Share = Decimal(1)
    overheads: Overheads = Overheads()
    pue: tuple[PuePeriod, ...] = ()
    direct_sources_evidence: MaybeText = ""
    direct_sources: Literal["none", "not-assessed"] = "not-assessed"
    contracts: tuple[Contract, ...] = ()
    devices: tuple[Device, ...] = ()
    note_ja: Note = ""
    note_en: Note = ""

    @field_validator("direct_sources")
    @classmethod
    def _absence_needs_evidence(cls, value: str, info: ValidationInfo) -> str:
        if value == "none" and info.data.get("direct_sources_evidence") == "":
            raise fault("absence-without-evidence")
        return value
