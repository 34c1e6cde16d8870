"""Hugging Face Trainer: ``Trainer(..., callbacks=[GxmeterCallback(run="pretrain-1", site="tokyo-dc1")])``.

Measures from the beginning of ``train()`` to its end, with phases ``train``, ``eval`` and ``save``, and counts
optimizer steps, floating-point operations as the Trainer estimates them (``total_flos``), and tokens where
``TrainingArguments(include_num_input_tokens_seen=...)`` asks for them. ``energy_kwh`` and its companions come out
with the training's own metrics: in the progress line, ``trainer_state.json``, the result of ``train()``, and in
MLflow and W&B where ``report_to`` names them.
"""

# ruff: noqa: ANN401, ARG002 - events are called as the library calls them, with its own objects

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from gxmeter.meter.hooks import _log
from gxmeter.meter.hooks._library import base_class, require
from gxmeter.meter.hooks._run import EVAL, PREDICT, SAVE, TRAIN, MeteredRun, MeterOptions, harmless

if TYPE_CHECKING:
    from typing import Unpack

    from gxmeter.meter.session import Meter

KEY = "gxmeter"
"""Name under which the trainer's state, and so every checkpoint, keeps the link to the run."""

_Callback: Any = base_class("transformers", "TrainerCallback")


class GxmeterCallback(_Callback):  # type: ignore[misc]
    """Puts a ``Trainer`` under the meter.

    What a checkpoint keeps goes into the trainer's state by hand, and not by ``ExportableState``: that would fail on
    a checkpoint written before this callback was there, and would bring back the arguments of the earlier training.

    Args:
        stop_at_budget: end the training once a meter has passed ``budget_kwh``, after a checkpoint where the Trainer
            saves any. With several ranks they agree on it whenever the Trainer logs, where it waits for them anyway.
        **options: of :class:`gxmeter.Meter`.

    Raises:
        InputError: ``hook-library-missing``.
    """

    def __init__(self, *, stop_at_budget: bool = False, **options: Unpack[MeterOptions]) -> None:
        """Nothing is measured before ``train()``."""
        require("transformers", "transformers")
        super().__init__()
        self._run = MeteredRun(options, every_rank=True)
        self._stop_at_budget = stop_at_budget
        self._loggers: list[_log.EnergyLogger] = []
        self._next = ""
        self._linked = False
        self._tokens = 0
        self._flos = 0

    @property
    def meter(self) -> Meter | None:
        """The meter of the training that runs."""
        return self._run.meter

    def measure(self, phase: str = PREDICT) -> AbstractContextManager[None]:
        """Measure ``evaluate()`` or ``predict()`` outside ``train()``: ``with callback.measure("predict"): ...``.

        The Trainer tells its callbacks only afterwards which of the two it was.
        """
        return self._run.measure(phase)

    def stop(self) -> None:
        """End the measuring of a training that was broken off, such as in a notebook."""
        self._run.end("exception")

    # ------------------------------------------------------------------ events

    @harmless
    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the meter; one that goes on from a checkpoint is linked to the run that wrote it."""
        self._run.resume(_kept(state))
        self._run.begin(TRAIN)
        self._linked = False
        self._tokens, self._flos = state.num_input_tokens_seen, int(state.total_flos)
        self._loggers = [] if self._run.figures is None else _log.loggers(args.report_to or (), self._run.figures)
        self._keep_link(state)

    @harmless
    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Whatever was done between the epochs is over."""
        self._run.leave()

    @harmless
    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Whatever was done between the steps is over."""
        self._run.leave()

    @harmless
    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count the step; see what comes before the next one."""
        self._count(state, steps=1)
        if self._stop_at_budget and not _log.ranks_agree():
            self._end_training(args, control, over=self._run.over_budget)
        self._foresee(control)

    @harmless
    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """See what comes before the next epoch."""
        self._foresee(control)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """Add the energy to the metrics, on the rank that logs."""
        if self._stop_at_budget and self._run.active and _log.ranks_agree():
            # All ranks or none come here, and none may miss it: nothing that can fail stands before it.
            self._end_training(args, control, over=_log.any_rank(self._run.over_budget, args.device))
        self._add(state, logs)

    @harmless
    def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """An evaluation that was not foreseen."""
        self._run.enter(EVAL)

    @harmless
    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """An evaluation is over; a checkpoint may follow."""
        if control.should_save:
            self._run.enter(SAVE)
        else:
            self._run.leave()

    @harmless
    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A checkpoint is written."""
        self._run.leave()
        self._count(state)

    @harmless
    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop the meter."""
        self._count(state)
        self._keep_link(state)
        self._run.end()

    # ------------------------------------------------------------------ what the events share

    def _foresee(self, control: Any) -> None:
        """Begin the part that follows, at once or after the log before it, which still waits for the training."""
        self._next = EVAL if control.should_evaluate else SAVE if control.should_save else ""
        if self._next and not control.should_log:
            self._run.enter(self._next)

    def _count(self, state: Any, *, steps: int = 0) -> None:
        """Count what the trainer's state says; it speaks for all ranks, so the first one counts."""
        self._keep_link(state)
        tokens, flos = state.num_input_tokens_seen, int(state.total_flos)
        if state.is_world_process_zero:
            self._run.count(tokens=tokens - self._tokens, steps=steps, flop=flos - self._flos)
        self._tokens, self._flos = tokens, flos

    def _keep_link(self, state: Any) -> None:
        """Put run and journal into the trainer's state until both are known; the journal is some moments late."""
        if self._linked or not self._run.active or not isinstance(state.stateful_callbacks, dict):
            return
        link = self._run.link()
        self._linked = "journal" in link
        state.stateful_callbacks[KEY] = {"args": {}, "attributes": link}

    @harmless
    def _add(self, state: Any, logs: dict[str, float] | None) -> None:
        self._count(state)  # of the steps before: in the phase in which they were done
        if self._next:
            self._run.enter(self._next)
            self._next = ""
        # The metrics of an evaluation stay as they are: a search of hyperparameters adds them up.
        if logs is None or not state.is_world_process_zero or not ("loss" in logs or "train_runtime" in logs):
            return
        found = self._run.figures.now() if self._run.figures is not None else {}
        logs.update(found)
        if state.log_history and state.log_history[-1].get("step") == state.global_step:
            state.log_history[-1].update(found)
        for logger in self._loggers:
            logger.log(found, step=state.global_step, axis="train/global_step")

    @harmless
    def _end_training(self, args: Any, control: Any, *, over: bool) -> None:
        if over:
            control.should_training_stop = True
            control.should_save = control.should_save or str(getattr(args.save_strategy, "value", "no")) != "no"


def _kept(state: Any) -> Any:
    """What the checkpoint that the training goes on from kept, or None."""
    entries = state.stateful_callbacks
    entry = entries.get(KEY) if isinstance(entries, dict) else None
    return entry.get("attributes") if isinstance(entry, dict) else None
