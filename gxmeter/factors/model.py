"""What a factor entry says about itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, field_validator

from gxmeter.core.ids import ID_PATTERN
from gxmeter.core.numbers import parse_decimal
from gxmeter.core.units import unit

SCHEMA = "gxmeter-factors/1"

Identifier = Annotated[str, StringConstraints(pattern=f"^{ID_PATTERN}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]


def _plain(text: str) -> str:
    parse_decimal(text)
    return text


def _known_unit(symbol: str) -> str:
    unit(symbol)
    return symbol


DecimalText = Annotated[str, AfterValidator(_plain)]
UnitText = Annotated[str, AfterValidator(_known_unit)]


class Status(StrEnum):
    """How sure an entry is; only ``confirmed`` resolves for a report.

    ``illustrative`` entries stand in a workspace's scenario only, never in the registry.
    """

    CONFIRMED = "confirmed"
    SECONDARY = "secondary"
    UNCONFIRMED = "unconfirmed"
    SUSPECT = "suspect"
    WITHDRAWN = "withdrawn"
    ILLUSTRATIVE = "illustrative"


class Kind(StrEnum):
    """What an electricity entry is a factor of; other commodities use ``constant``."""

    NATIONAL_AVERAGE = "national-average"
    SUBSTITUTE = "substitute"
    MENU = "menu"
    RESIDUAL = "residual"
    WHOLE = "whole"
    SINGLE = "single"
    OPERATOR = "operator"
    CONSTANT = "constant"


class Basis(StrEnum):
    """Which of the list's columns a value comes from; ``none`` where the list knows no columns."""

    BASIC = "basic"
    ADJUSTED = "adjusted"
    UNADJUSTED = "unadjusted"
    NONE = "none"


class Source(BaseModel):
    """Where a value was read: enough to find it again on paper."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    publisher: Text
    title: Text
    place: Text
    """Page, row, cell or question id."""
    published_on: Text
    url: Text
    obtained_via: Text | None = None
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None = None


class FactorEntry(BaseModel):
    """One published number with its unit, four years, edition, source and status.

    The four years: ``actuals_fy`` (measured in), ``applies_to_fy`` (emissions of), ``submission_fy``
    (reported in) and ``edition_on`` (the printed list). A constant has ``valid_from_fy`` and
    ``valid_to_fy`` instead of ``applies_to_fy``. Values are never edited; a correction is a new entry
    with ``corrects``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Identifier
    family: Identifier
    commodity: Identifier
    kind: Kind
    basis: Basis = Basis.NONE
    number: Identifier | None = None
    menu: str = ""
    name_ja: Text
    name_en: Text
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] = "JP"
    value: DecimalText
    unit: UnitText
    actuals_fy: int | None = None
    applies_to_fy: int | None = None
    submission_fy: int | None = None
    valid_from_fy: int | None = None
    valid_to_fy: int | None = None
    edition_on: date
    source: Source
    status: Status
    mark: str = ""
    corrects: Identifier | None = None
    note: str = ""

    @field_validator("edition_on", mode="before")
    @classmethod
    def _date_text(cls, value: object) -> object:
        return date.fromisoformat(value) if isinstance(value, str) else value

    @property
    def decimal(self) -> Decimal:
        """The value as an exact decimal, in the entry's unit."""
        return parse_decimal(self.value)
