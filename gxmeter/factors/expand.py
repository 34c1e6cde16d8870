"""From a factor file's nodes to entries: defaults merged in, short electricity rows opened into one entry per value.

A short row has ``basic`` and ``adjusted`` (and ``unadjusted``) in place of ``basis`` and ``value``; it becomes
one entry for each, with the column's name behind the id: ``jp.elec.a0269.M.fy2024`` gives
``jp.elec.a0269.M.fy2024.basic`` and ``jp.elec.a0269.M.fy2024.adjusted``. ``corrects`` is extended alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from gxmeter.core.findings import Finding, finding
from gxmeter.factors.faults import Origin, model_faults
from gxmeter.factors.model import SCHEMA, FactorEntry
from gxmeter.factors.nodes import Listing, Node, Scalar, Table, read_nodes

COLUMNS = ("basic", "adjusted", "unadjusted")
"""Keys of a short row, one for each column of the list."""
YEAR_KEYS = ("actuals_fy", "applies_to_fy", "submission_fy", "valid_from_fy", "valid_to_fy")

_TOP_KEYS = ("schema", "defaults", "entries")
_ONLY_IN_ENTRY = ("id", "value", "corrects", *COLUMNS)
_DEFAULT_KEYS = tuple(key for key in FactorEntry.model_fields if key not in _ONLY_IN_ENTRY)
_YEAR = re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry and where it was written."""

    entry: FactorEntry
    origin: Origin


@dataclass(slots=True)
class _Raw:
    """Keys and values of one item with the line of each key; a source's keys are ``source.url`` in ``rows``."""

    row: int
    values: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


def read_entries(data: bytes, file: str) -> tuple[list[Placed], list[Finding]]:
    """Read one factor file.

    Args:
        data: the file's bytes.
        file: the name that findings carry.

    Returns:
        The entries without fault, and every fault of the others.
    """
    node, findings = read_nodes(data, file)
    if node is None:
        return [], findings
    if not isinstance(node, Table):
        return [], [*findings, finding("factors-shape-wrong", file=file, row=node.row, key=file, expected="key: value")]
    findings += _top_faults(node, file)
    defaults, faults = _defaults(node, file)
    findings += faults
    entries = node.items.get("entries")
    if not isinstance(entries, Listing):
        if "entries" not in node.rows or entries is not None:
            row = node.rows.get("entries", node.row)
            findings.append(finding("factors-shape-wrong", file=file, row=row, key="entries", expected="- id: ..."))
        return [], findings
    placed: list[Placed] = []
    for item in entries.items:
        good, faults = _item(item, defaults, file)
        placed += good
        findings += faults
    return placed, findings


def _top_faults(node: Table, file: str) -> Iterator[Finding]:
    schema = node.items.get("schema")
    found = schema.text if isinstance(schema, Scalar) else None
    if found != SCHEMA:
        row = node.rows.get("schema", node.row)
        yield finding("factors-schema-unknown", file=file, row=row, expected=SCHEMA, found=found or "-")
    for key in node.rows:
        if key not in _TOP_KEYS:
            expected = ", ".join(_TOP_KEYS)
            yield finding("factors-key-unknown", file=file, row=node.rows[key], key=key, expected=expected, found=key)


def _defaults(node: Table, file: str) -> tuple[_Raw, list[Finding]]:
    table = node.items.get("defaults", Table(node.row))
    if not isinstance(table, Table):
        row = node.rows["defaults"]
        fault = finding("factors-shape-wrong", file=file, row=row, key="defaults", expected="key: value")
        return _Raw(node.row), [fault]
    known = Table(table.row, {}, {})
    findings = []
    for key, row in table.rows.items():
        if key in _DEFAULT_KEYS:
            known.rows[key] = row
            if key in table.items:
                known.items[key] = table.items[key]
        else:
            expected = ", ".join(_DEFAULT_KEYS)
            findings.append(
                finding("factors-key-unknown", file=file, row=row, key=f"defaults.{key}", expected=expected, found=key)
            )
    return _raw(known), findings


def _raw(table: Table) -> _Raw:
    raw = _Raw(table.row, {}, dict(table.rows))
    for key, node in table.items.items():
        raw.values[key] = _value(node)
        if isinstance(node, Table):
            raw.rows |= {f"{key}.{inner}": row for inner, row in node.rows.items()}
    return raw


def _value(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Table):
        return {key: _value(item) for key, item in node.items.items()}
    return list(node.items)


def _merged(defaults: _Raw, own: _Raw) -> _Raw:
    """The item's own keys before the defaults'; a source is merged key by key."""
    values = {**defaults.values, **own.values}
    sources = [raw.values.get("source") for raw in (defaults, own)]
    if all(isinstance(source, dict) for source in sources):
        values["source"] = {**sources[0], **sources[1]}  # type: ignore[dict-item]
    return _Raw(own.row, values, {**defaults.rows, **own.rows})


def _item(node: Node, defaults: _Raw, file: str) -> tuple[list[Placed], list[Finding]]:
    if not isinstance(node, Table):
        return [], [finding("factors-shape-wrong", file=file, row=node.row, key="entries", expected="- id: ...")]
    raw = _merged(defaults, _raw(node))
    columns = [column for column in COLUMNS if column in raw.rows]
    mixed = [key for key in ("value", "basis") if columns and key in raw.rows]
    if mixed:
        origin = Origin(file, raw.row, raw.rows)
        return [], [origin.fault("factors-row-mixed", key, expected=", ".join(columns)) for key in mixed]
    placed: list[Placed] = []
    findings: list[Finding] = []
    for values, origin in _variants(raw, columns, file):
        entry, faults = _entry(values, origin)
        findings += faults
        if entry is not None:
            placed.append(Placed(entry, origin))
    return placed, findings


def _entry(values: dict[str, Any], origin: Origin) -> tuple[FactorEntry | None, list[Finding]]:
    faults = list(_year_faults(values, origin))
    try:
        entry = FactorEntry.model_validate(values)
    except ValidationError as error:
        return None, [*faults, *model_faults(error, FactorEntry, origin)]
    return (None if faults else entry), faults


def _variants(raw: _Raw, columns: list[str], file: str) -> Iterator[tuple[dict[str, Any], Origin]]:
    """The item itself, or one variant for each column of a short row."""
    if not columns:
        yield raw.values, Origin(file, raw.row, raw.rows)
    for column in columns:
        values = {key: value for key, value in raw.values.items() if key not in COLUMNS}
        if column in raw.values:
            values |= {"basis": column, "value": raw.values[column]}
        for key in ("id", "corrects"):
            if isinstance(values.get(key), str):
                values[key] = f"{values[key]}.{column}"
        yield values, Origin(file, raw.row, raw.rows, {"value": column, "basis": column})


def _year_faults(values: dict[str, Any], origin: Origin) -> Iterator[Finding]:
    """Turn the year texts into whole numbers; what is none is taken out and reported."""
    for key in YEAR_KEYS:
        text = values.get(key)
        if isinstance(text, str):
            if _YEAR.fullmatch(text):
                values[key] = int(text)
            else:
                del values[key]
                yield origin.fault("factors-value-not-allowed", key, expected="2024", found=text)
