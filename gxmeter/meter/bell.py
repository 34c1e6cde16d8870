"""A bell by which a training wakes the sampling thread, from wherever it is.

The training may ring in a signal handler that came in the middle of ringing, or the garbage collector may end a
forgotten meter there. ``threading.Event`` takes a lock that the same thread cannot take twice and would wait for ever;
the queue's ``put`` is made for this (queue, ``SimpleQueue``).
"""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue


class Bell:
    """Like ``threading.Event``, for one thread that waits; ringing it takes no lock."""

    def __init__(self) -> None:
        """It has not been rung."""
        self._rung = False
        self._strokes: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        """Ring it."""
        self._rung = True
        if self._strokes.empty():
            self._strokes.put(None)

    def is_set(self) -> bool:
        """Whether it was rung since it was last cleared."""
        return self._rung

    def clear(self) -> None:
        """Forget that it was rung."""
        self._rung = False
        try:
            while True:
                self._strokes.get_nowait()
        except Empty:
            return

    def wait(self, timeout_s: float) -> bool:
        """Wait until it is rung, at most ``timeout_s`` [s]; whether it was."""
        if self._rung:
            return True
        try:
            self._strokes.get(timeout=min(timeout_s, threading.TIMEOUT_MAX))
        except Empty:
            return self._rung
        return True
