"""The published JSON Schema accepts what the loader accepts and names the same keys."""

import jsonschema
import pytest
import yaml

from gxmeter.core.resources import data_folder
from gxmeter.factors import factors_schema
from gxmeter.factors.model import FactorEntry


class _TextDates(yaml.SafeLoader):
    """An editor's view of YAML, with dates left as text as JSON has none."""


_TextDates.yaml_implicit_resolvers = {
    key: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for key, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
FILES = [path for path in sorted(data_folder("factors").rglob("*.yaml")) if path.name != "family.yaml"]


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(factors_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_shipped_files_keep_it(path):
    document = yaml.load(path.read_text("utf-8"), Loader=_TextDates)
    jsonschema.Draft202012Validator(factors_schema()).validate(document)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"entries": []},
        {"schema": "gxmeter-factors/9", "entries": []},
        {"schema": "gxmeter-factors/1", "entries": [{}]},
        {"schema": "gxmeter-factors/1", "entries": [{"id": "x", "colour": "green"}]},
        {"schema": "gxmeter-factors/1", "entries": [{"id": "x", "corrects": None}]},
        {"schema": "gxmeter-factors/1", "entries": [{"id": "a b"}]},
        {"schema": "gxmeter-factors/1", "entries": [{"id": "x", "source": {"page": "3"}}]},
        {"schema": "gxmeter-factors/1", "defaults": {"value": "1"}, "entries": []},
        {"schema": "gxmeter-factors/1", "entries": [{"id": "x", "value": "4e-4"}]},
    ],
)
def test_it_refuses_what_the_loader_refuses(spoilt):
    assert not jsonschema.Draft202012Validator(factors_schema()).is_valid(spoilt)


def test_it_knows_every_key():
    keys = set(factors_schema()["$defs"]["Entry"]["properties"])
    assert keys == {*FactorEntry.model_fields, "basic", "adjusted", "unadjusted"}
