"""YAML read as text: every scalar stays as written, and every key knows its line.

``1.2`` stays ``"1.2"`` and ``no`` stays ``"no"``; what a text means is for the models to say. The
subset of YAML is small on purpose: one document, mappings with text keys, lists, plain and quoted
scalars. Aliases, anchors, tags, duplicate keys, deep nesting and oversized files are refused, because
each lets a file mean something else than it shows, or costs more than it says.

The document is built from the parser's event stream, not recursively, so no input can exhaust the stack.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml
from yaml.reader import ReaderError

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding, finding

MAX_BYTES = 5_000_000
"""Largest file that is read [bytes]."""
MAX_DEPTH = 20
"""Deepest nesting of mappings and lists, unless the caller allows less [levels]."""

Path = tuple[str | int, ...]
"""Where a value stands in a document: keys and list positions from the top."""
Value = None | str | list["Value"] | dict[str, "Value"]
"""What a document is made of. A key or item without a value (``last_day:``) is None."""

_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class TextDocument:
    """A parsed file.

    Attributes:
        value: the tree of texts; never None at the top.
        lines: line number (from 1) of every key and list item by its path; ``()`` is the first line of content.
        findings: duplicate keys (the first stays), aliases, anchors and tags; with any of them the tree may be
            looked at for more faults, but is not used.
        nulls: line number of every key whose value YAML itself reads as nothing (``key:``, ``~``, ``null`` without
            quotes); in the tree ``~`` and ``null`` are texts, so a room that refuses them looks here.
        aliases: paths at which a refused alias stands; in the tree it is the text as written, e.g. ``*name``.
    """

    value: Value
    lines: dict[Path, int]
    findings: tuple[Finding, ...]
    nulls: dict[Path, int]
    aliases: frozenset[Path]

    def line(self, path: Path) -> int:
        """Line of a path, or of its nearest ancestor that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml_text(data: bytes, *, file: str, max_depth: int = MAX_DEPTH) -> TextDocument:
    """Parse the bytes of one YAML file.

    Args:
        data: the file's content; UTF-8, with or without BOM. More than :data:`MAX_BYTES` are refused unread.
        file: the name that findings carry.
        max_depth: how deep mappings and lists may be nested [levels].

    Raises:
        InputError: the file as a whole cannot be read (``yaml-too-large``, ``-not-utf8``, ``-syntax``, ``-empty``,
            ``-too-deep``, ``-key-not-text``, ``-many-documents``); carries the faults met before, too.
    """
    if len(data) > MAX_BYTES:
        raise InputError("yaml-too-large", file=file, expected=MAX_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad_row = data.count(b"\n", 0, error.start) + 1
        raise InputError("yaml-not-utf8", file=file, row=bad_row) from None
    builder = _Builder(file, max_depth)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
        return builder.document()
    except yaml.YAMLError as error:
        fatal = finding("yaml-syntax", file=file, row=_row_of(error, text))
    except InputError as error:
        fatal = error.findings[0]
    raise InputError.from_findings([*builder.findings, fatal])


def _row_of(error: yaml.YAMLError, text: str) -> int:
    """The line at which the parser gave up; for a character that YAML forbids, the first line that holds it."""
    if isinstance(error, ReaderError):
        return text.count("\n", 0, max(text.find(chr(error.character)), 0)) + 1
    mark = getattr(error, "problem_mark", None)
    return 1 if mark is None else int(mark.line) + 1


@dataclass(slots=True)
class _Frame:
    """An open mapping or list; ``key`` is the mapping's key that waits for its value, ``key_row`` its line."""

    node: dict[str, Value] | list[Value]
    path: Path
    key: str | None = None
    key_row: int = 0
    seen: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Builds the tree event by event; one frame per open collection."""

    def __init__(self, file: str, max_depth: int) -> None:
        self.findings: list[Finding] = []
        self._root: Value = None
        self._lines: dict[Path, int] = {}
        self._nulls: dict[Path, int] = {}
        self._aliases: set[Path] = set()
        self._file = file
        self._max_depth = max_depth
        self._stack: list[_Frame] = []
        self._documents = 0

    def document(self) -> TextDocument:
        """What was built, once all events are taken."""
        if self._root is None:
            raise InputError("yaml-empty", file=self._file)
        return TextDocument(
            self._root, self._lines, tuple(self.findings), nulls=self._nulls, aliases=frozenset(self._aliases)
        )

    def take(self, event: yaml.Event) -> None:
        """Take one event of the stream."""
        row = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise InputError("yaml-many-documents", file=self._file, row=row)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._refuse_cleverness(event, row)
            self._node(event, row)

    def _refuse_cleverness(self, event: yaml.NodeEvent, row: int) -> None:
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent):
            self._say("yaml-alias", row, f"*{event.anchor}")
        elif event.anchor is not None:
            self._say("yaml-alias", row, f"&{event.anchor}")
        if tag is not None:
            self._say("yaml-tag", row, tag)

    def _say(self, code: str, row: int, found: str, **params: object) -> None:
        self.findings.append(finding(code, file=self._file, row=row, found=found, **params))

    def _node(self, event: yaml.NodeEvent, row: int) -> None:
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.node, dict) and top.key is None:
            self._key(top, event, row)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open({}, row)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open([], row)
        else:
            self._leaf(top, event, row)

    def _key(self, frame: _Frame, event: yaml.NodeEvent, row: int) -> None:
        if isinstance(event, yaml.CollectionStartEvent):
            raise InputError("yaml-key-not-text", file=self._file, row=row)
        key = _scalar(event) or ""
        if key in frame.seen:
            self._say("yaml-key-twice", row, key, key=key, first=frame.seen[key])
        frame.seen.setdefault(key, row)
        self._lines.setdefault((*frame.path, key), row)
        frame.key, frame.key_row = key, row

    def _open(self, node: dict[str, Value] | list[Value], row: int) -> None:
        if len(self._stack) >= self._max_depth:
            raise InputError("yaml-too-deep", file=self._file, row=row, expected=self._max_depth)
        path = self._place(node, row)
        self._stack.append(_Frame(node, path))

    def _leaf(self, frame: _Frame | None, event: yaml.NodeEvent, row: int) -> None:
        """Place a scalar or an alias, and remember where nothing or an alias stands."""
        if frame is not None and frame.key is not None and frame.key not in frame.node and _is_null(event):
            self._nulls.setdefault((*frame.path, frame.key), frame.key_row)
        path = self._place(_scalar(event), row)
        if isinstance(event, yaml.AliasEvent):
            self._aliases.add(path)

    def _place(self, value: Value, row: int) -> Path:
        """Put a value under the open key or at the end of the open list; the first of two equal keys stays."""
        if not self._stack:
            self._root = value
            self._lines[()] = row
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
        self._lines.setdefault(path, row)
        return path


def _scalar(event: yaml.NodeEvent) -> str | None:
    """The text of a scalar; None for a plain empty one (``key:``). A refused alias stands as it is written."""
    if not isinstance(event, yaml.ScalarEvent):
        return f"*{event.anchor}"
    return None if _is_plain(event) and event.value == "" else str(event.value)


def _is_null(event: yaml.NodeEvent) -> bool:
    """Whether YAML itself reads a scalar as nothing."""
    return isinstance(event, yaml.ScalarEvent) and _is_plain(event) and event.value in _NULLS


def _is_plain(event: yaml.ScalarEvent) -> bool:
    """Whether a scalar stands without quotes."""
    return event.style in {None, ""}
