"""Weights & Biases: the meter's numbers as metrics of the run, and its journal in the run's configuration.

>>> energy = energy_logger(meter)  # doctest: +SKIP
>>> energy.log()  # doctest: +SKIP
>>> wandb.log({"loss": loss})  # takes them along in its row # doctest: +SKIP
"""

from __future__ import annotations

from gxmeter.meter.hooks._figures import Figures
from gxmeter.meter.hooks._library import require
from gxmeter.meter.hooks._log import EnergyLogger
from gxmeter.meter.session import Meter


class WandbEnergy(EnergyLogger):
    """Logs to the W&B run that ``wandb.init`` made; where there is none, nothing is logged and none is made."""

    def __init__(self, figures: Figures) -> None:
        """Have W&B at hand.

        Raises:
            InputError: ``hook-library-missing``.
        """
        super().__init__(figures)
        self._wandb = require("wandb", "wandb")

    def _open(self) -> bool:
        return self._wandb.run is not None

    def _send(self, found: dict[str, float], step: int | None, axis: str | None) -> None:
        """With an axis a row of its own; with a step the row of that step; with neither the row that comes next."""
        if axis is not None:
            self._wandb.log({**found, axis: step})
        elif step is not None:
            self._wandb.log(found, step=step)
        else:
            self._wandb.log(found, commit=False)

    def _tag(self, tags: dict[str, str]) -> None:
        self._wandb.run.config.update(tags, allow_val_change=True)


def energy_logger(meter: Meter) -> EnergyLogger:
    """What logs a meter's energy to W&B: call its ``log()`` when it suits.

    Raises:
        InputError: ``hook-library-missing``: W&B cannot be imported.
    """
    return WandbEnergy(Figures(meter))
