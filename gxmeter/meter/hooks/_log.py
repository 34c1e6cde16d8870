"""What the metric loggers share: which rank logs, when all ranks must agree, and a logger that never fails."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from gxmeter.meter.hooks._figures import Figures
from gxmeter.meter.hooks._run import complain
from gxmeter.meter.host.launch import read_launch


def first_rank() -> bool:
    """Whether this process is the one of its job that logs: the first rank, or the only one."""
    distributed = _distributed()
    return distributed.get_rank() == 0 if distributed is not None else not read_launch(os.environ).rank


def ranks_agree() -> bool:
    """Whether there are other ranks that must not be left waiting."""
    distributed = _distributed()
    return distributed is not None and distributed.get_world_size() > 1


def any_rank(said: bool, device: Any) -> bool:  # noqa: FBT001, ANN401 - a torch device
    """Whether any rank says so; every rank must ask at the same moment.

    Args:
        said: what this one says.
        device: of this rank's tensors, for back ends that know no others.
    """
    torch = sys.modules["torch"]
    distributed = torch.distributed
    on_host = "gloo" in str(distributed.get_backend())
    vote = torch.tensor(int(said), device="cpu" if on_host else device)
    distributed.all_reduce(vote, op=distributed.ReduceOp.MAX)
    return bool(vote.item())


def _distributed() -> Any:  # noqa: ANN401 - torch.distributed where its group is made, else None
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    ready = distributed is not None and distributed.is_available() and distributed.is_initialized()
    return distributed if ready else None


class EnergyLogger(ABC):
    """Hands the figures of a run to a metric logger; what goes wrong there is said once and harms nothing."""

    def __init__(self, figures: Figures) -> None:
        """Nothing is logged yet."""
        self._figures = figures
        self._named = ""

    def log(self, found: dict[str, float] | None = None, *, step: int | None = None, axis: str | None = None) -> None:
        """Log the energy so far, on the first rank, where the user's code has a run open.

        Args:
            found: the metrics; left out, what can be said now.
            step: of the training.
            axis: name of a metric that says the step instead, for loggers whose rows have no free number.
        """
        try:
            if not first_rank() or not self._open():
                return
            found = self._figures.now() if found is None else found
            if found:
                self._send(found, step, axis)
                self._name()
        except Exception as error:  # noqa: BLE001 - promise 9: no exception ever reaches the training
            complain(error)

    def _name(self) -> None:
        """Note run and journal beside the metrics, once they are known."""
        meter = self._figures.meter
        journal = meter.journal.name if meter.journal else ""
        if journal != self._named:
            self._tag({"gxmeter.run": meter.result.run, "gxmeter.journal": journal})
            self._named = journal

    @abstractmethod
    def _open(self) -> bool:
        """Whether there is a run to log to; none is ever made here."""

    @abstractmethod
    def _send(self, found: dict[str, float], step: int | None, axis: str | None) -> None:
        """Log the metrics."""

    @abstractmethod
    def _tag(self, tags: dict[str, str]) -> None:
        """Note texts about the run."""


def loggers(names: Iterable[str], figures: Figures) -> list[EnergyLogger]:
    """The loggers that a trainer reports to, as far as there is one here for them."""
    from gxmeter.meter.hooks import mlflow, wandb  # noqa: PLC0415 - they build on this file

    known = {"mlflow": mlflow.MlflowEnergy, "wandb": wandb.WandbEnergy}
    return [known[name](figures) for name in names if name in known]
