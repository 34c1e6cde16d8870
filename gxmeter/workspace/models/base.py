"""What all declarations share: the frozen model and periods of days.

Rules that span two keys are written as validators of the *later* key, so that they run even when
another key of the same mapping is wrong: all faults come at once, each with its own line.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator

from gxmeter.core.calendar import jst_midnight_ms
from gxmeter.workspace.parsing import LAST_YEAR, fault
from gxmeter.workspace.types import Day

OPEN_END = date(LAST_YEAR, 12, 31)
"""The last day of a period whose end is left open; far away, still a slot edge."""


class Declaration(BaseModel):
    """Base of every mapping in a declaration file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    @model_validator(mode="before")
    @classmethod
    def _blank_means_left_out(cls, data: Any) -> Any:  # noqa: ANN401 - anything may stand in a file
        """Drop known keys without a value (``last_day:``); unknown ones stay, to be refused."""
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if value is not None or key not in known}


def not_before(end: date, start: date | None) -> date:
    """The later day of a pair, or the fault ``period-reversed``."""
    if start is not None and end < start:
        raise fault("period-reversed", found=end.isoformat(), expected=start.isoformat())
    return end


class DayPeriod(Declaration):
    """A period of whole days in Japan, both days included; without ``last_day`` its end is open."""

    first_day: Day
    last_day: Day | None = None

    @field_validator("last_day")
    @classmethod
    def _forward(cls, last_day: date | None, info: ValidationInfo) -> date | None:
        return last_day if last_day is None else not_before(last_day, info.data.get("first_day"))

    @property
    def start_ms(self) -> int:
        """00:00 JST of the first day [Unix ms], inclusive."""
        return jst_midnight_ms(self.first_day)

    @property
    def end_ms(self) -> int:
        """24:00 JST of the last day [Unix ms], exclusive; a far future where the end is open."""
        return end_of_day_ms(self.last_day or OPEN_END)


def end_of_day_ms(day: date) -> int:
    """24:00 JST of a calendar day [Unix ms]; always a slot edge."""
    return jst_midnight_ms(day + timedelta(days=1))
