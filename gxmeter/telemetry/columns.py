"""A table of columns: which role the columns of a foreign file play, declared once in a small YAML file."""

from __future__ import annotations

from pathlib import Path

from gxmeter.core.errors import InputError
from gxmeter.core.yaml_text import MAX_BYTES, read_yaml_text


def columns_of(path: Path) -> tuple[tuple[str, str], ...]:
    """The pairs (role, name) of a file with lines ``role: name``, in their order.

    Raises:
        InputError: ``columns-unreadable``; what is wrong with it as YAML, every fault at once.
    """
    try:
        with path.open("rb") as file:
            text = read_yaml_text(file.read(MAX_BYTES + 1), file=path.name)
    except OSError as error:
        raise InputError("source-unreadable", file=path.name, reason=error.strerror or str(error)) from None
    if text.findings:
        raise InputError.from_findings(text.findings)
    if not isinstance(text.value, dict) or not all(isinstance(name, str) and name for name in text.value.values()):
        raise InputError("columns-unreadable", file=path.name)
    return tuple((role, str(name)) for role, name in text.value.items())
