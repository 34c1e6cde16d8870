"""``sites/*.yaml``: one place of compute per file."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import ValidationInfo, field_validator

from gxmeter.core.calendar import jst_midnight_ms
from gxmeter.workspace.models.base import OPEN_END, DayPeriod, Declaration, end_of_day_ms, not_before
from gxmeter.workspace.parsing import fault
from gxmeter.workspace.types import (
    Country,
    Day,
    Flag,
    Identifier,
    MaybeText,
    Note,
    Percent,
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


class OffPeriod(DayPeriod):
    """Days on which a device drew no power, and why; it is declared, not measured."""

    reason: Text


class Device(Declaration):
    """Something whose energy is metered; rated power [W] where known.

    Attributes:
        installed_on: its first day at the site; left out: always there.
        removed_on: its last day at the site; left out: still there.
        off: days on which it was switched off.
        metering: of meters of one host: ``whole`` sees all of it; ``share`` sees a part, such as one of two supplies,
            or got its part of one reading, and shares add up; ``beside`` is kept for comparison and never counted.
    """

    id: Identifier
    host: Text
    kind: Text
    name: Text
    rated_w: PositiveNumber | None = None
    installed_on: Day | None = None
    removed_on: Day | None = None
    off: tuple[OffPeriod, ...] = ()
    metering: Literal["whole", "share", "beside"] = "whole"

    @field_validator("removed_on")
    @classmethod
    def _forward(cls, removed_on: date | None, info: ValidationInfo) -> date | None:
        return removed_on if removed_on is None else not_before(removed_on, info.data.get("installed_on"))

    @property
    def start_ms(self) -> int:
        """00:00 JST of its first day [Unix ms], inclusive; the epoch where it was always there."""
        return 0 if self.installed_on is None else jst_midnight_ms(self.installed_on)

    @property
    def end_ms(self) -> int:
        """24:00 JST of its last day [Unix ms], exclusive; a far future where it is still there."""
        return end_of_day_ms(self.removed_on or OPEN_END)


class Site(Declaration):
    """A place where compute stands, and under which arrangement the company holds it.

    Attributes:
        supply_area: the grid area, e.g. ``tokyo``.
        operational_control: for a lease, whether the company controls the hardware's operation.
        overhead_control: for colocation, whether cooling and power losses count as the company's own.
        accounting_share: the part of the site's energy that the company accounts for [ratio, 0..1].
        tolerance_pct: how far accounted energy may lie from a bill or meter [% of it], unless the reading says.
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
    tolerance_pct: Percent | None = None
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
