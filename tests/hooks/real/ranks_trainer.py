"""Two ranks train with gloo until the budget is passed: ``ranks_trainer.py WORKSPACE OUT``; prints what rank 0 logged.

Rank 0, which logs, starts its meter last, so another rank's meter measures the host.
"""

import json
import os
import sys
import time

import tiny_gpt
from transformers import TrainerCallback

from gxmeter.meter.hooks.huggingface import GxmeterCallback

RANK = int(os.environ["RANK"])
ENOUGH_STEPS = 12


class Order(TrainerCallback):
    """Holds rank 0 back before the hook starts its meter."""

    def on_train_begin(self, *_, **__):
        time.sleep(2.0 if RANK == 0 else 0.0)


class Patient(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        time.sleep(0.05 if state.global_step < ENOUGH_STEPS else 0.5)


hook = GxmeterCallback(
    run="ranks-1", workspace=sys.argv[1], period_s=0.1, kg_per_kwh="0.42", budget_kwh=sys.argv[3], stop_at_budget=True
)
trainer = tiny_gpt.trainer(sys.argv[2], Order(), hook, Patient(), max_steps=400, ddp_backend="gloo")
trainer.train()
if RANK == 0:
    print(json.dumps({"step": trainer.state.global_step, "logs": trainer.state.log_history}))
