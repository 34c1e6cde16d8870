"""Which formats can be read, and by which module: the files in ``telemetry/readers/`` decide, no list does.

A reader is a module with ``FORMAT`` and ``read`` (see :class:`gxmeter.telemetry.model.Reader`). Its file
name is its format with underscores for hyphens, so that naming the formats imports none of them.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import cast

from gxmeter.core.errors import InputError
from gxmeter.telemetry import readers as _folder
from gxmeter.telemetry.model import Reader


def formats() -> list[str]:
    """The names of all formats, sorted; imports no reader."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(_folder.__path__))


def reader(format: str) -> Reader:  # noqa: A002 - the word of the command line
    """The reader of a format.

    Args:
        format: e.g. ``gxmeter`` or ``mlperf-power``.

    Raises:
        InputError: ``format-unknown``, naming the formats there are.
    """
    known = formats()
    if format not in known:
        raise InputError("format-unknown", found=format, expected=", ".join(known))
    module = importlib.import_module(f"{_folder.__name__}.{format.replace('-', '_')}")
    return cast("Reader", module)


def readers() -> dict[str, Reader]:
    """Every reader by the name of its format; imports them all."""
    return {name: reader(name) for name in formats()}
