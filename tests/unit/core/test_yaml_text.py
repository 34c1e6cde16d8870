"""YAML as text: nothing is converted, every key has its line, cleverness is refused, nothing crashes."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gxmeter.core.errors import InputError
from gxmeter.core.findings import MESSAGES, Finding
from gxmeter.core.yaml_text import MAX_BYTES, MAX_DEPTH, TextDocument, read_yaml_text

FILE = "x.yaml"


def read(text: str) -> TextDocument:
    return read_yaml_text(text.encode(), file=FILE)


def refused(data: bytes, **limits: int) -> tuple[Finding, ...]:
    with pytest.raises(InputError) as caught:
        read_yaml_text(data, file=FILE, **limits)
    assert {item.file for item in caught.value.findings} == {FILE}
    return caught.value.findings


def code_of(data: bytes, **limits: int) -> str:
    (found,) = refused(data, **limits)
    return found.code


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
    assert (found.code, found.row, dict(found.params)["first"]) == ("yaml-key-twice", 4, "1")


def test_anchor_alias_and_tag_are_each_told() -> None:
    found = read("a: &x 1\nb: *x\nc: !!int 1\nd: !python/object:os.system x\n").findings
    assert [(item.code, item.row) for item in found] == [
        ("yaml-alias", 1),
        ("yaml-alias", 2),
        ("yaml-tag", 3),
        ("yaml-tag", 4),
    ]


def test_where_nothing_and_aliases_stand_is_remembered() -> None:
    document = read("a:\n  ~\nb: {c: null, d: 'null', e: [~, *x]}\nf: *x\na: ~\ng: {h: 1, h: ~}\n")
    assert document.value == {
        "a": "~",
        "b": {"c": "null", "d": "null", "e": ["~", "*x"]},
        "f": "*x",
        "g": {"h": "1"},
    }
    assert document.nulls == {("a",): 1, ("b", "c"): 3}
    assert document.aliases == {("b", "e", 1), ("f",)}


def test_alias_bomb_costs_nothing() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    assert {item.code for item in read(bomb).findings} == {"yaml-alias"}


def test_files_that_cannot_be_read_as_a_whole() -> None:
    assert code_of(b"a" * (MAX_BYTES + 1)) == "yaml-too-large"
    assert code_of(b"a: 1\nb: \xff\n") == "yaml-not-utf8"
    assert code_of(b"a: [1\n") == "yaml-syntax"
    assert code_of(b"a: \x00\n") == "yaml-syntax"
    assert code_of(b"") == "yaml-empty"
    assert code_of(b"\xef\xbb\xbf# only a remark\n") == "yaml-empty"
    assert code_of(b"---\n") == "yaml-empty"
    assert code_of(b"a: 1\n---\nb: 2\n") == "yaml-many-documents"
    assert code_of(b"? [1]\n: 2\n") == "yaml-key-not-text"


@pytest.mark.parametrize(
    ("data", "code", "row"),
    [
        (b"a: 1\nb: 2\nc: \xe3\x81\n", "yaml-not-utf8", 3),
        ("\ufeffあ: 1\nい: 2\r\nb: \x07\n".encode(), "yaml-syntax", 3),
        (b"a: 1\n  b: 2\n", "yaml-syntax", 2),
        (b"a: 1\nb: \t\n\tc: 1\n", "yaml-syntax", 3),
        (b"a: 1\n--- \nb: 1\n", "yaml-many-documents", 2),
        (b"a: 1\nb:\n  ? {c: 1}\n  : 2\n", "yaml-key-not-text", 3),
        (b"a: 1\nb:\n " + b"[" * 50, "yaml-too-deep", 3),
    ],
)
def test_the_line_at_which_reading_ended(data: bytes, code: str, row: int) -> None:
    (found,) = refused(data)
    assert (found.code, found.row) == (code, row)


def test_faults_met_before_the_reading_ended_are_told_too() -> None:
    found = refused(b"a: &x 1\na: 2\nb: !t 3\n? [c]\n: 4\n")
    assert [(item.code, item.row) for item in found] == [
        ("yaml-alias", 1),
        ("yaml-key-twice", 2),
        ("yaml-tag", 3),
        ("yaml-key-not-text", 4),
    ]
    assert [item.code for item in refused(b"&x\n")] == ["yaml-alias", "yaml-empty"]


def test_the_codes_are_those_of_the_message_file() -> None:
    told = {item.code for item in read("a: &x 1\na: !t 2\n").findings}
    whole = [b"", b"\xff", b"[", b"a\n---\nb", b"? [1]\n: 2", b"[" * 50, b" " * (MAX_BYTES + 1)]
    assert told | {code_of(data) for data in whole} == set(tomllib.loads((MESSAGES / "yaml.toml").read_text("utf-8")))


def test_depth_is_bounded_without_recursion() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH).value is not None
    assert code_of(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)) == "yaml-too-deep"
    assert code_of(b"[" * 1_000_000) == "yaml-too-deep"
    assert code_of(b"{a: " * 100_000) == "yaml-too-deep"


def test_a_caller_may_allow_less_depth() -> None:
    assert read_yaml_text(b"[[x]]", file=FILE, max_depth=2).value == [["x"]]
    (found,) = refused(b"[[[]]]", max_depth=2)
    assert (found.code, found.expected) == ("yaml-too-deep", "2")


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
