"""A budget of energy, handed over as a plain number; passing it is said once and never ends a training by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from gxmeter.core.numbers import plain
from gxmeter.meter.sensors.base import Fault, fault
from gxmeter.meter.totals import UJ_PER_KWH, Totals


@dataclass(slots=True)
class Budget:
    """What a run may use.

    Attributes:
        kwh: the budget [kWh], or None for none.
        ratio: declared node / device energy [ratio], by which the measured energy is led up to the node.
    """

    kwh: Decimal | None = None
    ratio: Decimal = Decimal(1)
    over: bool = field(default=False, init=False)

    def limit_uj(self, *, node_metered: bool) -> int | None:
        """The budget as energy at the boundary that counts [uJ], rounded down; None where there is none."""
        if self.kwh is None:
            return None
        top, bottom = self.kwh.as_integer_ratio()
        ratio_top, ratio_bottom = (1, 1) if node_metered else self.ratio.as_integer_ratio()
        return top * UJ_PER_KWH * ratio_bottom // (bottom * ratio_top)

    def passed(self, totals: Totals) -> Fault | None:
        """The finding when the energy so far passes the budget, once."""
        limit_uj = self.limit_uj(node_metered=totals.node_uj is not None)
        if self.kwh is None or limit_uj is None or self.over or totals.total_uj <= limit_uj:
            return None
        self.over = True
        return fault("budget-passed", budget=plain(self.kwh))
