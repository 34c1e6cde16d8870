"""Which keys give an id and which refer to one; read from a file's texts, so that faulty files take part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gxmeter.core.yaml_text import Path, TextDocument, Value

EACH = "*"
"""In a path: every item of a list."""


class Name(NamedTuple):
    """A name that stands in a file: what kind of thing it names, under which key, on which line."""

    kind: str
    name: str
    key: str
    row: int


IDS: dict[str, dict[Path, str]] = {
    "entity": {("id",): "entity"},
    "site": {("id",): "site", ("contracts", EACH, "id"): "contract"},
    "run": {("id",): "run", ("declared", EACH, "id"): "part"},
    "meter": {("readings", EACH, "id"): "reading"},
    "instrument": {("id",): "instrument"},
}
"""Kind of file -> path of an id -> kind of what it names."""

REFERENCES: dict[str, dict[Path, str]] = {
    "config": {("organisation", "reporting_entity"): "entity"},
    "entity": {("holdings", EACH, "holder"): "entity"},
    "site": {("entity",): "entity"},
    "run": {("site",): "site", ("restarts",): "run", ("declared", EACH, "site"): "site"},
    "meter": {("readings", EACH, "site"): "site"},
    "instrument": {("contract",): "contract"},
    "import": {("site",): "site"},
    "roadmap": {("entity",): "entity"},
}
"""Kind of file -> path of a reference -> kind of what it refers to."""


def names_in(text: TextDocument, patterns: dict[Path, str]) -> Iterator[Name]:
    """All names that stand at the given paths of a file; what is no text there is left to the models."""
    for pattern, kind in patterns.items():
        for path, name in _at(text.value, pattern, ()):
            yield Name(kind, name, str(pattern[-1]), text.line(path))


def _at(value: Value, pattern: Path, path: Path) -> Iterator[tuple[Path, str]]:
    if not pattern:
        if isinstance(value, str):
            yield path, value
        return
    head, *rest = pattern
    if head == EACH and isinstance(value, list):
        for i, item in enumerate(value):
            yield from _at(item, tuple(rest), (*path, i))
    elif isinstance(value, dict) and head in value:
        yield from _at(value[str(head)], tuple(rest), (*path, head))
