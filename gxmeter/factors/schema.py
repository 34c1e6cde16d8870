"""The JSON Schema of factor files, made from the entry model so that editor and loader cannot disagree."""

from __future__ import annotations

from typing import Any

from gxmeter.factors.expand import COLUMNS, YEAR_KEYS
from gxmeter.factors.model import FIRST_YEAR, LAST_YEAR, SCHEMA, FactorEntry

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER_PATTERN = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
_DECIMAL = {"type": ["string", "number"], "pattern": _NUMBER_PATTERN, "description": "Plain decimal, as published."}


def factors_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a ``gxmeter-factors/1`` file.

    No key but ``id`` is required of an entry, because ``defaults`` may hold it; the loader knows the rest.
    """
    model = FactorEntry.model_json_schema()
    properties = {key: _optional(body) for key, body in model["properties"].items()}
    properties |= dict.fromkeys(("value", *COLUMNS), _DECIMAL)
    properties |= {key: {"type": "integer", "minimum": FIRST_YEAR, "maximum": LAST_YEAR} for key in YEAR_KEYS}
    source = {**model["$defs"]["Source"], "required": []}
    source["properties"] = {key: _optional(body) for key, body in source["properties"].items()}
    only_in_entry = {"id", "value", "corrects", *COLUMNS}
    defaults = {key: body for key, body in properties.items() if key not in only_in_entry}
    return {
        "$schema": _DIALECT,
        "title": "gxmeter factor file",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema", "entries"],
        "properties": {
            "schema": {"const": SCHEMA},
            "defaults": {"type": "object", "additionalProperties": False, "properties": defaults},
            "entries": {"type": "array", "items": {"$ref": "#/$defs/Entry"}},
        },
        "$defs": {
            **{name: body for name, body in model["$defs"].items() if name != "Source"},
            "Source": source,
            "Entry": {
                "type": "object",
                "description": FactorEntry.__doc__,
                "additionalProperties": False,
                "required": ["id"],
                "properties": properties,
            },
        },
    }


def _optional(body: dict[str, Any]) -> dict[str, Any]:
    """A key may be left out but not be null, so the null alternative and the default go."""
    choices = [choice for choice in body.get("anyOf", [body]) if choice != {"type": "null"}]
    return {key: value for key, value in choices[0].items() if key not in {"default", "title"}}
