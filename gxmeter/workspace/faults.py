"""Turns the faults of a model into findings with file, line, allowed values and a sentence in two languages.

The validation library's own English texts never reach a reader: each of its fault types has a
message of ours, and the fault types of :mod:`gxmeter.workspace.parsing` *are* message codes.
"""

from __future__ import annotations

import difflib
import re
import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gxmeter.core.findings import Finding, catalogue, finding
from gxmeter.core.yaml_text import Path, TextDocument

MAX_FAULTS = 500
"""Most faults of one file that are told one by one [count]."""

_CODES = {
    "missing": "declaration-key-missing",
    "extra_forbidden": "declaration-key-unknown",
    "model_type": "declaration-not-mapping",
    "dict_type": "declaration-not-mapping",
    "tuple_type": "declaration-not-list",
    "string_type": "declaration-not-text",
    "literal_error": "declaration-choice",
    "enum": "declaration-choice",
}
_QUOTED = re.compile(r"'([^']*)'")


def model_findings(
    error: ValidationError, document: TextDocument, *, model: type[BaseModel], file: str
) -> list[Finding]:
    """All faults of one file as findings, in the order of their lines.

    Args:
        error: what the model refused.
        document: the parsed file, for the lines.
        model: the model of the whole file, for the keys that are allowed.
        file: the name that findings carry.
    """
    details = error.errors(include_url=False, include_input=True)
    found = [_one(detail, document, model=model, file=file) for detail in details[:MAX_FAULTS]]
    if len(details) > MAX_FAULTS:
        found.append(finding("declaration-more-faults", file=file, found=len(details) - MAX_FAULTS))
    return sorted(found, key=lambda item: item.row or 0)


def _one(detail: ErrorDetails, document: TextDocument, *, model: type[BaseModel], file: str) -> Finding:
    path: Path = tuple(detail["loc"])
    kind = detail["type"]
    code = _CODES.get(kind, kind if kind in catalogue() else "declaration-value")
    context: dict[str, Any] = detail.get("ctx", {})
    found = context.get("found") or _shown(detail["input"])
    expected = context.get("expected") or None
    if kind == "literal_error":
        expected = " | ".join(_QUOTED.findall(str(expected)))
    elif kind == "extra_forbidden":
        expected = _allowed(model, path)
        found = path[-1]
    elif kind == "missing":
        found = None
    return finding(
        code,
        file=file,
        row=document.line(path),
        expected=expected,
        found=found,
        key=dotted(path) or "-",
    )


def dotted(path: Path) -> str:
    """A path as people write it; list positions count from 1.

    >>> dotted(("declared", 0, "power_w"))
    'declared[1].power_w'
    """
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _shown(value: object) -> str | None:
    """The offending text itself; a mapping or list is not repeated."""
    return value if isinstance(value, str) else None


def _allowed(model: type[BaseModel], path: Path) -> str:
    """The keys allowed where an unknown one stands: the closest ones first if any is close."""
    owner = _model_at(model, path[:-1])
    if owner is None:
        return "-"
    names = [field.alias or name for name, field in owner.model_fields.items()]
    close = difflib.get_close_matches(str(path[-1])[:80], names, n=2)
    return " | ".join(close or names)


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """The model of the mapping that a path leads to."""
    current: type[BaseModel] | None = model
    for part in path:
        if isinstance(part, int):
            continue
        fields = {} if current is None else {f.alias or n: f for n, f in current.model_fields.items()}
        current = _model_in(fields[part].annotation) if part in fields else None
    return current


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model inside ``X``, ``X | None`` or ``tuple[X, ...]``."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation if issubclass(annotation, BaseModel) else None
    if get_origin(annotation) in {tuple, Union, types.UnionType}:
        inner = (_model_in(argument) for argument in get_args(annotation))
        return next((found for found in inner if found is not None), None)
    return None
