"""Phases and counted work: told from the training's threads, written down by the sampling thread.

Telling costs a microsecond and takes no lock: a deque's append is atomic. What was told since the last interval
becomes records before the interval that it belongs to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from gxmeter.core.journal import BEGIN, Count, Phase
from gxmeter.core.phases import PhaseSums
from gxmeter.meter.ticks import Moment, Ticks

MAX_WAITING = 100_000
"""Told things that may wait for the sampling thread; more are dropped from the oldest on."""

_MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class _Counted:
    at: Moment
    tokens: int
    steps: int
    flop: int


@dataclass(frozen=True, slots=True)
class _Turned:
    at: Moment
    name: str
    event: str


@dataclass(slots=True)
class Work:
    """What the training says about itself. ``tokens``, ``steps`` and ``flop`` are sums of what was written down.

    ``turned``: whether a phase began or ended that no record holds yet.
    """

    ticks: Ticks
    tokens: int = 0
    steps: int = 0
    flop: int = 0
    turned: bool = False
    _told: deque[_Counted | _Turned] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))

    def count(self, tokens: int, steps: int, flop: int) -> None:
        """Work was done; numbers that are no whole numbers from 0 on are taken as what they round down to."""
        amounts = [max(0, int(amount)) for amount in (tokens, steps, flop)]
        if any(amounts):
            self._told.append(_Counted(self.ticks.now(), *amounts))

    def turn(self, name: str, event: str) -> None:
        """A phase began or ended."""
        self._told.append(_Turned(self.ticks.now(), str(name)[:_MAX_NAME] or "-", event))
        self.turned = True

    @property
    def waiting(self) -> bool:
        """Whether something was told that no record holds yet."""
        return bool(self._told)

    def records(self, until: Moment, phases: PhaseSums) -> Iterator[Phase | Count]:
        """What was told up to a moment as records in order; neighbouring counts become one. Told to ``phases`` too."""
        sums: list[_Counted] = []
        self.turned = False
        while self._told and self._told[0].at.mono_ns <= until.mono_ns:
            told = self._told.popleft()
            if isinstance(told, _Counted):
                sums.append(told)
                continue
            yield from self._counted(sums)
            (phases.begin if told.event == BEGIN else phases.end)(told.at.mono_ns, told.name)
            yield Phase(0, told.at.utc_ms, told.at.mono_ns, told.name, told.event)
        yield from self._counted(sums)

    def _counted(self, told: list[_Counted]) -> Iterator[Count]:
        if told:
            at = told[-1].at
            tokens, steps, flop = (sum(getattr(one, name) for one in told) for name in ("tokens", "steps", "flop"))
            self.tokens, self.steps, self.flop = self.tokens + tokens, self.steps + steps, self.flop + flop
            told.clear()
            yield Count(0, at.utc_ms, at.mono_ns, tokens, steps, flop)
