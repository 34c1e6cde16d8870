"""A fit under the name ``pytorch_lightning``, where ``lightning`` is not there: ``older_name.py WORKSPACE``."""

import os
import sys

sys.modules["lightning"] = None
os.environ["OLDER_NAME"] = "1"

import pytorch_lightning as pl  # noqa: E402
import tiny_lightning  # noqa: E402

from gxmeter.meter.hooks.lightning import GxmeterCallback  # noqa: E402

hook = GxmeterCallback(run="pl-1", workspace=sys.argv[1], period_s=0.1)
assert isinstance(hook, pl.Callback)
quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
pl.Trainer(max_epochs=1, accelerator="cpu", callbacks=[hook], **quiet).fit(
    tiny_lightning.Model(), tiny_lightning.batches()
)
