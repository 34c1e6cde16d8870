"""Families: which kinds, units and calendar the entries of one folder have (``family.yaml``).

A family is data, so a new commodity or country adds a folder and no Python.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gxmeter.core.findings import Finding, finding
from gxmeter.factors.faults import Origin, model_faults
from gxmeter.factors.model import Country, DecimalText, Identifier, Kind, Text, UnitText
from gxmeter.factors.nodes import Listing, Node, Scalar, Table, read_nodes

FAMILY_SCHEMA = "gxmeter-factor-family/1"
FAMILY_FILE = "family.yaml"

_STRICT = ConfigDict(frozen=True, extra="forbid")
YearsLater = Annotated[int, Field(ge=0, le=3)]


class Calendar(BaseModel):
    """How many years after the actuals a factor applies to emissions, and is reported [years]."""

    model_config = _STRICT

    applies_to: YearsLater
    submission: YearsLater


class UnitRule(BaseModel):
    """A unit that values may have, and the range outside which a value is a slip (kg for t)."""

    model_config = _STRICT

    unit: UnitText
    lowest: DecimalText | None = None
    highest: DecimalText | None = None


class Commodity(BaseModel):
    """What entries of the family are about, e.g. ``electricity``, with the kinds and units allowed."""

    model_config = _STRICT

    id: Identifier
    kinds: tuple[Kind, ...]
    units: tuple[UnitRule, ...]


class Family(BaseModel):
    """The rules that the entries of one family in one country keep."""

    model_config = _STRICT

    schema_name: Literal["gxmeter-factor-family/1"] = Field(alias="schema")
    id: Identifier
    country: Country
    name_ja: Text
    name_en: Text
    calendar: Calendar | None = None
    commodities: tuple[Commodity, ...]


def read_family(data: bytes, file: str) -> tuple[Family | None, list[Finding]]:
    """Read a ``family.yaml``; None with findings if it has faults."""
    node, findings = read_nodes(data, file)
    if node is None or findings:
        return None, findings
    if not isinstance(node, Table):
        return None, [finding("factors-shape-wrong", file=file, row=node.row, key=FAMILY_FILE, expected="key: value")]
    try:
        return Family.model_validate(_plain(node)), []
    except ValidationError as error:
        return None, list(model_faults(error, Family, Origin(file, node.row, node.rows)))


def family_of(families: Iterable[Family], family: str, country: str) -> Family | None:
    """The family's rules for a country; another country's without its calendar; None if nobody knows the family."""
    same = [item for item in families if item.id == family]
    for item in same:
        if item.country == country:
            return item
    return same[0].model_copy(update={"calendar": None}) if same else None


def _plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Listing):
        return [_plain(item) for item in node.items]
    return {key: _plain(item) for key, item in node.items.items()}
