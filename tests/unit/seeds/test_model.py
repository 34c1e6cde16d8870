"""The demo's model learns by right gradients, and the same way for the same seed."""

import math
from pathlib import Path

import model
import numpy as np
import pytest
import train

TEXT = "計量の朝、小さな機械が学ぶ。the small machine learns. " * 6


@pytest.fixture
def corpus(tmp_path: Path) -> model.Corpus:
    path = tmp_path / "corpus.txt"
    path.write_text(TEXT, encoding="utf-8")
    return model.Corpus.read(path)


def test_corpus_reads_every_character_back(corpus):
    assert "".join(corpus.alphabet[i] for i in corpus.indexes) == TEXT


def test_batch_is_a_context_and_its_next_character(corpus):
    contexts, nexts = corpus.batch(np.random.default_rng(1), 32)
    for context, following in zip(contexts, nexts, strict=True):
        text = "".join(corpus.alphabet[i] for i in [*context, following])
        assert text in TEXT


def test_untrained_loss_is_that_of_guessing(corpus):
    random = np.random.default_rng(2)
    parameters = model.new_parameters(random, len(corpus.alphabet), width=32)
    loss = model.loss_of(parameters, *corpus.batch(random, 256))
    assert loss == pytest.approx(math.log(len(corpus.alphabet)), rel=0.1)


@pytest.mark.parametrize("name", ["embedding", "w1", "b1", "w2", "b2", "w3", "b3"])
def test_gradient_agrees_with_finite_differences(corpus, name):
    """dL/dp ~ (L(p + h) - L(p - h)) / 2h for the ten entries with the greatest gradient."""
    random = np.random.default_rng(3)
    parameters = model.new_parameters(random, len(corpus.alphabet), width=12)
    batch = corpus.batch(random, 8)
    loss, gradients = model.loss_and_gradients(parameters, *batch)
    assert loss == pytest.approx(model.loss_of(parameters, *batch), rel=1e-12)
    flat, gradient, small = parameters[name].reshape(-1), gradients[name].reshape(-1), 1e-5
    for index in np.argsort(-np.abs(gradient))[:10]:
        kept = flat[index]
        flat[index] = kept + small
        above = model.loss_of(parameters, *batch)
        flat[index] = kept - small
        below = model.loss_of(parameters, *batch)
        flat[index] = kept
        assert gradient[index] == pytest.approx((above - below) / (2 * small), rel=1e-5, abs=1e-9)


def test_training_learns_and_repeats_itself(corpus):
    losses, text = train.train(corpus, seconds=60, steps=60)
    again, same = train.train(corpus, seconds=60, steps=60)
    assert losses == again
    assert text == same
    assert len(losses) == 60
    assert np.mean(losses[-5:]) < losses[0] / 2
    assert len(text) == train.SAMPLE_LENGTH


def test_training_ends_by_time(corpus):
    losses, _ = train.train(corpus, seconds=0.05)
    assert losses


def test_unreadable_text_is_a_sentence(tmp_path, capsys):
    assert train.main(["--corpus", str(tmp_path / "none.txt")]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_senseless_times_are_refused(seconds):
    with pytest.raises(SystemExit) as stop:
        train.parse(["--seconds", seconds])
    assert stop.value.code == 2


def test_the_text_is_in_both_languages():
    text = Path(train.__file__).with_name("corpus.txt").read_text(encoding="utf-8")
    assert len(text.encode()) > 7000
    assert "計量" in text
    assert "electricity" in text
