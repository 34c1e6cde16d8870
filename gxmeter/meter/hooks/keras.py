"""Keras 3: ``model.fit(..., callbacks=[GxmeterCallback(run="finetune-3", site="tokyo-dc1")])``, any back end.

Measures ``fit``, and ``evaluate`` and ``predict`` where the callback is given to them, with phases ``train``, ``eval``
and ``predict``, and counts batches as steps. ``energy_kwh`` and its companions join the logs of every epoch: the
progress bar, ``History``, and each callback that comes after this one, such as ``CSVLogger`` and ``TensorBoard``.
"""

# ruff: noqa: ARG002 - events are called as the library calls them

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gxmeter.core.errors import InputError
from gxmeter.meter.hooks._library import base_class, require
from gxmeter.meter.hooks._log import first_rank
from gxmeter.meter.hooks._run import EVAL, PREDICT, TRAIN, MeteredRun, MeterOptions, harmless
from gxmeter.meter.host.launch import read_launch

if TYPE_CHECKING:
    from typing import Unpack

    from gxmeter.meter.session import Meter

_Callback: Any = base_class("keras.callbacks", "Callback")


class GxmeterCallback(_Callback):  # type: ignore[misc]
    """Puts a Keras model under the meter.

    Args:
        tokens_per_batch: how many tokens a batch of ``fit`` holds on this rank, where that is known.
        stop_at_budget: end the training once the meter has passed ``budget_kwh``.
        **options: of :class:`gxmeter.Meter`.

    Raises:
        InputError: ``hook-library-missing``; ``hook-stop-needs-one-process``.
    """

    def __init__(
        self, *, tokens_per_batch: int = 0, stop_at_budget: bool = False, **options: Unpack[MeterOptions]
    ) -> None:
        """Nothing is measured before ``fit``."""
        require("keras", "keras")
        world = read_launch(os.environ).world or 1
        if stop_at_budget and world > 1:
            raise InputError("hook-stop-needs-one-process", hook=f"{__name__}.GxmeterCallback", found=world)
        super().__init__()
        # Keras would fetch the metrics from the device after every batch for a callback that is not safe beside it.
        self.async_safe = True
        self._run = MeteredRun(options)
        self._tokens_per_batch = tokens_per_batch
        self._stop_at_budget = stop_at_budget
        self._batch = -1

    @property
    def meter(self) -> Meter | None:
        """The meter of the training that runs."""
        return self._run.meter

    def state_dict(self) -> dict[str, str]:
        """Run and journal, to be kept beside a saved model: ``GxmeterCallback(resumes=kept["journal"])`` goes on."""
        return self._run.link()

    def stop(self) -> None:
        """End the measuring of a training that was broken off, such as in a notebook."""
        self._run.end("exception")

    # ------------------------------------------------------------------ events

    @harmless
    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the meter."""
        self._run.begin(TRAIN)

    @harmless
    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Stop the meter."""
        self._run.end()

    @harmless
    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Batches are numbered anew."""
        self._batch = -1

    @harmless
    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Count; one call may stand for several batches (``steps_per_execution``)."""
        batches, self._batch = batch - self._batch, batch
        self._run.count(tokens=batches * self._tokens_per_batch, steps=batches if first_rank() else 0)
        if self._stop_at_budget and self._run.over_budget:
            self.model.stop_training = True

    @harmless
    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add the energy to the epoch's logs, on the first rank."""
        if logs is not None and self._run.figures is not None and first_rank():
            logs.update(self._run.figures.now())

    @harmless
    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """An evaluation, of the training or on its own."""
        self._enter(EVAL)

    @harmless
    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """The evaluation is over."""
        self._leave(EVAL)

    @harmless
    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """A prediction."""
        self._enter(PREDICT)

    @harmless
    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """The prediction is over."""
        self._leave(PREDICT)

    def _enter(self, phase: str) -> None:
        (self._run.enter if self._run.active else self._run.begin)(phase)

    def _leave(self, phase: str) -> None:
        if self._run.phase == phase:
            self._run.end()
        else:
            self._run.leave()
