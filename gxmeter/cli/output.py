"""Printing: one JSON document to standard output, everything for people in the language of the locale."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from gxmeter.core.errors import ExitCode, GxmeterError, exit_code

if TYPE_CHECKING:
    from gxmeter.core.findings import Finding

_NAMED = 3
"""Other places of one remark that are named [places]."""

_MARKS = {"must": "✗", "should": "!", "may": "·"}


def language() -> str:
    """``ja`` or ``en``: from GXMETER_LANG, else LC_ALL, LC_MESSAGES, LANG."""
    for name in ("GXMETER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "ja" if value.lower().startswith("ja") else "en"
    return "en"


def say(ja: str, en: str) -> None:
    """One line for people, to standard error."""
    typer.echo(ja if language() == "ja" else en, err=True)


def emit_json(document: dict[str, Any]) -> None:
    """The command's one JSON document, to standard output; UTF-8 whatever the terminal speaks."""
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def show_findings(findings: Iterable[Finding]) -> None:
    """The findings as lines for people, to standard error: mark, code, place, sentence.

    Remarks that differ in nothing but their place are one line with the other places behind it; faults that must be
    mended stand each on their own. JSON documents hold every one.
    """
    lines: dict[tuple[object, ...], list[Finding]] = {}
    for number, item in enumerate(findings):
        alone = number if item.level == "must" or not item.file else None
        lines.setdefault((alone, item.code, item.expected, item.found, item.params), []).append(item)
    for first, *others in lines.values():
        place = f" {_place(first)}" if first.file else ""
        text = first.ja if language() == "ja" else first.en
        more = _more([_place(item) for item in others])
        typer.echo(f"{_MARKS[first.level]} [{first.level}] {first.code}{place}: {text}{more}", err=True)


def _place(item: Finding) -> str:
    return f"{item.file}:{item.row}" if item.row else f"{item.file}"


def _more(places: list[str]) -> str:
    """The other places of a remark: how many, and the first ones by name."""
    if not places:
        return ""
    named = ", ".join(places[:_NAMED]) + (", …" if len(places) > _NAMED else "")
    return f"(ほか {len(places)} 箇所: {named})" if language() == "ja" else f" (and {len(places)} more: {named})"


def report_error(error: GxmeterError, *, as_json: bool = False) -> int:
    """Print an error that kept the command from running; returns exit code 2."""
    if as_json:
        emit_json({"findings": [f.to_json() for f in error.findings]})
    show_findings(error.findings)
    return ExitCode.COULD_NOT_RUN


def finish(findings: Sequence[Finding]) -> NoReturn:
    """Leave with the exit code that the findings ask for."""
    raise typer.Exit(exit_code(findings))
