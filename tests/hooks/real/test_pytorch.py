"""A plain PyTorch loop with loader workers and accumulated gradients, under the meter."""

from __future__ import annotations

import pytest
import torch
from hook_helpers import journals, wait_for_numbers

import gxmeter
from gxmeter.meter.hooks.pytorch import count_steps, state_dict, watched

ROWS, WIDTH = 16, 4


def loader(workers: int = 0) -> torch.utils.data.DataLoader:
    rows = torch.utils.data.TensorDataset(torch.ones(ROWS, WIDTH))
    return torch.utils.data.DataLoader(rows, batch_size=2, num_workers=workers)


def meter(**changes: object) -> gxmeter.Meter:
    return gxmeter.Meter(**{"run": "loop-1", "period_s": 0.1, **changes})


def train(running: gxmeter.Meter, layer: torch.nn.Module, *, workers: int = 0, accumulate: int = 1) -> None:
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
    handle = count_steps(optimizer, running)
    batches = watched(loader(workers), running, tokens=lambda batch: batch[0].numel())
    assert len(batches) == ROWS // 2, "a progress bar wants to know"
    for number, batch in enumerate(batches, 1):
        layer(batch[0]).square().mean().backward()
        if number % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
    handle.remove()
    optimizer.step()  # no longer counted


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loop_leaves_its_phases_tokens_and_real_steps_in_the_record(workspace, workers):
    with meter() as running:
        train(running, torch.nn.Linear(WIDTH, 1), workers=workers, accumulate=4)
        for _ in watched(loader(), running, phase="eval"):
            pass
        wait_for_numbers(running)
    [left] = journals(workspace)
    assert left.phases == ["train", "eval"]
    assert (left.steps, left.tokens) == (2, ROWS * WIDTH)
    assert left.energy_uj > 0
    assert left.end == "stop"


def test_leaving_the_loop_early_ends_its_phase(workspace):
    with meter() as running:
        for number, _ in enumerate(watched(loader(), running, tokens=lambda batch: batch[0].numel())):
            if number == 3:
                break
        with running.phase("after"):
            running.count(tokens=1)
    [left] = journals(workspace)
    assert left.by_phase == {"train": 3 * 2 * WIDTH, "after": 1}, "three batches were done when the fourth was left"


def test_a_checkpoint_keeps_the_run_and_a_loop_goes_on_from_it(workspace, tmp_path):
    with meter() as running:
        train(running, torch.nn.Linear(WIDTH, 1))
        wait_for_numbers(running)
        torch.save({"gxmeter": state_dict(running)}, tmp_path / "kept.pt")
    kept = torch.load(tmp_path / "kept.pt")["gxmeter"]
    with meter(run=kept["run"], resumes=kept["journal"]):
        pass
    before, after = journals(workspace)
    assert (after.head.run, after.head.resumes) == (before.head.run, before.head.journal)


def test_a_function_for_tokens_that_fails_harms_nothing(workspace, capfd):
    with meter() as running:
        seen = sum(1 for _ in watched(loader(), running, tokens=lambda batch: batch["no such key"]))
    assert seen == ROWS // 2
    assert capfd.readouterr().err.count("A hook of the meter failed") == 1


def test_an_exception_in_the_loop_goes_its_way(workspace):
    running = meter()

    def loop() -> None:
        with running:
            for _ in watched(loader(), running):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()
    [left] = journals(workspace)
    assert (left.end, left.phases) == ("exception", ["train"])
