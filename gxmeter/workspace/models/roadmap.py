"""``roadmap/*.yaml``: one version of the reduction roadmap per file."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from gxmeter.workspace.models.base import Declaration
from gxmeter.workspace.parsing import fault
from gxmeter.workspace.types import Count, Day, Identifier, MaybeText, Note, Number, Sha256, Text, UnitSymbol, Year, Yen

SCHEMA = "gxmeter-roadmap/1"


class BaseFigure(Declaration):
    """A figure of the base year."""

    measure: Identifier
    value: Number
    unit: UnitSymbol


class Base(Declaration):
    """The base year and its figures, or the statement that there is none, with the reason."""

    kind: Literal["year", "no-data"]
    fy: Year | None = Field(default=None, validate_default=True)
    figures: tuple[BaseFigure, ...] = Field(default=(), validate_default=True)
    reason_ja: MaybeText = Field(default="", validate_default=True)
    reason_en: MaybeText = Field(default="", validate_default=True)

    @field_validator("fy", "figures")
    @classmethod
    def _of_a_year(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - either field's type
        if not value and info.data.get("kind") == "year":
            raise fault("roadmap-base-incomplete", found=info.field_name, expected="year")
        return value

    @field_validator("reason_ja", "reason_en")
    @classmethod
    def _of_no_data(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.data.get("kind") == "no-data":
            raise fault("roadmap-base-incomplete", found=info.field_name, expected="no-data")
        return value


class Target(Declaration):
    """What a figure shall be in a fiscal year; ``measure`` is a figure id such as ``scope2_market_domestic_t``."""

    id: Identifier
    measure: Identifier
    fy: Year
    value: Number
    unit: UnitSymbol


class Effect(Declaration):
    """What a measure is expected to change in a fiscal year."""

    fy: Year
    value: Number
    unit: UnitSymbol


class Measure(Declaration):
    """Something that will be done; ``cost_jpy`` [JPY]."""

    id: Identifier
    title_ja: Text
    title_en: Text
    effect: tuple[Effect, ...] = ()
    cost_jpy: Yen | None = None


class Approval(Declaration):
    """The board's decision on exactly this content, by digest."""

    body: Text
    approved_on: Day
    resolution_id: Text
    agenda_item: Text
    minutes_sha256: Sha256
    content_sha256: Sha256


class Roadmap(Declaration):
    """One version of the roadmap."""

    schema_id: Literal["gxmeter-roadmap/1"] = Field(alias="schema")
    id: Identifier
    version: Count
    entity: Identifier
    base: Base
    targets: tuple[Target, ...]
    measures: tuple[Measure, ...] = ()
    note_ja: Note = ""
    note_en: Note = ""
    approval: Approval | None = None
