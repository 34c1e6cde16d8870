"""JSON by the file rules: what is accepted can be written as canonical JSON, all else is one finding."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.canonical import canonical_json
from gxmeter.core.errors import InputError
from gxmeter.evidence.verify import strictjson
from gxmeter.evidence.verify.strictjson import MAX_DEPTH, strict_json

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)

awkward = st.text(st.sampled_from('{}[]",:\\ud800123e.-nulltruefalse \n'), max_size=40).map(str.encode)


@given(values)
def test_canonical_json_is_read_back(value: object) -> None:
    assert strict_json(canonical_json(value), "f") == value


@given(
    st.binary(max_size=60)
    | st.text(st.sampled_from('{}[]",:\\ud800123e.-nulltruefalse \n'), max_size=40).map(str.encode)
)
def test_anything_else_is_refused_and_nothing_crashes(data: bytes) -> None:
    try:
        value = strict_json(data, "f", 3)
    except InputError as error:
        assert [(f.code, f.file, f.row) for f in error.findings] == [("json-malformed", "f", 3)]  # noqa: PT017
    else:
        canonical_json(value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xef\xbb\xbf{}",
        b"\xff",
        b"{} x",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b"1.0",
        b"1e3",
        b"NaN",
        b"-Infinity",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_has_no_one_meaning_is_refused(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        strict_json(data, "f")
    assert caught.value.code == "json-malformed"


def test_what_only_looks_deep_or_strange_is_read() -> None:
    assert strict_json(b'"' + b"[" * 1000 + b'\\"' + b"{" * 1000 + b'"', "f") == "[" * 1000 + '"' + "{" * 1000
    assert strict_json(b'"\\ud83d\\ude00"', "f") == "\U0001f600"
    assert strict_json(b"9007199254740991", "f") == 2**53 - 1
    nested: object = 1
    for _ in range(MAX_DEPTH):
        nested = [nested]
    assert strict_json(json.dumps(nested).encode(), "f") == nested


@pytest.mark.parametrize("data", [b'"' + b'\\"' * 200_000, b'"' + b'\\"' * 200_000 + b"\\", b'"' * 200_001])
def test_a_string_that_never_ends_takes_no_more_than_linear_time(data: bytes) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError):
        strict_json(data, "f")
    assert time.perf_counter() - start < 5


def test_a_document_beyond_the_limit_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strictjson, "MAX_BYTES", 3)
    with pytest.raises(InputError):
        strict_json(b'"ab"', "f")
