"""A model of one layer for Lightning under either of its names, and some rows of numbers."""

from __future__ import annotations

import os
import warnings

import torch

if os.environ.get("OLDER_NAME"):
    from pytorch_lightning import LightningModule
else:
    from lightning.pytorch import LightningModule

warnings.filterwarnings("ignore", ".*does not have many workers.*")

ROWS, WIDTH = 16, 4


class Model(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(WIDTH, 1)

    def training_step(self, batch, batch_idx):
        loss = self.layer(batch[0]).square().mean()
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.layer(batch[0]).square().mean())

    def test_step(self, batch, batch_idx):
        self.log("test_loss", self.layer(batch[0]).square().mean())

    def predict_step(self, batch, batch_idx):
        return self.layer(batch[0])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)


def batches() -> torch.utils.data.DataLoader:
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(ROWS, WIDTH)), batch_size=4)
