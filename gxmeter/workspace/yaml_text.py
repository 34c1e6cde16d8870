"""YAML read as text: every scalar stays as written, and every key knows its line.

``1.2`` stays ``"1.2"`` and ``no`` stays ``"no"``; what a text means is for the models to say. The
subset of YAML is small on purpose: one document, mappings with text keys, lists, plain and quoted
scalars. Aliases, anchors, tags, duplicate keys, deep nesting and oversized files are refused. A key
without a value (``last_day:``) yields ``None``, which the models take as "left out".

The document is built from the parser's event stream, not recursively, so no input can exhaust the stack.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding

MAX_BYTES = 5_000_000
"""Largest declaration file that is read [bytes]."""
MAX_DEPTH = 20
"""Deepest nesting of mappings and lists [levels]."""

Path = tuple[str | int, ...]
"""Where a value stands in a document: keys and list positions from the top."""
Value = None | str | list["Value"] | dict[str, "Value"]
"""What a document is made of."""

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class TextDocument:
    """A parsed file.

    Attributes:
        value: the tree of texts.
        lines: line number (from 1) of every key and list item by its path; ``()`` is the first line of content.
        findings: duplicate keys (the first stays), aliases, anchors and tags; with any of them the tree is not used.
    """

    value: Value
    lines: dict[Path, int]
    findings: tuple[Finding, ...]

    def line(self, path: Path) -> int:
        """Line of a path, or of its nearest ancestor that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml_text(data: bytes, *, file: str) -> TextDocument:
    """Parse the bytes of one YAML file.

    Args:
        data: the file's content; UTF-8, with or without BOM.
        file: the name that findings carry.

    Raises:
        InputError: the file as a whole cannot be read (``declaration-too-large``, ``-not-utf8``, ``-not-yaml``,
            ``-too-deep``, ``-key-not-text``, ``-many-documents``).
    """
    if len(data) > MAX_BYTES:
        raise InputError("declaration-too-large", file=file, expected=MAX_BYTES, found=len(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad_row = data.count(b"\n", 0, error.start) + 1
        raise InputError("declaration-not-utf8", file=file, row=bad_row) from None
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        row = mark.line + 1 if mark is not None else None
        raise InputError("declaration-not-yaml", file=file, row=row, line=row or "?") from None
    return TextDocument(builder.root, builder.lines, tuple(builder.findings))


@dataclass(slots=True)
class _Frame:
    """An open mapping or list; ``key`` is the mapping's key that waits for its value."""

    node: dict[str, Value] | list[Value]
    path: Path
    key: str | None = None
    seen: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Builds the tree event by event; one frame per open collection."""

    def __init__(self, file: str) -> None:
        self.root: Value = None
        self.lines: dict[Path, int] = {}
        self.findings: list[Finding] = []
        self._file = file
        self._stack: list[_Frame] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Take one event of the stream."""
        row = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise InputError("declaration-many-documents", file=self._file, row=row)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._refuse_cleverness(event, row)
            self._node(event, row)

    def _refuse_cleverness(self, event: yaml.NodeEvent, row: int) -> None:
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent):
            self._say("declaration-alias", row, f"*{event.anchor}")
        elif event.anchor is not None:
            self._say("declaration-alias", row, f"&{event.anchor}")
        if tag is not None:
            self._say("declaration-tag", row, tag)

    def _say(self, code: str, row: int, found: str) -> None:
        self.findings.append(finding(code, file=self._file, row=row, found=found))

    def _node(self, event: yaml.NodeEvent, row: int) -> None:
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.node, dict) and top.key is None:
            self._key(top, event, row)
            return
        if isinstance(event, yaml.MappingStartEvent):
            self._open({}, row)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open([], row)
        else:
            self._place(_scalar(event), row)

    def _key(self, frame: _Frame, event: yaml.NodeEvent, row: int) -> None:
        if isinstance(event, yaml.CollectionStartEvent):
            raise InputError("declaration-key-not-text", file=self._file, row=row)
        key = _scalar(event) or ""
        if key in frame.seen:
            first = frame.seen[key]
            self.findings.append(
                finding("declaration-key-twice", file=self._file, row=row, key=key, first=first, found=key)
            )
        frame.seen.setdefault(key, row)
        self.lines.setdefault((*frame.path, key), row)
        frame.key = key

    def _open(self, node: dict[str, Value] | list[Value], row: int) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise InputError("declaration-too-deep", file=self._file, row=row, expected=MAX_DEPTH)
        path = self._place(node, row)
        self._stack.append(_Frame(node, path))

    def _place(self, value: Value, row: int) -> Path:
        """Put a value under the open key or at the end of the open list; the first of two equal keys stays."""
        if not self._stack:
            self.root = value
            self.lines[()] = row
            return ()
        top = self._stack[-1]
        if isinstance(top.node, list):
            top.node.append(value)
            path: Path = (*top.path, len(top.node) - 1)
        else:
            key = top.key or ""
            top.node.setdefault(key, value)
            top.key = None
            path = (*top.path, key)
        self.lines.setdefault(path, row)
        return path


def _scalar(event: yaml.NodeEvent) -> str | None:
    """The text of a scalar; None for a plain empty one (``key:``). A refused alias stands as it is written."""
    if not isinstance(event, yaml.ScalarEvent):
        return f"*{event.anchor}"
    plain_style = event.style in (None, "")
    return None if plain_style and event.value == "" else str(event.value)
