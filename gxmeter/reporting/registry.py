"""The report kinds: every folder under ``reports/`` that holds a ``figures.toml`` is one.

A kind needs no code: a template, a style sheet, the wording in both languages and the list of figures.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gxmeter.core.errors import InputError
from gxmeter.core.resources import data_folder

LANGUAGES = ("ja", "en")
DEFAULT_KIND = "gx-performance"


@dataclass(frozen=True, slots=True)
class ReportKind:
    """One kind of report: its folder, the figures it prints and its wording by language."""

    kind_id: str
    folder: Path
    figures: Mapping[str, Any]
    wording: Mapping[str, Mapping[str, str]]


def kinds() -> tuple[str, ...]:
    """The ids of all report kinds, sorted."""
    return tuple(sorted(path.parent.name for path in data_folder("reports").glob("*/figures.toml")))


def report_kind(kind_id: str = DEFAULT_KIND) -> ReportKind:
    """Read a report kind.

    Raises:
        InputError: ``report-kind-unknown``.
    """
    if kind_id not in kinds():
        raise InputError("report-kind-unknown", found=kind_id, expected=", ".join(kinds()))
    folder = data_folder("reports") / kind_id
    wording = {language: _flat(_read(folder / f"wording.{language}.toml")) for language in LANGUAGES}
    return ReportKind(kind_id, folder, _read(folder / "figures.toml"), wording)


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested tables as dotted keys: ``{"a": {"b": "x"}}`` becomes ``{"a.b": "x"}``."""
    flat: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat
