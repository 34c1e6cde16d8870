"""MLflow: the meter's numbers as metrics of the active run, and its journal as a tag.

>>> energy = energy_logger(meter)  # doctest: +SKIP
>>> energy.log(step=100)  # doctest: +SKIP
"""

from __future__ import annotations

from gxmeter.meter.hooks._figures import Figures
from gxmeter.meter.hooks._library import require
from gxmeter.meter.hooks._log import EnergyLogger
from gxmeter.meter.session import Meter


class MlflowEnergy(EnergyLogger):
    """Logs to the active MLflow run; where the user's code has none open, nothing is logged and none is made."""

    def __init__(self, figures: Figures) -> None:
        """Have MLflow at hand.

        Raises:
            InputError: ``hook-library-missing``.
        """
        super().__init__(figures)
        self._mlflow = require("mlflow", "mlflow")

    def _open(self) -> bool:
        return self._mlflow.active_run() is not None

    def _send(self, found: dict[str, float], step: int | None, axis: str | None) -> None:  # noqa: ARG002 - MLflow has steps
        self._mlflow.log_metrics(found, step=step)

    def _tag(self, tags: dict[str, str]) -> None:
        self._mlflow.set_tags(tags)


def energy_logger(meter: Meter) -> EnergyLogger:
    """What logs a meter's energy to MLflow: call its ``log(step=...)`` when it suits.

    Raises:
        InputError: ``hook-library-missing``: MLflow cannot be imported.
    """
    return MlflowEnergy(Figures(meter))
