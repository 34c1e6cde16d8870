"""A training that fails in its third step, as a script: ``failing_trainer.py WORKSPACE``."""

import sys
import time

import tiny_gpt
from transformers import TrainerCallback

from gxmeter.meter.hooks.huggingface import GxmeterCallback


class Failing(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        deadline = time.monotonic() + 60
        while not hook.meter.totals.samples and time.monotonic() < deadline:
            time.sleep(0.02)
        if state.global_step == 3:
            raise ZeroDivisionError("the training's own mistake")


hook = GxmeterCallback(run="hf-1", workspace=sys.argv[1], period_s=0.1)
tiny_gpt.trainer(sys.argv[1] + "/out", hook, Failing()).train()
