"""Which formats can be read, and by which module: the files in ``telemetry/readers/`` decide, no list does.

A reader is a module with ``FORMAT`` and ``read`` (see :class:`gxmeter.telemetry.model.Reader`). Its file
name is its format with underscores for hyphens, so that naming the formats imports none of them.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import cast

from gxmeter.core.errors import InputError
from gxmeter.core.findings import finding
from gxmeter.telemetry import readers as _folder
from gxmeter.telemetry.model import Reader
from gxmeter.telemetry.options import ALL_OPTIONS, ReadOptions, flag, value_faults


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


def heeded(format: str) -> tuple[str, ...]:  # noqa: A002 - the word of the command line
    """The options that a format heeds: its module's ``OPTIONS``, else all of them.

    ``jobs`` is heeded for every format whose files do not name their runs themselves (``NAMES_RUNS``).

    Raises:
        InputError: ``format-unknown``.
    """
    module = reader(format)
    named: tuple[str, ...] = getattr(module, "OPTIONS", ALL_OPTIONS)
    jobs = () if getattr(module, "NAMES_RUNS", False) else ("jobs",)
    return tuple(dict.fromkeys((*(name for name in named if name != "jobs"), *jobs)))


def check_options(format: str, options: ReadOptions) -> None:  # noqa: A002 - the word of the command line
    """Refuse what a format does not heed and what nothing can be read by: a declaration without effect misleads.

    Raises:
        InputError: ``format-unknown``, ``option-not-heeded``, ``option-value``, ``time-zone-unknown``; all at once.
    """
    allowed = heeded(format)
    if options.jobs is not None:
        allowed = tuple(dict.fromkeys((*allowed, "time_zone")))  # of the table's times
    expected = ", ".join(flag(name) for name in allowed) or "-"
    faults = [
        finding("option-not-heeded", found=flag(name), format=format, expected=expected)
        for name in options.declared()
        if name not in allowed
    ]
    faults += value_faults(options)
    if faults:
        raise InputError.from_findings(faults)
