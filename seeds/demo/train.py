"""Train the small character model for some seconds: the run that the demo puts under the meter.

    python seeds/demo/train.py --seconds 25

The progress bar goes to standard error; losses and a sample go to standard output. The script knows
nothing of metering: it is an ordinary training, started by ``gxmeter run -- python train.py``.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path

import numpy as np
from model import Adam, Corpus, loss_and_gradients, new_parameters, sample
from tqdm import tqdm

SEED = 20260401
BATCH = 128
SAMPLE_LENGTH = 120


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line: how long to train [s] and on which text."""
    parser = argparse.ArgumentParser(description="Train a small character-level language model.")
    parser.add_argument("--seconds", type=float, default=25.0, help="how long to train [s]")
    parser.add_argument("--steps", type=int, default=None, help="stop after this many steps (for equal results)")
    parser.add_argument("--corpus", type=Path, default=Path(__file__).with_name("corpus.txt"))
    options = parser.parse_args(arguments)
    if not 0 < options.seconds < float("inf"):
        parser.error("--seconds must be a number above 0")
    return options


def _progress(seconds: float) -> tqdm[None]:
    """A bar over time; where nobody watches (no terminal) it is drawn every five seconds only."""
    often_s = 0.2 if sys.stderr.isatty() else 5.0
    form = "{l_bar}{bar}| {n:.1f}/{total} s"
    return tqdm(total=round(seconds, 1), desc="training", bar_format=form, mininterval=often_s)


def train(corpus: Corpus, *, seconds: float, steps: int | None = None) -> tuple[list[float], str]:
    """Train until the time [s] or the number of steps is used up.

    Returns:
        The loss of every step [nat per character] and a text drawn from the trained model.
    """
    random = np.random.default_rng(SEED)
    parameters = new_parameters(random, len(corpus.alphabet))
    optimiser = Adam(parameters)
    losses: list[float] = []
    report_s = max(seconds / 5, 0.5)
    begin = reported = time.monotonic()
    with _progress(seconds) as bar:
        for step in itertools.count(1):
            loss, gradients = loss_and_gradients(parameters, *corpus.batch(random, BATCH))
            optimiser.step(parameters, gradients)
            losses.append(loss)
            now = time.monotonic()
            bar.update(min(now - begin, seconds) - bar.n)
            if now - reported >= report_s:
                reported = now
                bar.write(f"step {step:6d}   loss {np.mean(losses[-50:]):.3f} nat/character", file=sys.stdout)
            if now - begin >= seconds or step == steps:
                break
    return losses, sample(parameters, corpus, random, length=SAMPLE_LENGTH)


def main(arguments: list[str] | None = None) -> int:
    """Train, say how it went, show what the model writes."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        corpus = Corpus.read(options.corpus)
    except (OSError, UnicodeDecodeError) as error:
        print(f"The text cannot be read: {error}", file=sys.stderr)
        return 2
    losses, text = train(corpus, seconds=options.seconds, steps=options.steps)
    print(f"{len(losses)} steps, loss {losses[0]:.3f} -> {np.mean(losses[-50:]):.3f} nat/character")
    print("sample:", " / ".join(text.splitlines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
