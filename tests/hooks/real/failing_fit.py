"""A fit that fails in its third batch, as a script: ``failing_fit.py WORKSPACE``."""

import sys

import keras
import numpy as np

from gxmeter.meter.hooks.keras import GxmeterCallback


class Failing(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if batch == 2:
            raise ZeroDivisionError("the training's own mistake")


rows = np.ones((16, 4), dtype="float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile(loss="mse", optimizer="sgd")
hook = GxmeterCallback(run="keras-1", workspace=sys.argv[1], period_s=0.1)
model.fit(rows, rows[:, :1], batch_size=4, verbose=0, callbacks=[hook, Failing()])
