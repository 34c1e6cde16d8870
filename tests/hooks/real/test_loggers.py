"""MLflow and W&B themselves: MLflow with a local store, W&B offline."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import mlflow
import pytest
import tiny_gpt
import wandb
from hook_helpers import FACTOR, journals, wait_for_numbers
from transformers import TrainerCallback
from wandb.proto import wandb_internal_pb2

import gxmeter
from gxmeter.meter.hooks import mlflow as mlflow_hook
from gxmeter.meter.hooks import wandb as wandb_hook
from gxmeter.meter.hooks.huggingface import GxmeterCallback


class Patient(TrainerCallback):
    def __init__(self, hook: GxmeterCallback) -> None:
        self.hook = hook

    def on_step_end(self, args, state, control, **_):
        wait_for_numbers(self.hook.meter)


@pytest.fixture
def store(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """An MLflow store in a folder."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((workspace.parent / "mlruns").as_uri())
    mlflow.set_experiment("tiny")
    return mlflow.MlflowClient()


@pytest.fixture
def offline(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """W&B with a folder of its own; it reads its settings once, so it begins anew."""
    monkeypatch.setenv("WANDB_DIR", str(workspace.parent))
    wandb.teardown()
    yield workspace.parent
    wandb.teardown()


def meter(**changes: object) -> gxmeter.Meter:
    return gxmeter.Meter(**{"run": "log-1", "kg_per_kwh": FACTOR, "period_s": 0.1, **changes})


def stored(path: Path) -> Iterator[bytes]:
    """The records of a W&B file: 7 bytes of its own, then LevelDB's log (blocks of 32 KiB; crc, length, type, part)."""
    data, at, parts = path.read_bytes(), 7, []
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        parts.append(data[at + 7 : at + 7 + length])
        at += 7 + length
        if kind in {1, 4}:  # whole, or the last part
            yield b"".join(parts)
            parts = []


def history(folder: Path) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Rows and configuration of the only W&B run in a folder."""
    [path] = folder.glob("wandb/offline-run-*/*.wandb")
    rows, config = [], {}
    for data in stored(path):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        rows += [_texts(record.history.item)] if record.WhichOneof("record_type") == "history" else []
        config |= _texts([*record.config.update, *record.run.config.update])
    return rows, config


def _texts(items: Iterable[object]) -> dict[str, object]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def test_mlflow_gets_the_figures_by_step_and_the_journal_as_a_tag(store):
    with mlflow.start_run() as run, meter() as running:
        energy = mlflow_hook.energy_logger(running)
        wait_for_numbers(running)
        running.count(tokens=1000)
        energy.log(step=10)
        energy.log(step=20)
    found = store.get_metric_history(run.info.run_id, "energy_kwh")
    assert [point.step for point in found] == [10, 20]
    assert 0 < found[0].value <= found[1].value
    emissions = store.get_metric_history(run.info.run_id, "emissions_kg")
    assert emissions[0].value == pytest.approx(found[0].value * float(FACTOR))
    tags = store.get_run(run.info.run_id).data.tags
    assert (tags["gxmeter.run"], tags["gxmeter.journal"]) == ("log-1", running.journal.name)


def test_without_an_mlflow_run_nothing_is_logged_and_none_is_made(store):
    with meter() as running:
        wait_for_numbers(running)
        mlflow_hook.energy_logger(running).log(step=1)
    assert mlflow.active_run() is None
    assert store.search_runs([store.get_experiment_by_name("tiny").experiment_id]) == []


def test_a_store_that_fails_is_told_once_and_harms_nothing(store, monkeypatch, capfd):
    with mlflow.start_run(), meter() as running:
        wait_for_numbers(running)
        energy = mlflow_hook.energy_logger(running)
        monkeypatch.setattr(mlflow, "log_metrics", lambda *_, **__: 1 / 0)
        energy.log(step=1)
        energy.log(step=2)
    assert capfd.readouterr().err.count("A hook of the meter failed") == 1


def test_before_the_first_number_nothing_is_logged(store):
    with mlflow.start_run() as run:
        mlflow_hook.energy_logger(meter()).log(step=1)
    assert store.get_run(run.info.run_id).data.metrics == {}


def test_wandb_gets_the_figures_in_the_row_that_comes_next_or_in_that_of_a_step(offline):
    with meter() as running, wandb.init(project="tiny") as run:
        energy = wandb_hook.energy_logger(running)
        wait_for_numbers(running)
        energy.log()
        run.log({"loss": 2.0})
        energy.log(step=7)
    rows, config = history(offline)
    joined, stepped = (row for row in rows if "energy_kwh" in row)
    assert (joined["loss"], stepped["_step"]) == (2.0, 7)
    assert joined["emissions_kg"] == pytest.approx(joined["energy_kwh"] * float(FACTOR))
    assert config["gxmeter.journal"] == running.journal.name


def test_without_a_wandb_run_nothing_is_logged(workspace, capfd):
    with meter() as running:
        wait_for_numbers(running)
        wandb_hook.energy_logger(running).log()
    assert wandb.run is None
    assert capfd.readouterr().err == ""


def test_a_trainer_that_reports_to_both_gets_the_figures_in_both(workspace, store, offline):
    callback = GxmeterCallback(run="hf-1", kg_per_kwh=FACTOR, period_s=0.1)
    reports = {"report_to": ["mlflow", "wandb"], "logging_steps": 4}
    made = tiny_gpt.trainer(workspace.parent / "out", callback, Patient(callback), **reports)
    made.train()
    wandb.finish()
    mlflow.end_run()

    [run] = store.search_runs([store.get_experiment_by_name("tiny").experiment_id])
    points = store.get_metric_history(run.info.run_id, "energy_kwh")
    assert [point.step for point in points] == [4, 8, 8]
    [left] = journals(workspace)
    assert run.data.tags["gxmeter.journal"] == left.head.journal
    rows, config = history(offline)
    figures = [row for row in rows if "energy_kwh" in row]
    assert [row["train/global_step"] for row in figures] == [4, 8, 8]
    assert config["gxmeter.journal"] == left.head.journal
