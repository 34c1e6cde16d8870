"""YAML as text: every scalar as written, every key with its line; what hides a meaning is refused."""

import pytest

from gxmeter.factors import yaml_text
from gxmeter.factors.yaml_text import Listing, Scalar, Table, read_yaml


def test_scalars_stay_what_was_written():
    node, findings = read_yaml(b'a: 0.000420\nb: 1e3\nc: no\nd: 2026-06-04\ne: ""\nf: "null"\n', "f.yaml")
    assert findings == []
    texts = {key: item.text for key, item in node.items.items()}
    assert texts == {"a": "0.000420", "b": "1e3", "c": "no", "d": "2026-06-04", "e": "", "f": "null"}
    assert node.rows == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}


def test_nodes_know_their_lines():
    node, _ = read_yaml(b"# c\na:\n  - x\n  - {b: y}\n", "f.yaml")
    listing = node.items["a"]
    assert isinstance(listing, Listing)
    assert listing.items[0] == Scalar("x", 3)
    assert isinstance(listing.items[1], Table)
    assert listing.items[1].rows == {"b": 4}


@pytest.mark.parametrize(
    ("data", "code", "row"),
    [
        (b"", "factors-file-empty", None),
        (b"# only a remark\n", "factors-file-empty", None),
        (b"a: 1\nb: \xff\n", "factors-file-not-utf8", 2),
        (b"\xef\xbb\xbfa: 1\nb: \x07\n", "factors-yaml-syntax", None),
        (b"a: 1\n  b: 2\n", "factors-yaml-syntax", 2),
        (b"a: ~\n", "factors-value-empty", 1),
        (b"a: 1\nb: !x 2\n", "factors-yaml-feature", 2),
        (b"a: &x {b: 1}\n", "factors-yaml-feature", 1),
        (b"{a: 1, a: 2}\n", "factors-key-duplicate", 1),
        (b"<<: 1\n--- \nb: 1\n", "factors-yaml-feature", 2),
    ],
)
def test_a_fault_has_its_code_and_line(data, code, row):
    _, findings = read_yaml(data, "f.yaml")
    assert [(item.code, item.row, item.file) for item in findings] == [(code, row, "f.yaml")]


def test_a_file_that_is_too_big_is_not_read(monkeypatch):
    monkeypatch.setattr(yaml_text, "MAX_BYTES", 10)
    node, findings = read_yaml(b"a: 12345678\n", "f.yaml")
    assert node is None
    assert [(item.code, item.expected, item.found) for item in findings] == [("factors-file-too-big", "10", "12")]


def test_an_alias_bomb_is_refused_without_growing():
    bomb = b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"
    _, findings = read_yaml(bomb, "f.yaml")
    assert {item.code for item in findings} == {"factors-yaml-feature"}
