"""The constrained types of the models: a parser each, and how an editor's JSON Schema describes it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from gxmeter.core.ids import ID_PATTERN
from gxmeter.workspace.parsing import (
    FIRST_YEAR,
    HEX_64,
    LAST_YEAR,
    MAX_NOTE,
    MAX_TEXT,
    RATIO_DIGITS,
    SHARE_DIGITS,
    TWO_CAPITALS,
    april,
    big_integer,
    boolean,
    day,
    decimal,
    decimal_within,
    identifier,
    instant_ms,
    integer_within,
    matching,
    maybe_empty,
    note,
    one_line,
    supplier_menu,
    unit_symbol,
)


def _text_schema(pattern: str | None = None, **more: object) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", **more}
    return WithJsonSchema({**schema, "pattern": pattern} if pattern else schema)


_TEXT_KINDS = ["string", "number", "boolean"]
"""What an editor may take an unquoted text for (``agenda_item: 4``); gxmeter reads it as text."""


def _number_schema(pattern: str, kind: str = "number", **more: object) -> WithJsonSchema:
    """A number as an editor sees it, or the same as text; the pattern binds the text form."""
    return WithJsonSchema({"type": [kind, "string"], "pattern": pattern, **more})


_INSTANT_PATTERN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$"
_DECIMAL_PATTERN = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
_UNSIGNED_PATTERN = r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"
_ZERO, _ONE, _HUNDRED = Decimal(0), Decimal(1), Decimal(100)

Identifier = Annotated[str, PlainValidator(identifier), _text_schema(f"^{ID_PATTERN}$", type=_TEXT_KINDS)]
Text = Annotated[str, PlainValidator(one_line), _text_schema(minLength=1, maxLength=MAX_TEXT, type=_TEXT_KINDS)]
MaybeText = Annotated[str, PlainValidator(maybe_empty), _text_schema(maxLength=MAX_TEXT, type=_TEXT_KINDS)]
Note = Annotated[str, PlainValidator(note), _text_schema(maxLength=MAX_NOTE)]
Number = Annotated[Decimal, PlainValidator(decimal), _number_schema(_DECIMAL_PATTERN)]
PositiveNumber = Annotated[
    Decimal,
    PlainValidator(decimal_within("declaration-number-not-positive", _ZERO, None, open_low=True)),
    _number_schema(_UNSIGNED_PATTERN, exclusiveMinimum=0),
]
NonNegativeNumber = Annotated[
    Decimal,
    PlainValidator(decimal_within("declaration-number-negative", _ZERO, None, open_low=False)),
    _number_schema(_UNSIGNED_PATTERN, minimum=0),
]
Ratio = Annotated[
    Decimal,
    PlainValidator(decimal_within("overhead-below-one", _ONE, None, open_low=False, digits=RATIO_DIGITS)),
    _number_schema(_UNSIGNED_PATTERN, minimum=1),
]
Pue = Annotated[
    Decimal,
    PlainValidator(decimal_within("pue-below-one", _ONE, None, open_low=False, digits=RATIO_DIGITS)),
    _number_schema(_UNSIGNED_PATTERN, minimum=1),
]
Share = Annotated[
    Decimal,
    PlainValidator(decimal_within("declaration-share-range", _ZERO, _ONE, open_low=True, digits=SHARE_DIGITS)),
    _number_schema(_UNSIGNED_PATTERN, exclusiveMinimum=0, maximum=1),
]
Percent = Annotated[
    Decimal,
    PlainValidator(decimal_within("declaration-percent-range", _ZERO, _HUNDRED, open_low=True, digits=SHARE_DIGITS)),
    _number_schema(_UNSIGNED_PATTERN, exclusiveMinimum=0, maximum=100),
]
Count = Annotated[
    int, PlainValidator(integer_within(1, 10**7 - 1)), _number_schema("^[1-9][0-9]{0,6}$", "integer", minimum=1)
]
Yen = Annotated[
    int, PlainValidator(integer_within(0, 10**15 - 1)), _number_schema("^(0|[1-9][0-9]{0,14})$", "integer", minimum=0)
]
Year = Annotated[
    int,
    PlainValidator(integer_within(FIRST_YEAR, LAST_YEAR - 1)),
    _number_schema("^[0-9]{4}$", "integer", minimum=FIRST_YEAR, maximum=LAST_YEAR - 1),
]
MonthOfStart = Annotated[int, PlainValidator(april), WithJsonSchema({"enum": [4, "4"]})]
SupplierMenu = Annotated[str, PlainValidator(supplier_menu), _text_schema("^(residual|whole|[A-Za-z0-9]{1,8})?$")]
GapLimit = Annotated[
    int,
    PlainValidator(integer_within(1, 1800)),
    _number_schema("^[1-9][0-9]{0,3}$", "integer", minimum=1, maximum=1800),
]
BigInteger = Annotated[
    int, PlainValidator(big_integer), _number_schema(r"^[1-9][0-9]*(\.[0-9]+)?([eE]\+?[0-9]{1,2})?$")
]
Flag = Annotated[bool, PlainValidator(boolean), WithJsonSchema({"enum": [True, False, "true", "false"]})]
Day = Annotated[date, PlainValidator(day), _text_schema(r"^\d{4}-\d{2}-\d{2}$", format="date")]
InstantMs = Annotated[int, PlainValidator(instant_ms), _text_schema(_INSTANT_PATTERN, format="date-time")]
UnitSymbol = Annotated[str, PlainValidator(unit_symbol), _text_schema(minLength=1)]
Sha256 = Annotated[str, PlainValidator(matching(HEX_64, "declaration-digest")), _text_schema("^[0-9a-f]{64}$")]
Country = Annotated[str, PlainValidator(matching(TWO_CAPITALS, "declaration-country")), _text_schema("^[A-Z]{2}$")]
