"""The library that a hook is for: there, or a sentence that says how to get it before the training begins."""

from __future__ import annotations

import importlib
from typing import Any

from gxmeter.core.errors import InputError


def require(module: str, package: str) -> Any:  # noqa: ANN401 - a module is whatever it is
    """The module of a library.

    Args:
        module: its name in Python.
        package: what pip calls it.

    Raises:
        InputError: ``hook-library-missing``: it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError("hook-library-missing", module=module, package=package, reason=str(error)) from error


def base_class(module: str, name: str) -> Any:  # noqa: ANN401 - a class that type checkers cannot see
    """The class to inherit from, or ``object`` where its library is not there; :func:`require` says so later."""
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError:
        return object
