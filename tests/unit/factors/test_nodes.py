"""Factor files as nodes: every scalar as written, every key with its line; an empty value is a fault."""

import pytest

from gxmeter.factors.nodes import MAX_DEPTH, Listing, Scalar, Table, read_nodes


def read(text):
    return read_nodes(text.encode(), "f.yaml")


def places(findings):
    return [(item.code, item.row, item.file) for item in findings]


def test_scalars_stay_what_was_written():
    node, findings = read('a: 0.000420\nb: 1e3\nc: no\nd: 2026-06-04\ne: ""\nf: "null"\n')
    assert findings == []
    texts = {key: item.text for key, item in node.items.items()}
    assert texts == {"a": "0.000420", "b": "1e3", "c": "no", "d": "2026-06-04", "e": "", "f": "null"}
    assert node.rows == {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}


def test_nodes_know_their_lines():
    node, _ = read("# c\na:\n  - x\n  - {b: y}\n  -\n")
    listing = node.items["a"]
    assert isinstance(listing, Listing)
    assert listing.items[0] == Scalar("x", 3)
    assert isinstance(listing.items[1], Table)
    assert listing.items[1].rows == {"b": 4}
    assert listing.items[2] == Scalar("", 5)


@pytest.mark.parametrize("nothing", ["", " ~", " null", " Null", " NULL", "\n  ~"])
def test_a_key_without_value_is_a_fault_at_the_keys_line_and_told_once(nothing):
    node, findings = read(f"a: 1\nb:{nothing}\n")
    assert places(findings) == [("factors-value-empty", 2, "f.yaml")]
    assert "“b”" in findings[0].en
    assert node.items == {"a": Scalar("1", 1)}
    assert node.rows == {"a": 1, "b": 2}


def test_nothing_is_found_at_any_depth_but_not_among_the_items_of_a_list():
    _, findings = read("a: {b: {c: }}\nd: [~, {e: ~}]\n")
    assert [(item.row, dict(item.params)["key"]) for item in findings] == [(1, "c"), (2, "e")]


def test_the_second_of_two_equal_keys_is_one_fault_even_without_value():
    node, findings = read("a: 1\na: ~\n")
    assert places(findings) == [("yaml-key-twice", 2, "f.yaml")]
    assert node.items == {"a": Scalar("1", 1)}


def test_an_alias_is_told_once_and_has_no_value():
    node, findings = read("a: &x 1\nb: *x\n")
    assert places(findings) == [("yaml-alias", 1, "f.yaml"), ("yaml-alias", 2, "f.yaml")]
    assert set(node.items) == {"a"}
    assert set(node.rows) == {"a", "b"}


def test_a_file_that_cannot_be_read_has_no_node_but_all_its_findings():
    node, findings = read("a: !x 1\nb: [1\n")
    assert node is None
    assert [item.code for item in findings] == ["yaml-tag", "yaml-syntax"]


def test_depth_is_bounded():
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH)[1] == []
    node, findings = read("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    assert node is None
    assert [(item.code, item.expected) for item in findings] == [("yaml-too-deep", str(MAX_DEPTH))]
