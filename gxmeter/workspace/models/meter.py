"""``meters/*.yaml``: bills and facility meter readings to reconcile with."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import ValidationInfo, field_validator

from gxmeter.core.calendar import jst_midnight_ms
from gxmeter.workspace.models.base import Declaration, end_of_day_ms, not_before
from gxmeter.workspace.types import Day, Identifier, NonNegativeNumber, Note, Text


class MeterReading(Declaration):
    """Energy of a site over whole days [kWh], both days included; ``kind``: bill or meter."""

    id: Identifier
    site: Identifier
    kind: Literal["bill", "meter"]
    first_day: Day
    last_day: Day
    energy_kwh: NonNegativeNumber
    evidence: Text

    @field_validator("last_day")
    @classmethod
    def _forward(cls, last_day: date, info: ValidationInfo) -> date:
        return not_before(last_day, info.data.get("first_day"))

    @property
    def start_ms(self) -> int:
        """00:00 JST of the first day [Unix ms], inclusive."""
        return jst_midnight_ms(self.first_day)

    @property
    def end_ms(self) -> int:
        """24:00 JST of the last day [Unix ms], exclusive."""
        return end_of_day_ms(self.last_day)


class MeterFile(Declaration):
    """A file of readings."""

    readings: tuple[MeterReading, ...]
    note_ja: Note = ""
    note_en: Note = ""
