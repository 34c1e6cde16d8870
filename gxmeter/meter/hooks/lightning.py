"""PyTorch Lightning: ``Trainer(..., callbacks=[GxmeterCallback(run="finetune-3", site="tokyo-dc1")])``.

For ``lightning`` and ``pytorch_lightning`` from version 2 on. Measures ``fit``, ``validate``, ``test`` and ``predict``,
with phases ``train``, ``eval``, ``predict`` and ``save``, and counts optimizer steps, and tokens where it is told how.
``energy_kwh`` and its companions go to every logger of the Trainer, on its rhythm (``log_every_n_steps``), as plain
numbers: no tensor is made of them, so no device is waited for.
"""

# ruff: noqa: ANN401, ARG002 - events are called as the library calls them, with its own objects

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gxmeter.meter.hooks._library import base_class, require
from gxmeter.meter.hooks._run import EVAL, PREDICT, SAVE, TRAIN, MeteredRun, MeterOptions, complain, harmless

if TYPE_CHECKING:
    from typing import Unpack

    from gxmeter.meter.session import Meter

_STAGES = {"fit": TRAIN, "validate": EVAL, "test": EVAL, "predict": PREDICT}
_BY_PREFERENCE = ("lightning.pytorch", "pytorch_lightning")


def _name_here() -> str:
    """Lightning's name here: the one that the training has imported, else the one that can be."""
    for name in _BY_PREFERENCE:
        if name in sys.modules:
            return name
    return next((name for name in _BY_PREFERENCE if base_class(name, "Callback") is not object), _BY_PREFERENCE[0])


_NAME = _name_here()
_Callback: Any = base_class(_NAME, "Callback")


class GxmeterCallback(_Callback):  # type: ignore[misc]
    """Puts a Lightning ``Trainer`` under the meter.

    Args:
        tokens: says how many tokens a batch holds; by its shape, not by a value on a device, which would wait for it.
        stop_at_budget: end the training once a meter has passed ``budget_kwh``. With several ranks they agree on it
            every ``log_every_n_steps`` steps.
        **options: of :class:`gxmeter.Meter`.

    Raises:
        InputError: ``hook-library-missing``.
    """

    def __init__(
        self,
        *,
        tokens: Callable[[Any], int] | None = None,
        stop_at_budget: bool = False,
        **options: Unpack[MeterOptions],
    ) -> None:
        """Nothing is measured before the Trainer begins."""
        require(_NAME, "lightning")
        super().__init__()
        self._run = MeteredRun(options)
        self._tokens = tokens
        self._stop_at_budget = stop_at_budget
        self._step = self._logged_step = 0

    @property
    def meter(self) -> Meter | None:
        """The meter of the training that runs."""
        return self._run.meter

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: run and journal."""
        return self._run.link()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The training that begins goes on from this checkpoint's."""
        self._run.resume(state_dict)

    # ------------------------------------------------------------------ begin and end

    @harmless
    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Start the meter."""
        self._run.begin(TRAIN)

    @harmless
    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Steps are counted from here; a checkpoint that the training goes on from has set their number by now."""
        self._step = self._logged_step = trainer.global_step

    @harmless
    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """An evaluation, of the training or on its own."""
        self._part(trainer)

    @harmless
    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """An evaluation on its own."""
        self._part(trainer)

    @harmless
    def on_predict_start(self, trainer: Any, pl_module: Any) -> None:
        """A prediction on its own."""
        self._part(trainer)

    @harmless
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """The evaluation is over."""
        self._run.leave()

    @harmless
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """The training was broken off."""
        self._run.end("exception")

    @harmless
    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Stop the meter."""
        self._run.end()

    # ------------------------------------------------------------------ while it trains

    @harmless
    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Whatever was done between the epochs is over."""
        self._run.leave()

    @harmless
    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Whatever was done between the steps is over."""
        self._run.leave()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Count the batch; now and then log, and look at the budget."""
        stepped = trainer.global_step > self._step
        self._count(trainer, batch)
        if stepped and trainer.global_step % max(1, trainer.log_every_n_steps) == 0:
            self._log(trainer)
            if self._stop_at_budget:
                # Every rank comes here at the same step, and none may miss it: what stands before never fails.
                over = trainer.strategy.reduce_boolean_decision(self._run.over_budget, all=False)
                trainer.should_stop = trainer.should_stop or over
        elif self._stop_at_budget and trainer.world_size == 1 and self._run.over_budget:
            trainer.should_stop = True

    @harmless
    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """A checkpoint is being written; the next event says that it is."""
        self._run.enter(SAVE)

    @harmless
    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """The last numbers."""
        self._run.leave()
        self._log(trainer)

    def _part(self, trainer: Any) -> None:
        if self._run.active:
            self._run.enter(EVAL)
        else:
            self._run.begin(_STAGES.get(str(trainer.state.fn.value), EVAL))

    @harmless
    def _count(self, trainer: Any, batch: Any) -> None:
        """Steps are those of all ranks, so the first one counts them; tokens are each rank's own."""
        if trainer.is_global_zero:
            self._run.count(steps=trainer.global_step - self._step)
        self._step = trainer.global_step
        if self._tokens is not None:
            try:
                self._run.count(tokens=int(self._tokens(batch)))
            except Exception as error:  # noqa: BLE001 - the user's function must not end the user's training
                complain(error)

    @harmless
    def _log(self, trainer: Any) -> None:
        """Log on the rank that logs, in the row of the step that has just been done."""
        if trainer.is_global_zero and self._run.figures is not None and trainer.global_step > self._logged_step:
            self._logged_step = trainer.global_step
            found = self._run.figures.now()
            for logger in trainer.loggers if found else ():
                logger.log_metrics(found, step=trainer.global_step - 1)
