"""``entities/*.yaml``: one legal entity per file."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from gxmeter.workspace.models.base import Declaration
from gxmeter.workspace.parsing import fault
from gxmeter.workspace.types import Country, Day, Identifier, Note, Percent, Text

EntityKind = Literal["reporting", "holder", "other"]
Relation = Literal["subsidiary", "joint-control", "associate", "fixed-asset-investment"]


class Holding(Declaration):
    """Who holds this entity: share [%] and the relation that decides consolidation (a declared judgement)."""

    holder: Identifier
    share_pct: Percent
    relation: Relation
    evidence: Text


class Certification(Declaration):
    """A social certification, held as a fact."""

    kind: Literal["eruboshi", "kurumin", "other"]
    level: Text
    obtained_on: Day
    evidence: Text


class Fact(Declaration):
    """A statement about the entity in two languages."""

    id: Identifier
    ja: Note
    en: Note
    evidence: Text


class Entity(Declaration):
    """A legal entity: the reporting company, a holder, or another one."""

    id: Identifier
    name_ja: Text
    name_en: Text
    kind: EntityKind
    registered_on: Day | None = Field(default=None, validate_default=True)
    country: Country = "JP"
    holdings: tuple[Holding, ...] = ()
    certifications: tuple[Certification, ...] = ()
    facts: tuple[Fact, ...] = ()
    note_ja: Note = ""
    note_en: Note = ""

    @field_validator("registered_on")
    @classmethod
    def _known_for_the_reporting_entity(cls, registered_on: date | None, info: ValidationInfo) -> date | None:
        if registered_on is None and info.data.get("kind") == "reporting":
            raise fault("registration-missing")
        return registered_on
