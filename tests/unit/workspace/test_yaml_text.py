"""YAML as text: nothing is converted, every key has its line, cleverness is refused, nothing crashes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.errors import InputError
from gxmeter.workspace.yaml_text import MAX_BYTES, MAX_DEPTH, TextDocument, read_yaml_text

FILE = "x.yaml"


def read(text: str) -> TextDocument:
    return read_yaml_text(text.encode(), file=FILE)


def code_of(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_yaml_text(data, file=FILE)
    assert caught.value.findings[0].file == FILE
    return caught.value.code


@pytest.mark.parametrize("text", ["1.20", "0x1F", "1_000", "no", "null", "~", "2026-04-01", "1e3", ".inf", "010"])
def test_a_scalar_stays_as_written(text: str) -> None:
    assert read(f"a: {text}").value == {"a": text}


def test_a_key_without_value_is_none_but_a_quoted_nothing_is_text() -> None:
    assert read("a:\nb: ''\nc: \"\"").value == {"a": None, "b": "", "c": ""}


def test_lines_of_keys_and_items() -> None:
    document = read("# head\na: 1\nb:\n  - c: 2\n    d: 3\n  - e\n")
    assert document.lines[("a",)] == 2
    assert document.lines[("b", 0, "d")] == 5
    assert document.lines[("b", 1)] == 6
    assert document.line(("b", 0, "missing", "deeper")) == 4


def test_bom_and_windows_line_ends_are_read() -> None:
    document = read_yaml_text("\ufeffa: あ\r\nb: 2\r\n".encode(), file=FILE)
    assert document.value == {"a": "あ", "b": "2"}
    assert document.lines[("b",)] == 2


def test_merge_keys_are_plain_keys() -> None:
    assert read("<<: {a: 1}").value == {"<<": {"a": "1"}}


def test_duplicate_keys_name_both_lines_and_the_first_stays() -> None:
    document = read("a: 1\nb:\n  a: 2\na: 3\n")
    assert document.value == {"a": "1", "b": {"a": "2"}}
    (found,) = document.findings
    assert (found.code, found.row, dict(found.params)["first"]) == ("declaration-key-twice", 4, "1")


def test_anchor_alias_and_tag_are_each_told() -> None:
    found = read("a: &x 1\nb: *x\nc: !!int 1\nd: !python/object:os.system x\n").findings
    assert [(item.code, item.row) for item in found] == [
        ("declaration-alias", 1),
        ("declaration-alias", 2),
        ("declaration-tag", 3),
        ("declaration-tag", 4),
    ]


def test_alias_bomb_costs_nothing() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    assert {item.code for item in read(bomb).findings} == {"declaration-alias"}


def test_files_that_cannot_be_read_as_a_whole() -> None:
    assert code_of(b"a" * (MAX_BYTES + 1)) == "declaration-too-large"
    assert code_of(b"a: 1\nb: \xff\n") == "declaration-not-utf8"
    assert code_of(b"a: [1\n") == "declaration-not-yaml"
    assert code_of(b"a: \x00\n") == "declaration-not-yaml"
    assert code_of(b"a: 1\n---\nb: 2\n") == "declaration-many-documents"
    assert code_of(b"? [1]\n: 2\n") == "declaration-key-not-text"


def test_the_line_of_bytes_that_are_not_utf8() -> None:
    with pytest.raises(InputError) as caught:
        read_yaml_text(b"a: 1\nb: 2\nc: \xe3\x81\n", file=FILE)
    assert caught.value.findings[0].row == 3


def test_depth_is_bounded_without_recursion() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH).value is not None
    assert code_of(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)) == "declaration-too-deep"
    assert code_of(b"[" * 1_000_000) == "declaration-too-deep"
    assert code_of(b"{a: " * 100_000) == "declaration-too-deep"


def outcome(data: bytes) -> object:
    """The document, or the findings why there is none."""
    try:
        return read_yaml_text(data, file=FILE)
    except InputError as error:
        return error.findings


plain_texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"]), max_size=20)
trees = st.recursive(
    plain_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_texts, inner, max_size=4),
    max_leaves=12,
)


def flow(tree: object) -> str:
    """A tree of texts as YAML in flow style with double quotes."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(flow(item) for item in tree) + "]"
    quoted = "".join(f"\\U{ord(letter):08x}" for letter in str(tree))
    return f'"{quoted}"'


@given(trees)
def test_any_tree_of_texts_comes_back_as_it_was(tree: object) -> None:
    document = read(f"? top\n: {flow(tree)}\n")
    assert document.value == {"top": tree}
    assert document.findings == ()


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_crash(data: bytes) -> None:
    assert outcome(data)


@given(st.text(alphabet="ab:- \n{}[],&*!'\"#|>?\t\u3042", max_size=80))
def test_arbitrary_yaml_like_text_never_crashes(text: str) -> None:
    assert outcome(text.encode())
