"""The published JSON Schemas are those of the models, and take what the loader takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gxmeter.workspace.init import TEMPLATE
from gxmeter.workspace.schema import FOLDER, schema_bytes, schemas, write_schemas

BASE = Path(__file__).parent / "cases" / "_base"
KIND_OF = {
    "entities": "entity",
    "sites": "site",
    "runs": "run",
    "meters": "meter",
    "instruments": "instrument",
    "roadmap": "roadmap",
    "factors": "factors",
}


def schema_of(path: Path) -> dict[str, Any]:
    kind = "gxmeter" if path.name == "gxmeter.yaml" else KIND_OF[path.parent.name]
    return schemas()[f"{kind}.schema.json"]


class EditorLoader(yaml.SafeLoader):
    """YAML as an editor sees it: numbers and booleans are values, dates are texts."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if not tag.endswith("timestamp")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def as_seen_by(loader: type, path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), Loader=loader)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_published_schema_is_fresh(name: str) -> None:
    assert (FOLDER / name).read_bytes() == schema_bytes(schemas()[name]), "run: python -m gxmeter.workspace.schema"


def test_nothing_else_is_published() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.json")) == sorted(schemas())


@pytest.mark.parametrize("name", sorted(schemas()))
def test_schema_is_valid_and_closed(name: str) -> None:
    schema = schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    for definition in (schema, *schema.get("$defs", {}).values()):
        if definition.get("type") == "object":
            assert definition["additionalProperties"] is False


@pytest.mark.parametrize(
    "path",
    [*sorted(BASE.rglob("*.yaml")), *sorted(TEMPLATE.rglob("*.yaml")), *sorted(TEMPLATE.rglob("*.example"))],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_good_files_fit_their_schema(path: Path) -> None:
    jsonschema.validate(as_seen_by(EditorLoader, path), schema_of(path))
    if path.parent.name != "factors":  # the factor room publishes the editor's view only
        jsonschema.validate(as_seen_by(yaml.BaseLoader, path), schema_of(path))


def test_an_unknown_key_does_not_fit() -> None:
    bank = as_seen_by(EditorLoader, BASE / "entities/bank.yaml") | {"nmae": "x"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bank, schemas()["entity.schema.json"])


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write_schemas(tmp_path / "a")]
    assert first == [path.read_bytes() for path in write_schemas(tmp_path / "b")]
