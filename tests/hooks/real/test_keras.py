"""Keras itself (torch back end), with a model of one layer, under the meter."""

from __future__ import annotations

import csv

import keras
import numpy as np
import pytest
from hook_helpers import FACTOR, journals, wait_for_numbers

from gxmeter.core.errors import InputError
from gxmeter.meter.hooks.keras import GxmeterCallback

ROWS = np.ones((16, 4), dtype="float32")


class Patient(keras.callbacks.Callback):
    """Waits for the first number; may fail at a batch."""

    def __init__(self, hook: GxmeterCallback, fail_at: int = -1) -> None:
        super().__init__()
        self.hook, self.fail_at = hook, fail_at

    def on_train_batch_begin(self, batch, logs=None):
        wait_for_numbers(self.hook.meter, steps=min(1, batch))
        if batch == self.fail_at:
            raise ZeroDivisionError("the training's own mistake")


def hook(**changes: object) -> GxmeterCallback:
    return GxmeterCallback(**{"run": "keras-1", "kg_per_kwh": FACTOR, "period_s": 0.1, **changes})


def model(**changes: object) -> keras.Model:
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    made.compile(loss="mse", optimizer="sgd", **changes)
    return made


def fit(callback: GxmeterCallback, *others: keras.callbacks.Callback, made: keras.Model | None = None, **changes):
    usual = {"batch_size": 4, "epochs": 2, "verbose": 0}
    return (made or model()).fit(ROWS, ROWS[:, :1], callbacks=[callback, *others], **{**usual, **changes})


def test_a_fit_leaves_phases_counts_and_energy_in_the_record_and_figures_in_the_logs(workspace, capfd):
    callback = hook(tokens_per_batch=16)
    rows = keras.callbacks.CSVLogger(workspace.parent / "rows.csv")
    history = fit(callback, Patient(callback), rows, validation_data=(ROWS, ROWS[:, :1])).history

    [left] = journals(workspace)
    assert (left.head.run, left.end) == ("keras-1", "stop")
    assert left.phases == ["train", "eval", "eval"]
    assert (left.steps, left.tokens) == (8, 8 * 16)
    assert left.energy_uj > 0
    assert 0 < history["energy_kwh"][0] <= history["energy_kwh"][1] <= left.energy_uj / 3.6e12
    assert history["emissions_kg"][1] == pytest.approx(history["energy_kwh"][1] * float(FACTOR))
    assert history["energy_j_per_token"][1] > 0
    written = list(csv.DictReader((workspace.parent / "rows.csv").open()))
    assert [float(row["energy_kwh"]) for row in written] == pytest.approx(history["energy_kwh"])
    assert "gxmeter" not in "".join(capfd.readouterr())
    assert callback.state_dict() == {"run": "keras-1", "journal": left.head.journal}


def test_steps_that_keras_takes_together_are_counted_each(workspace):
    # The torch back end takes one at a time; these are the events of a back end that takes three (0 to 2, then 3).
    events = keras.callbacks.CallbackList([hook()], model=model())
    events.on_train_begin()
    for epoch in range(2):
        events.on_epoch_begin(epoch)
        events.on_train_batch_end(2)
        events.on_train_batch_end(3)
        events.on_epoch_end(epoch)
    events.on_train_end()
    assert journals(workspace)[0].steps == 2 * 4


def test_a_fit_may_name_the_one_it_goes_on_from(workspace):
    first = hook()
    fit(first)
    fit(hook(resumes=first.state_dict()["journal"]))
    before, after = journals(workspace)
    assert after.head.resumes == before.head.journal


def test_after_an_exception_the_hook_can_be_stopped(workspace):
    callback = hook()
    with pytest.raises(ZeroDivisionError):
        fit(callback, Patient(callback, fail_at=2))
    callback.stop()
    [left] = journals(workspace)
    assert left.end == "exception"
    assert left.steps in {1, 2}, "Keras tells of the last batch beside the training, so it may come too late"


def test_a_fit_over_its_budget_stops(workspace):
    callback = hook(budget_kwh="0.000001", stop_at_budget=True)
    epochs = len(fit(callback, Patient(callback), epochs=10_000).epoch)
    assert 0 < epochs < 10_000
    assert journals(workspace)[0].end == "stop"


def test_a_budget_that_would_stop_one_of_several_processes_is_refused(workspace, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(InputError) as refused:
        hook(stop_at_budget=True)
    assert refused.value.code == "hook-stop-needs-one-process"


def test_an_evaluation_and_a_prediction_are_measured_where_the_hook_is_given_to_them(workspace):
    callback, made = hook(), model()
    made.evaluate(ROWS, ROWS[:, :1], callbacks=[callback], verbose=0)
    made.predict(ROWS, callbacks=[callback], verbose=0)
    assert callback.meter is None
    assert [left.phases for left in journals(workspace)] == [["eval"], ["predict"]]
