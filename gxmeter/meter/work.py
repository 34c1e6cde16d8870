"""From what the training told to records: phases, and counts added up between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gxmeter.core.journal import BEGIN, END, Count, Phase
from gxmeter.core.phases import PhaseSums
from gxmeter.meter.ticks import Moment
from gxmeter.meter.told import MAX_COUNT, MAX_FLOP, Counted, Told


@dataclass(slots=True)
class Work:
    """Writes down what was told. ``tokens``, ``steps`` and ``flop`` are sums of what has been written."""

    told: Told
    tokens: int = 0
    steps: int = 0
    flop: int = 0

    @property
    def waiting(self) -> bool:
        """Whether something was told that no record holds yet."""
        return bool(self.told.waiting)

    def dropped(self) -> int:
        """How often something told had to be dropped since this was last asked."""
        dropped, self.told.dropped = self.told.dropped, 0
        return dropped

    @property
    def turned(self) -> bool:
        """Whether a phase began or ended that no record holds yet."""
        return self.told.turned

    def records(self, until: Moment, phases: PhaseSums) -> Iterator[Phase | Count]:
        """What was told up to a moment as records in order; neighbouring counts become one. Told to ``phases`` too."""
        sums: list[Counted] = []
        self.told.turned = False
        waiting = self.told.waiting
        while waiting and waiting[0].at.mono_ns <= until.mono_ns:
            said = waiting.popleft()
            if isinstance(said, Counted):
                sums.append(said)
                continue
            yield from self._counted(sums)
            (phases.begin if said.begins else phases.end)(said.at.mono_ns, said.name)
            yield Phase(0, said.at.utc_ms, said.at.mono_ns, said.name, BEGIN if said.begins else END)
        yield from self._counted(sums)

    def _counted(self, told: list[Counted]) -> Iterator[Count]:
        """The sum of what was told as one record, or as more where one cannot hold it; ``told`` is empty then."""
        while told:
            sums, at, taken = (0, 0, 0), told[0].at, 0
            for said in told:
                more = (sums[0] + said.tokens, sums[1] + said.steps, sums[2] + said.flop)
                if taken and (max(more[:2]) > MAX_COUNT or more[2] > MAX_FLOP):
                    break
                sums, at, taken = more, said.at, taken + 1
            del told[:taken]
            self.tokens, self.steps, self.flop = self.tokens + sums[0], self.steps + sums[1], self.flop + sums[2]
            yield Count(0, at.utc_ms, at.mono_ns, *sums)
