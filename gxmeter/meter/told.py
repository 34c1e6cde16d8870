"""What the training tells of itself while it runs: kept until the sampling thread writes it down.

Telling costs a microsecond and takes no lock: a deque's append is atomic. This module is loaded in the training's own
thread, so it imports next to nothing.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from gxmeter.meter.ticks import Moment, Ticks

MAX_WAITING = 100_000
"""Told things that may wait for the sampling thread; more are dropped from the oldest on."""

_MAX_NAME = 80


class Counted(NamedTuple):
    """Work that was done since the last time it was told."""

    at: Moment
    tokens: int
    steps: int
    flop: int


class Turned(NamedTuple):
    """A phase that began or ended."""

    at: Moment
    name: str
    begins: bool


class Noted(NamedTuple):
    """A finding of whoever runs the meter: a message code and the values of its holes."""

    at: Moment
    code: str
    params: dict[str, str]


class Told:
    """Phases, counts and findings that no record holds yet.

    Attributes:
        waiting: phases and counts, in order.
        notes: findings, in order.
        turned: whether a phase began or ended among it.
    """

    def __init__(self, ticks: Ticks) -> None:
        """Nothing has been told."""
        self.waiting: deque[Counted | Turned] = deque(maxlen=MAX_WAITING)
        self.notes: deque[Noted] = deque(maxlen=MAX_WAITING)
        self.turned = False
        self._ticks = ticks

    def count(self, tokens: int, steps: int, flop: int) -> None:
        """Work was done; a negative number counts nothing.

        Raises:
            TypeError, ValueError, OverflowError: something that is no whole number and cannot be made one.
        """
        amounts = [max(0, int(amount)) for amount in (tokens, steps, flop)]
        if any(amounts):
            self.waiting.append(Counted(self._ticks.now(), *amounts))

    def turn(self, name: str, *, begins: bool) -> None:
        """A phase began or ended."""
        self.waiting.append(Turned(self._ticks.now(), str(name)[:_MAX_NAME] or "-", begins))
        self.turned = True

    def note(self, code: str, params: dict[str, str]) -> None:
        """There is a finding."""
        self.notes.append(Noted(self._ticks.now(), code, params))
