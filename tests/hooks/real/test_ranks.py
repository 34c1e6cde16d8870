"""Several ranks on one host, as torchrun starts them."""

from __future__ import annotations

import json

import tiny_gpt
from hook_helpers import journals, script

RANKS = 2


def test_two_ranks_count_their_host_once_log_from_the_first_and_stop_together_at_the_budget(workspace):
    done = script("ranks_trainer.py", workspace, workspace.parent / "out", "0.003", ranks=RANKS)
    assert done.returncode == 0, done.stderr[-4000:]
    said = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"step"')))

    left = journals(workspace)
    measured = [journal for journal in left if journal.energy_uj]
    assert len(measured) == 1, "the host is measured once"
    assert {journal.head.run for journal in left} == {"ranks-1"}
    assert {journal.end for journal in left} == {"stop"}
    assert 0 < said["step"] < 400, "the budget ended it, and no rank was left waiting"
    assert sum(journal.steps for journal in left) == said["step"], "a step of all ranks is one step"
    tokens = said["step"] * RANKS * 4 * tiny_gpt.TOKENS
    assert sum(journal.tokens for journal in left) == tokens

    [meter] = measured
    first = next(journal for journal in left if journal.steps)
    assert first.head.pid != meter.head.pid, "the rank that logs is not the one that measures here"
    figures = [row for row in said["logs"] if "energy_kwh" in row]
    assert figures, "and yet it logs the host's energy"
    assert 0 < figures[-1]["energy_kwh"] <= meter.energy_uj / 3.6e12 * (1 + 1e-6)
    assert figures[-1]["energy_kwh"] > 0.5 * meter.energy_uj / 3.6e12
    assert figures[-1]["energy_j_per_token"] > 0
    assert done.stdout.count("energy_kwh'") <= len(figures), "only one rank prints"
