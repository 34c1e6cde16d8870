"""One line on the training's standard error, and never at the training's cost.

Standard error is the training's own. It may be closed, replaced by an object of whatever kind, or a pipe that nobody
reads: a write to a full one would wait for ever, and with it the lock that the whole process writes under. So a line
for which there is no room is not said; it stands in the record. This module is loaded in the training's own thread, so
it imports next to nothing.
"""

from __future__ import annotations

import select
import sys
from typing import TextIO


def tell(line: str) -> None:
    """Say a line, or do not, but never wait or raise."""
    stream = sys.stderr
    try:
        if has_room(stream):
            stream.write(line + "\n")
            stream.flush()
    except Exception:  # noqa: BLE001 - the training's own stream may raise anything
        return


def has_room(stream: TextIO, wait_ms: int = 0) -> bool:
    """Whether a line can be written at once; a stream that is no file of the system is taken at its word.

    A pipe is called writable while it has room for 4,096 bytes (pipe(7)), more than any line of ours.

    Args:
        stream: where the line shall go.
        wait_ms: how long to wait for room [ms].
    """
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return True
    asked = select.poll()
    asked.register(number, select.POLLOUT)
    return any(events & select.POLLOUT for _, events in asked.poll(wait_ms))
