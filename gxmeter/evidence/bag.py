"""The outer form: BagIt 1.0 (RFC 8493) manifests and the Frictionless description of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gxmeter.core.canonical import canonical_json
from gxmeter.core.files import sha256_bytes
from gxmeter.evidence.columns import Column
from gxmeter.evidence.layout import TABLES

BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
MANIFEST = "manifest-sha256.txt"
TAGMANIFEST = "tagmanifest-sha256.txt"
_TYPES = {
    "text": "string",
    "integer": "integer",
    "decimal": "number",
    "printed": "number",
    "instant": "string",
    "boolean": "boolean",
}
_INSTANT_PATTERN = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z"


def manifest(files: Mapping[str, bytes]) -> bytes:
    """``<sha256>  <path>`` per file, sorted by path, as ``sha256sum -c`` reads it."""
    lines = [f"{sha256_bytes(data)}  {path}\n" for path, data in sorted(files.items())]
    return "".join(lines).encode()


def bag_info(payload: Mapping[str, bytes], report_id: str, organisation: str) -> bytes:
    """``bag-info.txt``: report id, reporting entity, Payload-Oxum (octets.files); no wall clock."""
    octets = sum(len(data) for data in payload.values())
    rows = {
        "External-Identifier": report_id,
        "Payload-Oxum": f"{octets}.{len(payload)}",
        "Source-Organization": organisation,
    }
    return "".join(f"{key}: {value}\n" for key, value in rows.items()).encode()


def datapackage(payload: Mapping[str, bytes], report_id: str) -> bytes:
    """``datapackage.json``: every CSV with column types, keys, bytes and digest (Frictionless Data Package)."""
    resources = [
        {
            "name": table.name.replace("_", "-"),
            "path": f"data/{table.path}",
            "profile": "tabular-data-resource",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "bytes": len(payload[f"data/{table.path}"]),
            "hash": f"sha256:{sha256_bytes(payload[f'data/{table.path}'])}",
            "schema": {
                "fields": [_field(column) for column in table.columns],
                "primaryKey": list(table.key),
                "missingValues": [""],
            },
        }
        for table in TABLES
    ]
    document: dict[str, Any] = {
        "profile": "tabular-data-package",
        "name": report_id.lower(),
        "id": report_id,
        "resources": resources,
    }
    return canonical_json(document) + b"\n"


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": _TYPES[column.kind]}
    constraints: dict[str, Any] = {} if column.optional else {"required": True}
    if column.kind == "instant":
        constraints["pattern"] = _INSTANT_PATTERN
    if constraints:
        field["constraints"] = constraints
    return field
