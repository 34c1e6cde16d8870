"""Factor files as nodes with lines: what :mod:`gxmeter.core.yaml_text` reads, seen so that rules can name lines.

Factor files are stricter than declarations: a key without a value is a fault, and they are flatter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding
from gxmeter.core.yaml_text import Path, TextDocument, Value, read_yaml_text

MAX_DEPTH = 12
"""Deepest nesting that is read [levels]."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as written, and the line it stands on, from 1."""

    text: str
    row: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of nodes."""

    items: tuple[Node, ...]
    row: int


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping from text keys to nodes; ``rows`` has the line of each key, also of those without a usable value."""

    row: int
    items: dict[str, Node] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


Node: TypeAlias = Scalar | Listing | Table


def read_nodes(data: bytes, file: str) -> tuple[Node | None, list[Finding]]:
    """Read one YAML document.

    Args:
        data: the file's bytes, UTF-8.
        file: the name that findings carry.

    Returns:
        The document (None if it cannot be read) and the faults found. Values that are a fault already (nothing, or
        an alias) are left out, so that nobody reports them twice.
    """
    try:
        document = read_yaml_text(data, file=file, max_depth=MAX_DEPTH)
    except InputError as error:
        return None, list(error.findings)
    empty = [finding("factors-value-empty", file=file, row=row, key=path[-1]) for path, row in document.nulls.items()]
    return _node(document, document.value, ()), [*document.findings, *empty]


def _node(document: TextDocument, value: Value, path: Path) -> Node:
    """The node of a value; recursive, because the reader bounds the depth."""
    row = document.line(path)
    if isinstance(value, dict):
        rows = {key: document.line((*path, key)) for key in value}
        items = {
            key: _node(document, item, (*path, key))
            for key, item in value.items()
            if (*path, key) not in document.nulls and (*path, key) not in document.aliases
        }
        return Table(row, items, rows)
    if isinstance(value, list):
        return Listing(tuple(_node(document, item, (*path, i)) for i, item in enumerate(value)), row)
    return Scalar(value or "", row)
