"""The numbers that a logger gets: energy so far, its emissions, and energy per token.

They are for looking at while a training runs. The record is the journal; reports are made from that alone.
"""

from __future__ import annotations

import os
from decimal import Decimal

from gxmeter.core.numbers import product
from gxmeter.meter.hooks._host import HostEnergy
from gxmeter.meter.host.launch import read_launch
from gxmeter.meter.session import Meter
from gxmeter.meter.totals import to_kwh

ENERGY = "energy_kwh"
EMISSIONS = "emissions_kg"
PER_TOKEN = "energy_j_per_token"  # noqa: S105 - no secret
"""Names of the metrics: energy of this host's devices so far [kWh], its emissions by the factor that was handed over
[kg-CO2], energy per token so far [J]."""

_UJ_PER_J = 1_000_000


class Figures:
    """What can be said now about the run on this host.

    Args:
        meter: the process's meter; where another one measures this host, what its journal says is added.
        every_rank: whether the tokens that the meter counts are those of all ranks, and not of this one alone.
    """

    def __init__(self, meter: Meter, *, every_rank: bool = False) -> None:
        """Read the ranks from the environment."""
        launch = read_launch(os.environ)
        alone = (launch.world or 1) == 1
        one_host = alone or launch.nodes == 1
        self.meter = meter
        self._host = HostEnergy(meter)
        # Energy of one host over the tokens of another share of the ranks would be no ratio of anything.
        self._per_token = alone or (every_rank and one_host)

    def now(self) -> dict[str, float]:
        """The metrics by name; empty while nothing was measured. Loggers take floats; the record holds none."""
        energy_uj = self._host.energy_uj()
        if not energy_uj:  # a zero would be no measurement
            return {}
        energy_kwh = to_kwh(Decimal(energy_uj))
        found = {ENERGY: float(energy_kwh)}
        if self.meter.kg_per_kwh is not None:
            found[EMISSIONS] = float(product(energy_kwh, self.meter.kg_per_kwh))
        tokens = self.meter.result.tokens if self._per_token else 0
        if tokens:
            found[PER_TOKEN] = energy_uj / (tokens * _UJ_PER_J)
        return found
