"""``@gxmeter.metered``: every call of a function is a measured block."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from decimal import Decimal
from typing import ParamSpec, TypeVar

from gxmeter.core.errors import InputError
from gxmeter.meter.session import Meter

P = ParamSpec("P")
R = TypeVar("R")

_CO_GENERATOR, _CO_COROUTINE, _CO_ASYNC_GENERATOR = 0x20, 0x80, 0x200


def metered(
    run: str | None = None,
    site: str | None = None,
    workspace: str | os.PathLike[str] | None = None,
    *,
    period_s: float = 1.0,
    node_overhead: Decimal | str | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function so that every call is measured as a :class:`Meter` block; arguments as there.

    Raises:
        InputError: ``metered-needs-plain-function`` for async functions and generators, whose call returns
            before their work is done.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & (_CO_GENERATOR | _CO_COROUTINE | _CO_ASYNC_GENERATOR):
            raise InputError("metered-needs-plain-function", found=getattr(function, "__name__", "?"))

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with Meter(run, site, workspace, period_s=period_s, node_overhead=node_overhead):
                return function(*args, **kwargs)

        return call

    return decorate
