"""What the JSON objects of a package hold, key by key (package.md, "Tables" and after): small checks, put together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gxmeter.core.calendar import instant, parse_instant
from gxmeter.core.errors import InputError
from gxmeter.core.ids import is_id
from gxmeter.core.numbers import parse_decimal
from gxmeter.evidence.statement import FINAL, INTERIM, NOT_YET_VERIFIED, SCHEMA

Check = Callable[[object], bool]
"""Whether a JSON value is of a kind."""

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,59})")
_FIRST_FY, _LAST_FY = 1970, 9000
"""Fiscal years that a calendar can compute with."""


def is_text(value: object) -> bool:
    """Any text."""
    return isinstance(value, str)


def is_name(value: object) -> bool:
    """An identifier."""
    return isinstance(value, str) and is_id(value)


def is_integer(value: object) -> bool:
    """A JSON integer; ``true`` is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_flag(value: object) -> bool:
    """``true`` or ``false``."""
    return isinstance(value, bool)


def is_whole(value: object) -> bool:
    """An integer in a text."""
    return isinstance(value, str) and bool(_WHOLE.fullmatch(value)) and value != "-0"


def is_decimal(value: object) -> bool:
    """A plain decimal in a text."""
    try:
        return isinstance(value, str) and parse_decimal(value) is not None
    except InputError:
        return False


def is_instant(value: object) -> bool:
    """An instant in its one form."""
    try:
        return isinstance(value, str) and instant(parse_instant(value)) == value
    except InputError:
        return False


def is_year(value: object) -> bool:
    """A fiscal year."""
    return isinstance(value, int) and is_integer(value) and _FIRST_FY <= value <= _LAST_FY


def one_of(*words: str) -> Check:
    """One of some words."""
    return lambda value: isinstance(value, str) and value in words


def optional(check: Check) -> Check:
    """A kind, or null."""
    return lambda value: value is None or check(value)


def each(check: Check) -> Check:
    """A list of a kind."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def counts(value: object) -> bool:
    """An object of integers; which keys it must have is step 2's ``count-mismatch``."""
    return isinstance(value, dict) and all(map(is_integer, value.values()))


def is_object(value: object) -> bool:
    """Any object."""
    return isinstance(value, dict)


def shaped(keys: Mapping[str, Check]) -> Check:
    """An object of exactly these keys."""
    return lambda value: not wrong_keys(value, keys)


def wrong_keys(value: object, keys: Mapping[str, Check]) -> list[str]:
    """The keys that are missing, too many or of another kind; ``-`` where the value is no object."""
    if not isinstance(value, dict):
        return ["-"]
    return sorted(key for key in keys.keys() | value.keys() if key not in keys or not _holds(value, key, keys[key]))


def _holds(value: Mapping[str, object], key: str, check: Check) -> bool:
    return key in value and check(value[key])


STATEMENT: Mapping[str, Check] = {
    "schema": one_of(SCHEMA),
    "report_id": is_name,
    "sequence": is_integer,
    "supersedes": optional(is_name),
    "entity_id": is_name,
    "entity_name_ja": is_text,
    "entity_name_en": is_text,
    "programme": optional(
        shaped({"id": is_name, "name_ja": is_text, "name_en": is_text, "call_text": one_of("public", "not-public")})
    ),
    "illustrative": is_flag,
    "fy": is_year,
    "period_start": is_instant,
    "period_end": is_instant,
    "as_of": is_instant,
    "kind": one_of(INTERIM, FINAL),
    "provisional": is_flag,
    "roadmap": shaped({"roadmap_id": is_name, "version": is_integer, "state": is_text, "content_sha256": is_text}),
    "third_party_verification": one_of(NOT_YET_VERIFIED),
    "materiality_pct": is_decimal,
    "gap_limit_s": optional(is_integer),
    "counts": counts,
    "tool": shaped({"name": is_text, "version": is_text}),
}
"""Keys of statement.json."""

HEADER: Mapping[str, Check] = {
    "run_id": is_name,
    "site_id": is_name,
    "evidence": each(is_name),
    "start": is_instant,
    "end": is_instant,
    "records": is_integer,
    "clean_end": optional(is_flag),
    "sensors": each(shaped({"name": is_text, "version": is_text})),
    "devices": each(
        shaped(
            {
                "device_id": is_name,
                "method": is_text,
                "rows": is_integer,
                "energy_half_uj": is_whole,
                "covered_ms": is_integer,
            }
        )
    ),
    "gaps": each(shaped({"device_id": is_name, "start": is_instant, "end": is_instant})),
}
"""Keys of an object in run_headers.jsonl."""

TARGET: Mapping[str, Check] = {
    "id": is_name,
    "measure": is_text,
    "fy": is_integer,
    "value": is_decimal,
    "unit": is_text,
}
ROADMAP: Mapping[str, Check] = {
    "roadmap_id": is_name,
    "version": is_integer,
    "entity_id": is_name,
    "base": is_object,
    "targets": each(shaped(TARGET)),
    "measures": each(is_object),
}
"""Keys of roadmap.json and of its targets."""

APPROVAL: Mapping[str, Check] = {
    "roadmap_id": is_name,
    "version": is_integer,
    "body": is_text,
    "approved_on": is_text,
    "resolution_id": is_text,
    "agenda_item": is_text,
    "minutes_sha256": is_text,
    "content_sha256": is_text,
}
"""Keys of an object in approvals.jsonl."""

REGISTRY: Mapping[str, Check] = {"schema": is_text, "entries": lambda value: isinstance(value, list)}
"""Keys of registry.json; its entries are read by the factor room."""
