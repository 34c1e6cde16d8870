"""What a factor entry says about itself, and its JSON form in a package's ``registry.json``."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from unicodedata import category

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from gxmeter.core.errors import InputError
from gxmeter.core.ids import ID_PATTERN
from gxmeter.core.numbers import parse_decimal
from gxmeter.core.units import unit

SCHEMA = "gxmeter-factors/1"
"""The file format's name; a file with another one is refused."""

FIRST_YEAR, LAST_YEAR = 1950, 2199
"""Fiscal years outside these are slips of the pen."""

_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_MAX_TEXT = 400
_UNSAFE_START = ("=", "+", "-", "@")
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories without a glyph: control and format characters, line separators."""


def _shaped(pattern: str, example: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Text of a pattern; a person who got it wrong is shown the example, an editor's JSON Schema the pattern."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("not_shaped", "", {"expected": example})
        return text

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^{pattern}$"})


def _one_line(text: str) -> str:
    """Texts go into CSV cells: one printable line that no spreadsheet takes for a formula."""
    shape = 0 < len(text) <= _MAX_TEXT and text == text.strip() and not text.startswith(_UNSAFE_START)
    if not shape or any(category(c) in _UNSAFE for c in text):
        expected = f"1 行/line, 1-{_MAX_TEXT} 文字/characters, 先頭は/not first: = + - @"
        raise PydanticCustomError("not_one_line", "", {"expected": expected})
    return text


def _plain(text: str) -> str:
    try:
        parse_decimal(text)
    except InputError:
        raise PydanticCustomError("number_not_plain", "", {"expected": "0.000423"}) from None
    return text


def _known_unit(symbol: str) -> str:
    try:
        unit(symbol)
    except InputError:
        raise PydanticCustomError("unit_unknown", "", {"expected": "t-CO2/kWh"}) from None
    return symbol


def _iso_date(text: str) -> str:
    """A day, or only the month or year where the publisher prints no more."""
    well_formed = _DATE.fullmatch(text) is not None
    try:
        date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        well_formed = False
    if not well_formed:
        raise PydanticCustomError("not_a_date", "", {"expected": "YYYY-MM-DD"})
    return text


Identifier = Annotated[str, *_shaped(rf"(?!.*\.\.){ID_PATTERN}", "A-Z a-z 0-9 . _ -, 1-80")]
Country = Annotated[str, *_shaped("[A-Z]{2}", "JP")]
Text = Annotated[
    str, AfterValidator(_one_line), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": _MAX_TEXT})
]
DecimalText = Annotated[str, AfterValidator(_plain)]
UnitText = Annotated[str, AfterValidator(_known_unit)]
DateText = Annotated[str, AfterValidator(_iso_date)]
Year = Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR)]
Menu = Annotated[str, *_shaped("[A-Za-z0-9]{0,12}", "A")]
Digest = Annotated[str, *_shaped("[0-9a-f]{64}", "SHA-256, 64 x 0-9 a-f")]
Mark = Annotated[str, *_shaped("(※)?", "※")]
Coverage = Annotated[str, *_shaped(r"(-|[0-9]{1,3}(\.[0-9]{1,2})?)?", "94.23")]


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
    """Where a value was read: enough to find it again on paper.

    ``place`` is the page, row, cell or question id; ``obtained_via`` says through whose copy the value came
    and that it was processed; ``sha256`` is the digest of the file it was read from, where there is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    publisher: Text
    title: Text
    place: Text
    published_on: DateText
    url: Text
    obtained_via: Text | None = None
    sha256: Digest | None = None


class FactorEntry(BaseModel):
    """One published number with its unit, four years, edition, source and status.

    The four years: ``actuals_fy`` (measured in), ``applies_to_fy`` (emissions of), ``submission_fy``
    (reported in) and ``edition_on`` (the printed list). A constant has ``valid_from_fy`` and
    ``valid_to_fy`` instead of ``applies_to_fy``; an unset one means no bound is known. Values are never
    edited; a correction is a new entry with ``corrects``. ``menu`` is the menu's letter, also of a residual.
    ``coverage_pct`` is the list's 把握率 [%] as printed, ``-`` included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Identifier
    family: Identifier
    commodity: Identifier
    kind: Kind
    basis: Basis = Basis.NONE
    number: Identifier | None = None
    menu: Menu = ""
    name_ja: Text
    name_en: Text
    country: Country = "JP"
    value: DecimalText
    unit: UnitText
    actuals_fy: Year | None = None
    applies_to_fy: Year | None = None
    submission_fy: Year | None = None
    valid_from_fy: Year | None = None
    valid_to_fy: Year | None = None
    edition_on: DateText
    source: Source
    status: Status
    mark: Mark = ""
    coverage_pct: Coverage = ""
    corrects: Identifier | None = None
    note: Text | None = None

    @property
    def decimal(self) -> Decimal:
        """The value as an exact decimal, in the entry's unit."""
        return parse_decimal(self.value)

    @property
    def supplier(self) -> str:
        """What ``resolve_electricity`` calls the supplier: the number, else the kind (``substitute``)."""
        return self.number or str(self.kind)


def entry_json(entry: FactorEntry) -> dict[str, Any]:
    """The entry as it stands in ``registry.json``: texts, whole years and the source; unset and empty keys left out."""
    document = entry.model_dump(mode="json", exclude_none=True)
    return {key: value for key, value in document.items() if value != ""}
