"""Reads one declaration file: bytes -> texts with lines -> model, or findings."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from gxmeter.core.errors import InputError
from gxmeter.core.findings import Finding
from gxmeter.core.yaml_text import MAX_BYTES, TextDocument, read_yaml_text
from gxmeter.workspace.faults import model_findings
from gxmeter.workspace.loaded import Document
from gxmeter.workspace.models import Declaration

M = TypeVar("M", bound=Declaration)


class ReadFile(NamedTuple, Generic[M]):
    """What came of reading one file.

    ``document`` is None if there is any fault; ``text`` is None if the file could not even be parsed.
    """

    document: Document[M] | None
    text: TextDocument | None
    findings: list[Finding]


def read_declaration(path: Path, model: type[M], *, file: str, root: Path) -> ReadFile[M]:
    """Read and check one file.

    Args:
        path: the file.
        model: what it must hold.
        file: the name that findings carry, relative to the workspace.
        root: the resolved workspace; a link that leads out of it is refused.
    """
    try:
        text = read_yaml_text(read_inside(path, file=file, root=root), file=file)
    except InputError as error:
        return ReadFile(None, None, list(error.findings))
    document, findings = parse_declaration(text, model, file=file)
    return ReadFile(document, text, findings)


def parse_declaration(text: TextDocument, model: type[M], *, file: str) -> tuple[Document[M] | None, list[Finding]]:
    """Check a parsed file against its model; every fault of the file at once."""
    findings = list(text.findings)
    try:
        parsed = model.model_validate(text.value)
    except ValidationError as error:
        return None, [*findings, *model_findings(error, text, model=model, file=file)]
    return (None if findings else Document(file, parsed, text)), findings


def read_inside(path: Path, *, file: str, root: Path) -> bytes:
    """The bytes of a regular file inside the workspace; never more than the limit plus one.

    Raises:
        InputError: ``declaration-outside``, ``declaration-not-a-file``, ``declaration-unreadable``.
    """
    try:
        if not path.resolve().is_relative_to(root):
            raise InputError("declaration-outside", file=file)
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError("declaration-not-a-file", file=file)
        with path.open("rb") as handle:
            return handle.read(MAX_BYTES + 1)
    except (OSError, RuntimeError):
        raise InputError("declaration-unreadable", file=file) from None
