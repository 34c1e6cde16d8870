"""The published JSON Schemas of all workspace files, made from the models themselves.

``python -m gxmeter.workspace.schema`` writes them to ``docs/schema/``; a test says when they are stale.
A schema tells an editor what the shape of a file is. Rules that span keys or files (an end before its
start, an unknown site) are for ``gxmeter check``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gxmeter.core.files import write_atomically
from gxmeter.factors.schema import factors_schema
from gxmeter.workspace.models import (
    Config,
    Declaration,
    Entity,
    ImportedTelemetry,
    Instrument,
    MeterFile,
    Roadmap,
    Run,
    Site,
)

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "schema"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS: dict[str, tuple[str, type[Declaration]]] = {
    "gxmeter": ("gxmeter.yaml", Config),
    "entity": ("entities/*.yaml", Entity),
    "site": ("sites/*.yaml", Site),
    "run": ("runs/*.yaml", Run),
    "meter": ("meters/*.yaml", MeterFile),
    "instrument": ("instruments/*.yaml", Instrument),
    "roadmap": ("roadmap/*.yaml", Roadmap),
    "import": ("telemetry/imported/*/import.yaml", ImportedTelemetry),
}


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> JSON Schema (2020-12), for every kind of workspace file."""
    found = {f"{name}.schema.json": _schema(name, *entry) for name, entry in _MODELS.items()}
    return found | {"factors.schema.json": factors_schema()}


def schema_bytes(schema: dict[str, Any]) -> bytes:
    """A schema as it is published."""
    return (json.dumps(schema, ensure_ascii=False, indent=2) + "\n").encode()


def write_schemas(folder: Path = FOLDER) -> list[Path]:
    """Write all schemas; returns their paths."""
    paths: list[Path] = []
    for name, schema in sorted(schemas().items()):
        write_atomically(folder / name, schema_bytes(schema))
        paths.append(folder / name)
    return paths


def _schema(name: str, files: str, model: type[Declaration]) -> dict[str, Any]:
    body = _without_titles(model.model_json_schema())
    return {"$schema": _DIALECT, "$id": f"urn:gxmeter:schema:{name}:1", "title": f"gxmeter {files}", **body}


def _without_titles(node: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The schema without the titles that only repeat the keys; a property named ``title`` would be a mapping."""
    if isinstance(node, dict):
        return {key: _without_titles(value) for key, value in node.items() if key != "title" or isinstance(value, dict)}
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    return node


if __name__ == "__main__":
    write_schemas()
