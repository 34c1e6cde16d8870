"""What the training tells of itself while it runs: kept until the sampling thread writes it down.

Telling costs a microsecond and takes no lock: a deque's append is atomic. This module is loaded in the training's own
thread, so it imports next to nothing.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from gxmeter.meter.ticks import Moment, Ticks

MAX_WAITING = 100_000
"""Told things that may wait for the sampling thread; more are dropped from the oldest on, which is said."""

MAX_COUNT = 1 << 60
"""Most tokens or steps that one record holds (docs/reference/journal.md, section 2)."""

MAX_FLOP = 10**30 - 1
"""Most operations that one record holds [FLOP] (the same, section 3)."""

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
        dropped: how often something had to be dropped since that was last said.
    """

    def __init__(self, ticks: Ticks) -> None:
        """Nothing has been told."""
        self.waiting: deque[Counted | Turned] = deque(maxlen=MAX_WAITING)
        self.notes: deque[Noted] = deque(maxlen=MAX_WAITING)
        self.turned = False
        self.dropped = 0
        self._ticks = ticks

    def count(self, tokens: int, steps: int, flop: int) -> None:
        """Work was done, as :func:`whole_amounts` gave it."""
        if tokens or steps or flop:
            self._wait(Counted(self._ticks.now(), tokens, steps, flop))

    def turn(self, name: str, *, begins: bool) -> None:
        """A phase began or ended."""
        self._wait(Turned(self._ticks.now(), _shown(name), begins))
        self.turned = True

    def _wait(self, said: Counted | Turned) -> None:
        if len(self.waiting) >= MAX_WAITING:
            self.dropped += 1
        self.waiting.append(said)

    def note(self, code: str, params: dict[str, str]) -> None:
        """There is a finding."""
        self.notes.append(Noted(self._ticks.now(), code, params))


def are_plain(tokens: object, steps: object, flop: object) -> bool:
    """Whether the amounts are integers that a record can hold as they are."""
    if not (type(tokens) is int and type(steps) is int and type(flop) is int):
        return False
    return 0 <= tokens <= MAX_COUNT and 0 <= steps <= MAX_COUNT and 0 <= flop <= MAX_FLOP


def whole_amounts(tokens: object, steps: object, flop: object) -> tuple[int, int, int]:
    """The amounts as integers that a record can hold.

    Raises:
        TypeError, ValueError, OverflowError: one is no whole number from 0 on or too great; nothing is to be counted.
    """
    return _whole("tokens", tokens, MAX_COUNT), _whole("steps", steps, MAX_COUNT), _whole("flop", flop, MAX_FLOP)


def _whole(name: str, amount: object, most: int) -> int:
    number = int(amount)  # type: ignore[call-overload]
    if number > most:
        raise OverflowError(f"{name} of more than {most}")
    if number < 0 or number != amount:
        raise ValueError(f"{name}={amount!r}")
    return int(number)


def _shown(name: object) -> str:
    """A name of at most 80 characters on one line: what is not printable is replaced, the ideographic space stays."""
    try:
        text = str(name)[:_MAX_NAME] or "-"
    except Exception:  # noqa: BLE001 - an object that is no name may raise anything when it is asked for one
        return "-"
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign == "\u3000" else "\N{REPLACEMENT CHARACTER}" for sign in text)
