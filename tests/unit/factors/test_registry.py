"""The registry's one JSON form: it goes out and comes back the same, and anything else is refused."""

import copy
import json

import pytest

from gxmeter.core.canonical import canonical_json
from gxmeter.core.errors import InputError
from gxmeter.core.files import sha256_bytes
from gxmeter.factors import Registry, entry_from_json, entry_json, load_registry


@pytest.fixture
def document(registry):
    return json.loads(registry.to_bytes())


def faults(document):
    with pytest.raises(InputError) as caught:
        Registry.from_json(document)
    return [(item.code, item.row) for item in caught.value.findings]


def test_it_goes_out_and_comes_back_the_same(registry, document):
    again = Registry.from_json(document)
    assert again == registry
    assert again.sha256 == registry.sha256 == sha256_bytes(canonical_json(document))


def test_two_loads_give_the_same_bytes(registry):
    assert load_registry().to_bytes() == registry.to_bytes()


def test_an_entry_has_texts_and_whole_years_only(registry):
    for entry in registry.entries:
        document = entry_json(entry)
        assert entry_from_json(document) == entry
        flat = {**document, **document.pop("source")}
        assert all(isinstance(value, str | int) and value != "" for key, value in flat.items() if key != "source")
    assert "menu" not in entry_json(registry.by_id("jp.elec.national-average.fy2024"))


@pytest.mark.parametrize("found", [None, [], {}, {"schema": "gxmeter-registry/2", "entries": []}])
def test_a_document_of_another_kind_is_refused(found):
    assert faults(found) == [("factors-schema-unknown", None)]


@pytest.mark.parametrize("more", [{"entries": {}}, {"entries": [], "note": ""}, {}])
def test_a_document_of_another_shape_is_refused(more):
    assert faults({"schema": "gxmeter-registry/1", **more}) == [("factors-shape-wrong", None)]


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("value", "4e-4", "factors-number-not-plain"),
        ("value", 0.000452, "factors-value-not-allowed"),
        ("actuals_fy", "2024", "factors-value-not-allowed"),
        ("actuals_fy", True, "factors-value-not-allowed"),
        ("actuals_fy", 1868, "factors-value-not-allowed"),
        ("actuals_fy", 2868, "factors-value-not-allowed"),
        ("edition_on", "2026-02-30", "factors-value-not-allowed"),
        ("edition_on", "20260204", "factors-value-not-allowed"),
        ("menu", "", "factors-not-canonical"),
        ("note", None, "factors-not-canonical"),
        ("name_en", "two\nlines", "factors-value-not-allowed"),
        ("name_en", "", "factors-value-not-allowed"),
        ("colour", "green", "factors-key-unknown"),
    ],
)
def test_an_entry_of_another_form_is_refused(document, key, value, code):
    document["entries"][2][key] = value
    assert faults(document) == [(code, 3)]


def test_all_faults_come_at_once(document):
    spoilt = copy.deepcopy(document)
    del spoilt["entries"][0]["source"]
    del spoilt["entries"][1]["value"]
    spoilt["entries"][3] = spoilt["entries"][2]
    spoilt["entries"][5] = "x"
    assert faults(spoilt) == [
        ("factors-source-missing", 1),
        ("factors-key-missing", 2),
        ("factors-not-sorted", 4),
        ("factors-value-not-allowed", 6),
    ]


def test_an_unknown_id_has_no_entry(registry):
    assert registry.by_id("jp.elec.none") is None
    assert registry.electricity("JP", "none") == ()
