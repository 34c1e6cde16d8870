"""YAML read as text with line numbers, so that ``0.000423`` stays what was written.

Only mappings with plain keys, lists and scalars are understood. Anchors, aliases, tags, several
documents, duplicate keys and empty values are faults, because each lets a file mean something else than
it shows. All faults of a file are reported at once, except a syntax error, which ends the reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding

MAX_BYTES = 5_000_000
"""Largest file that is read [bytes]."""
MAX_DEPTH = 12
"""Deepest nesting that is read [levels]."""

_NULLS = {"", "~", "null", "Null", "NULL"}
_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    """A mapping from text keys to nodes; ``rows`` has the line of each key."""

    row: int
    items: dict[str, Node] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


Node: TypeAlias = Scalar | Listing | Table


def read_yaml(data: bytes, file: str) -> tuple[Node | None, list[Finding]]:
    """Read one YAML document.

    Args:
        data: the file's bytes, UTF-8.
        file: the name that findings carry.

    Returns:
        The document (None if it cannot be read) and the faults found.
    """
    builder = _Builder(file)
    try:
        return builder.document(data), builder.findings
    except InputError as error:
        return None, [*builder.findings, *error.findings]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        row = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        return None, [*builder.findings, finding("factors-yaml-syntax", file=file, row=row, found=problem)]


class _Builder:
    """Turns the parser's events into nodes and collects the faults."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []

    def fault(self, code: str, row: int, **params: object) -> None:
        self.findings.append(finding(code, file=self.file, row=row, **params))

    def document(self, data: bytes) -> Node | None:
        if len(data) > MAX_BYTES:
            raise InputError("factors-file-too-big", file=self.file, expected=MAX_BYTES, found=len(data))
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            row = data[: error.start].count(b"\n") + 1
            raise InputError("factors-file-not-utf8", file=self.file, row=row) from None
        events = yaml.parse(text, Loader=_Parser)
        found: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if found is not None:
                    raise InputError("factors-yaml-feature", file=self.file, row=_row(event), found="---")
                found = self.node(next(events), events, 1)
        if found is None:
            raise InputError("factors-file-empty", file=self.file)
        return found

    def node(self, event: Any, events: Iterator[Any], depth: int) -> Node:  # noqa: ANN401 - untyped parser events
        if depth > MAX_DEPTH:
            raise InputError("factors-yaml-depth", file=self.file, row=_row(event), expected=MAX_DEPTH)
        if getattr(event, "anchor", None):
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            self.fault("factors-yaml-feature", _row(event), found=f"{sign}{event.anchor}")
        if getattr(event, "tag", None):
            self.fault("factors-yaml-feature", _row(event), found=event.tag)
        if isinstance(event, yaml.MappingStartEvent):
            return self.table(event, events, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.listing(event, events, depth)
        return Scalar(getattr(event, "value", ""), _row(event))

    def listing(self, start: Any, events: Iterator[Any], depth: int) -> Listing:  # noqa: ANN401 - see node
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self.node(event, events, depth + 1))
        return Listing(tuple(items), _row(start))

    def table(self, start: Any, events: Iterator[Any], depth: int) -> Table:  # noqa: ANN401 - see node
        table = Table(_row(start))
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self.node(event, events, depth + 1)
            value_event = next(events)
            value = self.node(value_event, events, depth + 1)
            if not isinstance(key, Scalar):
                self.fault("factors-yaml-feature", key.row, found="? [..]: ")
            elif key.text in table.rows:
                self.fault("factors-key-duplicate", key.row, key=key.text, first=table.rows[key.text])
            else:
                table.rows[key.text] = key.row
                if _is_null(value_event):
                    self.fault("factors-value-empty", key.row, key=key.text)
                elif not isinstance(value_event, yaml.AliasEvent):
                    table.items[key.text] = value
        return table


def _is_null(event: Any) -> bool:  # noqa: ANN401 - untyped parser events
    """An unquoted nothing: ``key:``, ``key: ~``, ``key: null``."""
    return isinstance(event, yaml.ScalarEvent) and not event.style and event.value in _NULLS


def _row(event: Any) -> int:  # noqa: ANN401 - untyped parser events
    return int(event.start_mark.line) + 1
