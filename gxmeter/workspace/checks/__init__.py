"""Checks over a whole workspace: one file each, picked up by being here.

A check is a module with ``CODES`` (every finding code it may raise) and
``check(workspace) -> list[Finding]``. Its cases lie in ``tests/unit/workspace/cases/``.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gxmeter.core.findings import Finding
    from gxmeter.workspace.loaded import Workspace


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its module name, with the codes it may raise."""

    name: str
    codes: tuple[str, ...]
    run: Callable[[Workspace], list[Finding]]


def all_checks() -> tuple[Check, ...]:
    """Every check of this folder, by name."""
    found: list[Check] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda item: item.name):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        found.append(Check(module.name, tuple(loaded.CODES), loaded.check))
    return tuple(found)
