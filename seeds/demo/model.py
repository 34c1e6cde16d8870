"""A small character-level language model in plain numpy, with gradients written out by hand.

It guesses the next character from the :data:`CONTEXT` characters before it (Bengio et al., 2003):

    e  = embedding rows of the context, side by side
    h1 = tanh(e W1 + b1),  h2 = tanh(h1 W2 + b2)
    p  = softmax(h2 W3 + b3),  loss = mean over the batch of -ln p[next character]

It promises right gradients (a test holds them against finite differences) and the same numbers for
the same seed and number of steps on one machine. It is a demonstration, not a good language model:
the text is so short that it soon learns it by heart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indexes = NDArray[np.intp]

CONTEXT = 16
"""How many characters the model sees."""
EMBEDDING = 24
"""Numbers per character."""
HIDDEN = 192
"""Width of each of the two hidden layers."""
LEARNING_RATE = 1e-3
DECAY_MEAN = 0.9
DECAY_SQUARE = 0.99
TINY = 1e-8
"""Adam's constants (Kingma and Ba, 2015; the second decay is quicker, for a run of seconds)."""


@dataclass(frozen=True)
class Corpus:
    """A text as indexes into its alphabet."""

    alphabet: str
    indexes: Indexes

    @classmethod
    def read(cls, path: Path) -> Corpus:
        """Read a UTF-8 text that is longer than one context."""
        text = path.read_text(encoding="utf-8")
        alphabet = "".join(sorted(set(text)))
        place = {character: index for index, character in enumerate(alphabet)}
        return cls(alphabet, np.array([place[character] for character in text], dtype=np.intp))

    def batch(self, random: np.random.Generator, size: int) -> tuple[Indexes, Indexes]:
        """``size`` random contexts and the character that follows each."""
        starts = random.integers(0, len(self.indexes) - CONTEXT, size=size)
        contexts = self.indexes[starts[:, None] + np.arange(CONTEXT)]
        return contexts, self.indexes[starts + CONTEXT]


Parameters = dict[str, Array]


def new_parameters(random: np.random.Generator, characters: int, *, width: int = HIDDEN) -> Parameters:
    """Random weights, scaled so that each layer's output has a spread of about one."""

    def layer(rows: int, columns: int) -> Array:
        return random.standard_normal((rows, columns)) / np.sqrt(rows)

    return {
        "embedding": random.standard_normal((characters, EMBEDDING)),
        "w1": layer(CONTEXT * EMBEDDING, width),
        "b1": np.zeros(width),
        "w2": layer(width, width),
        "b2": np.zeros(width),
        "w3": layer(width, characters) * 0.1,
        "b3": np.zeros(characters),
    }


def _forward(p: Parameters, contexts: Indexes) -> tuple[Array, Array, Array, Array]:
    inputs = p["embedding"][contexts].reshape(len(contexts), -1)
    first = np.tanh(inputs @ p["w1"] + p["b1"])
    second = np.tanh(first @ p["w2"] + p["b2"])
    scores = second @ p["w3"] + p["b3"]
    scores -= scores.max(axis=1, keepdims=True)
    odds = np.exp(scores)
    return inputs, first, second, odds / odds.sum(axis=1, keepdims=True)


def probabilities(p: Parameters, contexts: Indexes) -> Array:
    """Probability of each character after each context."""
    return _forward(p, contexts)[3]


def loss_of(p: Parameters, contexts: Indexes, nexts: Indexes) -> float:
    """Mean surprise at the true next characters [nat per character]."""
    chosen = probabilities(p, contexts)[np.arange(len(nexts)), nexts]
    return float(-np.log(chosen).mean())


def loss_and_gradients(p: Parameters, contexts: Indexes, nexts: Indexes) -> tuple[float, Parameters]:
    """The loss [nat per character] and its derivative by every parameter (backward through the formulas above)."""
    inputs, first, second, chances = _forward(p, contexts)
    rows = np.arange(len(nexts))
    loss = float(-np.log(chances[rows, nexts]).mean())

    d_scores = chances.copy()
    d_scores[rows, nexts] -= 1.0
    d_scores /= len(nexts)
    d_second = (d_scores @ p["w3"].T) * (1.0 - second**2)
    d_first = (d_second @ p["w2"].T) * (1.0 - first**2)
    d_inputs = (d_first @ p["w1"].T).reshape(*contexts.shape, -1)
    d_embedding = np.zeros_like(p["embedding"])
    np.add.at(d_embedding, contexts, d_inputs)
    return loss, {
        "embedding": d_embedding,
        "w1": inputs.T @ d_first,
        "b1": d_first.sum(axis=0),
        "w2": first.T @ d_second,
        "b2": d_second.sum(axis=0),
        "w3": second.T @ d_scores,
        "b3": d_scores.sum(axis=0),
    }


class Adam:
    """Adam's running means; :meth:`step` changes the parameters in place."""

    def __init__(self, p: Parameters) -> None:
        self.mean = {name: np.zeros_like(value) for name, value in p.items()}
        self.square = {name: np.zeros_like(value) for name, value in p.items()}
        self.steps = 0

    def step(self, p: Parameters, gradients: Parameters) -> None:
        """One update of every parameter."""
        self.steps += 1
        for name, gradient in gradients.items():
            self.mean[name] += (1 - DECAY_MEAN) * (gradient - self.mean[name])
            self.square[name] += (1 - DECAY_SQUARE) * (gradient**2 - self.square[name])
            mean = self.mean[name] / (1 - DECAY_MEAN**self.steps)
            square = self.square[name] / (1 - DECAY_SQUARE**self.steps)
            p[name] -= LEARNING_RATE * mean / (np.sqrt(square) + TINY)


def sample(p: Parameters, corpus: Corpus, random: np.random.Generator, *, length: int) -> str:
    """``length`` characters drawn one after another, beginning after a place in the corpus."""
    begin = int(random.integers(0, len(corpus.indexes) - CONTEXT))
    context = list(corpus.indexes[begin : begin + CONTEXT])
    drawn: list[str] = []
    for _ in range(length):
        chances = probabilities(p, np.array([context[-CONTEXT:]]))[0]
        context.append(random.choice(len(chances), p=chances))
        drawn.append(corpus.alphabet[context[-1]])
    return "".join(drawn)
