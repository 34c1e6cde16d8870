"""Whose exception it is: a signal handler of the training may raise while the training is in here."""

from __future__ import annotations

import os

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120 - pathlib is not loaded here
_STANDARD = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120
_PACKAGES = tuple(os.path.join(_STANDARD, name) for name in ("site-packages", "dist-packages"))  # noqa: PTH118


def is_foreign(error: BaseException) -> bool:
    """Whether an exception was raised by code that is neither gxmeter's nor Python's own.

    A timeout by ``signal.alarm`` is such a one: to swallow it would take the training's own guard away.
    """
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename
    python = file.startswith("<frozen ") or (file.startswith(_STANDARD) and not file.startswith(_PACKAGES))
    return not (file.startswith(_OURS) or python)
