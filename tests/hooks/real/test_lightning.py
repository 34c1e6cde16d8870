"""The Lightning Trainer itself, with a model of one layer, under the meter."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import tiny_lightning
from hook_helpers import FACTOR, journals, script, wait_for_numbers
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from gxmeter.meter.hooks.lightning import GxmeterCallback


class Patient(Callback):
    """Waits for the first number; may fail at a batch."""

    def __init__(self, hook: GxmeterCallback, fail_at: int = -1) -> None:
        self.hook, self.fail_at = hook, fail_at

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        wait_for_numbers(self.hook.meter, steps=min(1, batch_idx))
        if batch_idx == self.fail_at:
            raise ZeroDivisionError("the training's own mistake")


def hook(**changes: object) -> GxmeterCallback:
    return GxmeterCallback(**{"run": "pl-1", "kg_per_kwh": FACTOR, "period_s": 0.1, **changes})


def trainer(folder: Path, *callbacks: Callback, **changes: object) -> Trainer:
    usual = {
        "default_root_dir": folder,
        "max_epochs": 2,
        "accelerator": "cpu",
        "logger": CSVLogger(folder, name="csv", version=0),
        "log_every_n_steps": 2,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": any(isinstance(callback, ModelCheckpoint) for callback in callbacks),
    }
    return Trainer(**{**usual, **changes}, callbacks=list(callbacks))


def test_a_fit_leaves_phases_counts_and_energy_in_the_record_and_figures_in_every_logger(workspace, capfd):
    callback = hook(tokens=lambda batch: batch[0].numel())
    keep = ModelCheckpoint(dirpath=workspace.parent / "kept", every_n_epochs=1)
    made = trainer(workspace.parent, callback, Patient(callback), keep)
    made.fit(tiny_lightning.Model(), tiny_lightning.batches(), tiny_lightning.batches())

    [left] = journals(workspace)
    assert (left.head.run, left.end) == ("pl-1", "stop")
    assert left.phases[0] == "train"
    assert set(left.phases) == {"train", "eval", "save"}
    assert left.phases.count("save") == 2
    assert (left.steps, left.tokens) == (8, 2 * tiny_lightning.ROWS * tiny_lightning.WIDTH)
    assert set(left.by_phase) == {"train"}
    assert left.energy_uj > 0
    rows = list(csv.DictReader((workspace.parent / "csv" / "version_0" / "metrics.csv").open()))
    figures = [row for row in rows if row.get("energy_kwh")]
    assert [int(row["step"]) for row in figures] == [1, 3, 5, 7]
    assert [int(row["step"]) for row in rows if row["train_loss"]] == [1, 3, 5, 7], "the steps of the training's own"
    assert float(figures[-1]["emissions_kg"]) == pytest.approx(float(figures[-1]["energy_kwh"]) * float(FACTOR))
    assert float(figures[-1]["energy_j_per_token"]) > 0
    assert "gxmeter:" not in "".join(capfd.readouterr())


def test_a_fit_that_goes_on_from_a_checkpoint_names_the_journal(workspace):
    first = hook(run=None)
    made = trainer(workspace.parent, first, Patient(first))
    made.fit(tiny_lightning.Model(), tiny_lightning.batches())
    made.save_checkpoint(workspace.parent / "kept.ckpt")
    again = hook(run=None)
    trainer(workspace.parent, again, Patient(again), max_epochs=3).fit(
        tiny_lightning.Model(), tiny_lightning.batches(), ckpt_path=workspace.parent / "kept.ckpt", weights_only=False
    )
    before, after = journals(workspace)
    assert (after.head.resumes, after.head.run) == (before.head.journal, before.head.run)
    assert (before.steps, after.steps) == (8, 4)


def test_an_exception_of_the_training_goes_its_way_and_closes_the_record(workspace):
    callback = hook()
    with pytest.raises(ZeroDivisionError, match="the training's own mistake"):
        trainer(workspace.parent, callback, Patient(callback, fail_at=2)).fit(
            tiny_lightning.Model(), tiny_lightning.batches()
        )
    [left] = journals(workspace)
    assert (left.end, left.steps) == ("exception", 2)


def test_a_function_for_tokens_that_fails_is_told_once_and_harms_nothing(workspace, capfd):
    callback = hook(tokens=lambda batch: batch["no such key"])
    made = trainer(workspace.parent, callback, Patient(callback))
    made.fit(tiny_lightning.Model(), tiny_lightning.batches())
    assert made.global_step == 8
    [left] = journals(workspace)
    assert (left.steps, left.tokens) == (8, 0)
    assert capfd.readouterr().err.count("A hook of the meter failed") == 1


def test_a_fit_over_its_budget_stops(workspace):
    callback = hook(budget_kwh="0.000001", stop_at_budget=True)
    made = trainer(workspace.parent, callback, Patient(callback), max_epochs=100_000, log_every_n_steps=50)
    made.fit(tiny_lightning.Model(), tiny_lightning.batches())
    assert 0 < made.global_step < 400_000
    assert journals(workspace)[0].end == "stop"


def test_a_trainer_may_validate_test_and_predict_on_its_own(workspace):
    callback = hook()
    made = trainer(workspace.parent, callback)
    model = tiny_lightning.Model()
    made.validate(model, tiny_lightning.batches(), verbose=False)
    made.test(model, tiny_lightning.batches(), verbose=False)
    made.predict(model, tiny_lightning.batches())
    assert callback.meter is None
    phases = [left.phases for left in journals(workspace)]
    assert phases in ([["eval"], ["eval"], ["predict"]], [["eval", "eval"], ["eval", "eval"], ["predict"]])


def test_the_older_name_of_the_library_will_do(workspace):
    done = script("older_name.py", workspace)
    assert done.returncode == 0, done.stderr[-2000:]
    [left] = journals(workspace)
    assert (left.steps, left.end) == (4, "stop")
