"""The Hugging Face Trainer itself, with a tiny model, under the meter."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from pathlib import Path

import pytest
import tiny_gpt
from hook_helpers import FACTOR, journals, script, wait_for_numbers
from transformers import Trainer, TrainerCallback

from gxmeter.meter.hooks.huggingface import GxmeterCallback

STEP_TOKENS = 4 * tiny_gpt.TOKENS


class Patient(TrainerCallback):
    """Waits for the first number, so that a training of milliseconds has something to log; may fail at a step."""

    def __init__(self, hook: GxmeterCallback, fail_at: int = 0) -> None:
        self.hook, self.fail_at = hook, fail_at

    def on_train_begin(self, args, state, control, **_):
        self.first = state.global_step + 1

    def on_step_end(self, args, state, control, **_):
        wait_for_numbers(self.hook.meter, steps=min(1, state.global_step - self.first))
        if state.global_step == self.fail_at:
            raise ZeroDivisionError("the training's own mistake")


def hook(**changes: object) -> GxmeterCallback:
    return GxmeterCallback(**{"run": "hf-1", "kg_per_kwh": FACTOR, "period_s": 0.1, **changes})


def trained(workspace: Path, callback: GxmeterCallback, fail_at: int = 0, **changes: object) -> Trainer:
    made = tiny_gpt.trainer(workspace.parent / "out", callback, Patient(callback, fail_at), **changes)
    made.train()
    return made


def test_a_training_leaves_phases_counts_and_energy_in_the_record_and_figures_in_the_logs(workspace, capfd):
    plan = {"eval_strategy": "steps", "eval_steps": 4, "save_strategy": "steps", "save_steps": 4}
    made = trained(workspace, hook(), **plan)

    [left] = journals(workspace)
    assert (left.head.run, left.head.site, left.end) == ("hf-1", "lab", "stop")
    assert left.phases == ["train", "eval", "save", "eval", "save"]
    assert (left.steps, left.tokens, left.flop) == (8, 8 * STEP_TOKENS, int(made.state.total_flos))
    assert set(left.by_phase) == {"train"}, "what was done in training stands in no other phase"
    assert left.energy_uj > 0

    first, last = (row for row in made.state.log_history if "loss" in row)
    assert 0 < first["energy_kwh"] < last["energy_kwh"] <= left.energy_uj / 3.6e12
    assert last["emissions_kg"] == pytest.approx(last["energy_kwh"] * float(FACTOR), rel=1e-9)
    assert last["energy_j_per_token"] > 0
    kept = json.loads((Path(made.args.output_dir) / "checkpoint-8" / "trainer_state.json").read_text())
    assert kept["stateful_callbacks"]["gxmeter"]["attributes"] == {"run": "hf-1", "journal": left.head.journal}
    printed = capfd.readouterr()
    assert "energy_kwh" in printed.out, "the Trainer prints its metrics, and the energy is one of them"
    assert "gxmeter" not in printed.out + printed.err, "the hook itself says nothing"


def test_the_result_of_train_has_the_figures_and_that_of_evaluate_has_not(workspace):
    callback = hook()
    made = tiny_gpt.trainer(workspace.parent / "out", callback, Patient(callback), eval_strategy="epoch")
    assert made.train().metrics["energy_kwh"] > 0
    # A search of hyperparameters minimises the sum of an evaluation's metrics; energy must not be in it.
    assert not [name for row in made.state.log_history if "eval_loss" in row for name in row if "energy" in name]
    assert not [name for name in made.evaluate() if "energy" in name]


def test_a_reporter_that_stands_behind_the_hook_gets_the_figures(workspace):
    told = []

    class Reporter(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **_):
            told.append("energy_kwh" in logs)

    callback = hook()
    made = tiny_gpt.trainer(workspace.parent / "out", Reporter(), Patient(callback))
    made.callback_handler.callbacks.insert(1, callback)
    made.train()
    assert told
    assert all(told)
    [left] = journals(workspace)
    assert (left.steps, left.end) == (8, "stop")


def test_a_training_that_goes_on_from_a_checkpoint_is_the_same_run_and_names_the_journal(workspace):
    plan = {"save_strategy": "steps", "save_steps": 4}
    trained(workspace, hook(run=None), **plan)
    again = hook(run=None)
    made = tiny_gpt.trainer(workspace.parent / "out", again, Patient(again), **plan, max_steps=12)
    made.train(resume_from_checkpoint=str(workspace.parent / "out" / "checkpoint-4"))

    before, after = journals(workspace)
    assert after.head.resumes == before.head.journal
    assert after.head.run == before.head.run
    assert (after.steps, after.tokens) == (8, 8 * STEP_TOKENS), "only what was done after the checkpoint"
    assert after.flop == pytest.approx(before.flop)


def test_a_checkpoint_from_before_the_hook_can_be_gone_on_from_and_saved_again(workspace):
    out = workspace.parent / "out"
    plan = {"save_strategy": "steps", "save_steps": 4}
    tiny_gpt.trainer(out, **plan).train()
    callback = hook()
    made = tiny_gpt.trainer(out, callback, Patient(callback), **plan, max_steps=12)
    made.train(resume_from_checkpoint=str(out / "checkpoint-4"))
    assert made.state.global_step == 12
    [left] = journals(workspace)
    assert (left.head.resumes, left.steps, left.end) == (None, 8, "stop")


def test_restoring_callbacks_from_a_checkpoint_keeps_the_hook_as_it_was_made(workspace):
    out = workspace.parent / "out"
    plan = {"save_strategy": "steps", "save_steps": 4}
    trained(workspace, hook(), **plan)
    again = hook(run="hf-2")
    made = tiny_gpt.trainer(out, again, **plan, max_steps=12, restore_callback_states_from_checkpoint=True)
    made.state.max_steps = 12
    made.add_callback(Patient(again))
    made.train(resume_from_checkpoint=str(out / "checkpoint-4"))
    before, after = journals(workspace)
    assert (after.head.run, after.head.resumes) == ("hf-2", before.head.journal)


def test_two_trainings_of_one_trainer_are_two_runs(workspace):
    callback = hook(run=None)
    made = trained(workspace, callback)
    made.train()
    first, second = journals(workspace)
    assert first.head.run != second.head.run
    assert second.head.resumes is None
    assert (first.end, second.end) == ("stop", "stop")


def test_an_exception_of_the_training_closes_the_record_when_the_process_ends(workspace):
    done = script("failing_trainer.py", workspace)
    assert done.returncode == 1
    assert "ZeroDivisionError: the training's own mistake" in done.stderr
    [left] = journals(workspace)
    assert (left.end, left.phases[0]) == ("exception", "train")
    assert left.energy_uj > 0


def test_after_an_exception_in_a_notebook_the_hook_can_be_stopped_and_used_again(workspace):
    callback = hook()
    with pytest.raises(ZeroDivisionError):
        trained(workspace, callback, fail_at=3)
    assert callback.meter is not None
    callback.stop()
    assert callback.meter is None
    [broken] = journals(workspace)
    assert (broken.end, broken.steps) == ("exception", 3)

    with pytest.raises(ZeroDivisionError):
        trained(workspace, callback, fail_at=3)
    trained(workspace, callback)
    assert [left.end for left in journals(workspace)] == ["exception", "exception", "stop"]


def test_a_training_over_its_budget_stops_after_a_checkpoint(workspace):
    callback = hook(budget_kwh="0.000001", stop_at_budget=True)
    made = tiny_gpt.trainer(
        workspace.parent / "out", callback, max_steps=100_000, save_strategy="steps", save_steps=0.9
    )
    made.train()
    assert 0 < made.state.global_step < 100_000
    assert (Path(made.args.output_dir) / f"checkpoint-{made.state.global_step}").is_dir()
    [left] = journals(workspace)
    assert left.end == "stop"
    assert Decimal(left.energy_uj) > Decimal("0.000001") * 3_600_000_000_000


def test_without_being_asked_a_budget_stops_nothing(workspace):
    made = trained(workspace, hook(budget_kwh="0.000000001"))
    assert made.state.global_step == 8


def test_an_evaluation_or_prediction_outside_a_training_is_measured_where_asked(workspace):
    callback = hook()
    made = tiny_gpt.trainer(workspace.parent / "out", callback)
    made.evaluate()
    assert journals(workspace) == [], "not asked"
    with callback.measure("predict"):
        made.predict(tiny_gpt.Sentences())
        wait_for_numbers(callback.meter)
    with callback.measure("eval"):
        made.evaluate()
        wait_for_numbers(callback.meter)
    predicted, evaluated = journals(workspace)
    assert (predicted.phases[0], evaluated.phases[0]) == ("predict", "eval")
    assert (predicted.end, evaluated.end) == ("stop", "stop")


def test_the_hook_can_be_copied_and_pickled_while_it_measures(workspace):
    callback = hook()
    callback._run.begin("train")
    for other in (copy.deepcopy(callback), pickle.loads(pickle.dumps(callback))):
        assert other.meter is None
    callback.stop()


def test_the_class_alone_will_do(workspace):
    made = tiny_gpt.trainer(workspace.parent / "out", GxmeterCallback)
    made.train()
    assert made.state.global_step == 8
