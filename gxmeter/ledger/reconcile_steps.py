"""From energy as it was read to facility energy, step by step, each step an amount of its own.

``read x node x it x pue`` of a line (package.md 5.3) is the same as the sum of its parts: what was read, what the node
adds to its metered devices, what network and storage add to the nodes, what cooling and power losses add to the IT.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from gxmeter.core.numbers import EXACT, product, total
from gxmeter.ledger.drafts import ONE, ZERO
from gxmeter.ledger.terms import Portion


class Stepped(Protocol):
    """A line, or anything that steps outwards like one."""

    @property
    def portion(self) -> str:
        """it, overhead or facility."""

    @property
    def energy_kwh(self) -> Decimal:
        """As read [kWh]."""

    @property
    def step_node(self) -> Decimal:
        """Node over its metered devices [ratio]."""

    @property
    def step_it(self) -> Decimal:
        """All IT over the nodes [ratio]."""

    @property
    def step_pue(self) -> Decimal:
        """PUE - 1 on the portion overhead, else 1 [ratio]."""

    @property
    def share(self) -> Decimal:
        """The part that the company accounts for [ratio]."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Energy at the boundary where it was read, and what each step outwards adds [kWh]."""

    read_kwh: Decimal = ZERO
    node_kwh: Decimal = ZERO
    it_kwh: Decimal = ZERO
    pue_kwh: Decimal = ZERO

    @property
    def facility_kwh(self) -> Decimal:
        """The sum: facility energy [kWh], exact."""
        return total((self.read_kwh, self.node_kwh, self.it_kwh, self.pue_kwh))

    def __add__(self, other: Steps) -> Steps:
        """Add step by step."""
        return Steps(
            EXACT.add(self.read_kwh, other.read_kwh),
            EXACT.add(self.node_kwh, other.node_kwh),
            EXACT.add(self.it_kwh, other.it_kwh),
            EXACT.add(self.pue_kwh, other.pue_kwh),
        )


def steps_of(parts: Iterable[Stepped]) -> Steps | None:
    """The steps of some lines together, whose sum is that of the lines' ``facility_kwh``; None of no lines."""
    made = [_steps(part) for part in parts]
    return sum(made, Steps()) if made else None


def _steps(part: Stepped) -> Steps:
    if part.portion == Portion.OVERHEAD:
        return Steps(pue_kwh=product(part.energy_kwh, part.step_node, part.step_it, part.step_pue, part.share))
    read = product(part.energy_kwh, part.share)
    return Steps(
        read_kwh=read,
        node_kwh=product(read, EXACT.subtract(part.step_node, ONE)),
        it_kwh=product(read, part.step_node, EXACT.subtract(part.step_it, ONE)),
    )
