"""``gxmeter.yaml``: who reports, for which programme, by which general settings."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from gxmeter.workspace.models.base import Declaration
from gxmeter.workspace.parsing import fault
from gxmeter.workspace.types import Flag, GapLimit, Identifier, MonthOfStart, Note, Percent, Text, Year

SCHEMA = "gxmeter-workspace/1"


class Organisation(Declaration):
    """Which entity reports."""

    reporting_entity: Identifier


class Programme(Declaration):
    """The programme the report is for; ``call_text``: whether the call's exact text is public."""

    id: Identifier
    name_ja: Text
    name_en: Text
    first_fy: Year
    last_fy: Year
    call_text: Literal["public", "not-public"] = "not-public"

    @field_validator("last_fy")
    @classmethod
    def _forward(cls, last_fy: int, info: ValidationInfo) -> int:
        first = info.data.get("first_fy")
        if first is not None and last_fy < first:
            raise fault("period-reversed", found=last_fy, expected=first)
        return last_fy


class FiscalCalendar(Declaration):
    """The reporting year; every figure so far is of the Japanese year from April."""

    first_month: MonthOfStart = 4


class Config(Declaration):
    """The workspace's own file.

    Attributes:
        gap_limit_s: longest time between two samples that is integrated [s]; left out: set per device.
        materiality_pct: threshold below which a deviation is immaterial [%].
        illustrative: the numbers are invented (a scenario, an example).
    """

    schema_id: Literal["gxmeter-workspace/1"] = Field(alias="schema")
    organisation: Organisation
    programme: Programme | None = None
    languages: tuple[Literal["ja", "en"], ...] = ("ja", "en")
    fiscal_calendar: FiscalCalendar = FiscalCalendar()
    gap_limit_s: GapLimit | None = None
    materiality_pct: Percent = Decimal(5)
    illustrative: Flag = False
    note_ja: Note = ""
    note_en: Note = ""
