"""``meters/*.yaml``: bills and facility meter readings to reconcile with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import ValidationInfo, field_validator

from gxmeter.core.calendar import jst_midnight_ms
from gxmeter.workspace.models.base import Declaration, end_of_day_ms, not_before
from gxmeter.workspace.parsing import fault
from gxmeter.workspace.types import Day, Identifier, MaybeText, NonNegativeNumber, Note, Number, Percent, Text


class MeterReading(Declaration):
    """Energy of a site over whole days [kWh], both days included; ``kind``: bill or meter.

    Attributes:
        tolerance_pct: how far the accounted energy may lie from the reading [% of the reading]; left out: the site's,
            else the workspace's materiality.
        explanation_ja, explanation_en: why the reading differs from what is accounted.
        explained_kwh: how much of the difference (reading less accounted energy) that explains [kWh]; negative where
            the reading is the smaller, e.g. beside own generation.
        explanation_evidence: what shows it.
    """

    id: Identifier
    site: Identifier
    kind: Literal["bill", "meter"]
    first_day: Day
    last_day: Day
    energy_kwh: NonNegativeNumber
    evidence: Text
    tolerance_pct: Percent | None = None
    explanation_ja: Note = ""
    explanation_en: Note = ""
    explanation_evidence: MaybeText = ""
    explained_kwh: Number | None = None

    @field_validator("explained_kwh")
    @classmethod
    def _explained_in_words(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        """An amount explains nothing; a text that is malformed is already reported."""
        texts = [info.data.get(key) for key in ("explanation_ja", "explanation_en")]
        if value is not None and texts == ["", ""]:
            raise fault("explanation-missing")
        return value

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
