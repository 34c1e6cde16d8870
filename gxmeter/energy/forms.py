"""Which of the kernel's two forms takes a batch: numpy's, or the compiled one. Both give the same digits.

The compiled form is several times faster per row, but loading numba costs half a second and compiling, once per
machine, some seconds. So it comes in when this process has taken so many rows that it pays. The environment variable
``GXMETER_KERNEL`` (``auto``, ``numpy`` or ``compiled``) decides for tests and verifiers.
"""

from __future__ import annotations

import importlib.util
import os
from functools import cache

from gxmeter.core.errors import InputError

FORMS = ("auto", "numpy", "compiled")

PAYS_FROM_ROWS = 4_000_000
"""After this many rows the numpy form has cost about what loading the compiled one costs [rows]."""

LEAST_ROWS = 4_096
"""A smaller batch is not worth the change of form [rows]."""

MOST_ROWS = 1 << 20
"""A greater batch is a whole file out of order, which the compiled form would only hand back [rows]."""


class Forms:
    """The choice for one file."""

    _rows_taken = 0
    """By this process, over all files: what has been learnt about the size of the job."""

    def __init__(self) -> None:
        """Look at ``GXMETER_KERNEL``.

        Raises:
            InputError: ``kernel-form-unknown``, ``kernel-not-installed``.
        """
        self._form = os.environ.get("GXMETER_KERNEL") or "auto"
        if self._form not in FORMS:
            raise InputError("kernel-form-unknown", expected=", ".join(FORMS), found=self._form)
        if self._form == "compiled" and not _usable():
            raise InputError("kernel-not-installed")

    def compiled(self, rows: int) -> bool:
        """Whether the compiled form should take a batch of so many rows."""
        Forms._rows_taken += rows
        if self._form != "auto":
            return self._form == "compiled"
        return Forms._rows_taken >= PAYS_FROM_ROWS and LEAST_ROWS <= rows <= MOST_ROWS and _usable()


@cache
def _installed() -> bool:
    return importlib.util.find_spec("numba") is not None


@cache
def _usable() -> bool:
    """Whether the compiled form is there and keeps the rules."""
    if not _installed():
        return False
    from gxmeter.energy.compiled import agrees  # noqa: PLC0415 - heavy, loaded for many rows

    return agrees()
