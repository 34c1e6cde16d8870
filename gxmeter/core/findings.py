"""Findings: faults and remarks as values, with a code, a level and one sentence in Japanese and English.

The sentences stand in ``core/messages/<room>.toml``, not in code. A message is::

    [run - overlap]
    level = "must"
    ja = "実行 {run} が同じ時刻に2か所で記録されています。"
    en = "Run {run} is recorded in two places at the same time."
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import category

MESSAGES = Path(__file__).parent / "messages"
_HOLE = re.compile(r"\{([a-z_]+)\}")
_SITE_BESIDE = re.compile(r"\(拠点「\{site\}」\)| \(site “\{site\}”\)")
_MAX_FIELD = 200


class Level(StrEnum):
    """How much a finding weighs: must (exit 1), should (exit 3), may (a remark)."""

    MUST = "must"
    SHOULD = "should"
    MAY = "may"


@dataclass(frozen=True, slots=True)
class Message:
    """A finding's template: level and one sentence per language with named holes."""

    code: str
    level: Level
    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault or remark.

    Attributes:
        code: kebab-case, stable; documented in ``docs/reference/findings.md``.
        level: must, should or may.
        ja: the sentence in Japanese.
        en: the sentence in English.
        file: the file it was seen in, relative to the workspace or package.
        row: line number in that file, from 1.
        expected: what is allowed, as text.
        found: what was there, as text.
    """

    code: str
    level: Level
    ja: str
    en: str
    file: str | None = None
    row: int | None = None
    expected: str | None = None
    found: str | None = None
    params: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    def to_json(self) -> dict[str, Any]:
        """The JSON form of ``interfaces.md``; missing keys are left out."""
        out: dict[str, Any] = {"code": self.code, "level": str(self.level)}
        for key in ("file", "row", "expected", "found"):
            if getattr(self, key) is not None:
                out[key] = getattr(self, key)
        out["text"] = {"ja": self.ja, "en": self.en}
        return out


@cache
def catalogue() -> dict[str, Message]:
    """All messages of all rooms by code; a code may stand in one file only."""
    found: dict[str, Message] = {}
    for path in sorted(MESSAGES.glob("*.toml")):
        for code, body in tomllib.loads(path.read_text("utf-8")).items():
            if code in found:
                raise ValueError(f"finding code {code} stands in two message files")
            found[code] = _message(code, body)
    return found


@cache
def message(code: str) -> Message:
    """One message. Only the file in which it stands is parsed: to parse them all takes a training 0.1 s.

    Raises:
        KeyError: no file has it.
    """
    for path in sorted(MESSAGES.glob("*.toml")):
        text = path.read_text("utf-8")
        if f"[{code}]" in text:
            body = tomllib.loads(text).get(code)
            if body is not None:
                return _message(code, body)
    raise KeyError(code)


def _message(code: str, body: dict[str, str]) -> Message:
    return Message(code, Level(body["level"]), body["ja"], body["en"])


def _fill(template: str, values: dict[str, str]) -> str:
    """The template with its holes filled; what is not known is a dash, and a site in brackets is left out."""
    if values.get("site") == "":
        template, values = _SITE_BESIDE.sub("", template), values | {"site": "-"}
    return _HOLE.sub(lambda hole: values.get(hole.group(1), "-"), template)


def _shown(value: object) -> str:
    """Foreign text made safe for one line: control characters replaced, cut to 200 characters.

    Spaces that Python does not count as printable, such as the ideographic one in Japanese names, stay.
    """
    text = "".join(c if c.isprintable() or category(c) == "Zs" else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    return text if len(text) <= _MAX_FIELD else text[: _MAX_FIELD - 1] + "…"


def finding(
    code: str,
    *,
    file: str | None = None,
    row: int | None = None,
    expected: object = None,
    found: object = None,
    **params: object,
) -> Finding:
    """Make a finding from its message; ``params`` (and expected, found, file, row) fill its holes.

    >>> finding("unit-unknown", found="kWq").level
    <Level.MUST: 'must'>
    """
    template = message(code)
    values = {key: _shown(value) for key, value in params.items()}
    for key, value in (("file", file), ("row", row), ("expected", expected), ("found", found)):
        if value is not None:
            values[key] = _shown(value)
    return Finding(
        code=code,
        level=template.level,
        ja=_fill(template.ja, values),
        en=_fill(template.en, values),
        file=values.get("file") if file is not None else None,
        row=row,
        expected=values.get("expected"),
        found=values.get("found"),
        params=tuple(sorted((k, _shown(v)) for k, v in params.items())),
    )


def worst(findings: Iterable[Finding]) -> Level | None:
    """The heaviest level among the findings, or None."""
    order = [Level.MUST, Level.SHOULD, Level.MAY]
    levels = {f.level for f in findings}
    return next((level for level in order if level in levels), None)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Findings once each: must before should before may, then file, row, code."""
    rank = {Level.MUST: 0, Level.SHOULD: 1, Level.MAY: 2}
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda f: (rank[f.level], f.file or "", f.row or 0, f.code, f.en))
