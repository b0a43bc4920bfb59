import numpy as np
import pytest

from cs231n_utils.solver import CaptionArrays, CaptioningSolver, LossNotFinite


class Bowl:
    """A model whose loss is |w - 3|^2 + |b|^2, whatever the captions."""

    def __init__(self):
        self.params = {"w": np.array([0.0, 10.0]), "b": np.array([[1.0]])}
        self.seen = []

    def loss(self, features, captions):
        self.seen.append(captions.copy())
        w, b = self.params["w"], self.params["b"]
        loss = ((w - 3) ** 2).sum() + (b**2).sum()
        return loss, {"w": 2 * (w - 3), "b": 2 * b}


class Rows:
    """Ten captions of one word."""

    captions = np.arange(10)[:, np.newaxis]

    def minibatch(self, rng, batch_size):
        rows = rng.integers(len(self.captions), size=batch_size)
        return self.captions[rows], np.zeros((batch_size, 1)), rows


def solver(model, **options):
    options = {"rng": np.random.default_rng(0), "progress": False} | options
    return CaptioningSolver(model, Rows(), **options)


def test_training_finds_the_minimum():
    model = Bowl()
    training = solver(model, num_epochs=300, batch_size=5, learning_rate=0.1)
    training.train()
    np.testing.assert_allclose(model.params["w"], [3, 3], atol=1e-3)
    np.testing.assert_allclose(model.params["b"], [[0]], atol=1e-3)
    assert len(training.loss_history) == 300 * 2
    assert training.loss_history[0] == 9 + 49 + 1


def test_the_first_step_of_adam_has_the_size_of_the_learning_rate():
    model = Bowl()
    solver(model, learning_rate=0.1).step()
    np.testing.assert_allclose(model.params["w"], [0.1, 9.9], rtol=1e-8)
    np.testing.assert_allclose(model.params["b"], [[0.9]], rtol=1e-8)


def test_two_steps_agree_with_adam_by_hand():
    model = Bowl()
    training = solver(model, learning_rate=0.1)
    training.step()
    training.step()
    b, m, v = 1.0, 0.0, 0.0
    for t in (1, 2):
        g = 2 * b
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        b -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    assert model.params["b"].item() == pytest.approx(b, rel=1e-12)


def test_the_learning_rate_decays_after_each_epoch():
    training = solver(Bowl(), num_epochs=3, learning_rate=0.1, lr_decay=0.5)
    training.train()
    assert training.learning_rate == pytest.approx(0.1 * 0.5**3)


def test_one_rng_state_gives_one_training():
    def captions_seen(seed):
        model = Bowl()
        solver(model, num_epochs=2, batch_size=3, rng=np.random.default_rng(seed)).train()
        return np.stack(model.seen)

    np.testing.assert_array_equal(captions_seen(0), captions_seen(0))
    assert np.any(captions_seen(0) != captions_seen(1))


def test_an_epoch_is_at_least_one_minibatch():
    training = solver(Bowl(), num_epochs=4, batch_size=64)
    training.train()
    assert len(training.loss_history) == 4


def test_float32_parameters_stay_float32():
    model = Bowl()
    model.params = {name: array.astype(np.float32) for name, array in model.params.items()}
    solver(model, num_epochs=1, learning_rate=np.float64(0.1)).train()
    assert {array.dtype for array in model.params.values()} == {np.dtype(np.float32)}


def test_the_progress_bar_goes_to_stdout_and_says_the_loss(capsys):
    solver(Bowl(), num_epochs=2, batch_size=5, progress=True, description="two epochs").train()
    out, err = capsys.readouterr()
    assert "two epochs: 100%" in out
    assert "4/4" in out
    assert "loss " in out
    assert err == ""


def test_without_progress_nothing_is_printed(capsys):
    solver(Bowl(), num_epochs=2).train()
    assert capsys.readouterr() == ("", "")


def test_a_loss_of_nan_stops_the_training():
    model = Bowl()
    model.params["b"][:] = np.nan
    with pytest.raises(LossNotFinite, match="Got nan in minibatch 1"):
        solver(model).train()


def test_a_missing_gradient_is_named():
    model = Bowl()
    model.loss = lambda features, captions: (1.0, {"w": np.zeros(2)})
    with pytest.raises(ValueError, match=r"gradient for each of \['b', 'w'\]. Got \['w'\]"):
        solver(model).train()


def test_a_gradient_that_would_broadcast_is_named():
    model = Bowl()
    model.loss = lambda features, captions: (1.0, {"w": np.zeros(2), "b": np.zeros(1)})
    with pytest.raises(ValueError, match=r"gradient of b must have shape \(1, 1\). Got \(1,\)"):
        solver(model).train()


@pytest.mark.parametrize("option", ["num_epochs", "batch_size"])
def test_zero_epochs_or_captions_are_refused(option):
    with pytest.raises(ValueError, match=f"{option} must be at least 1. Got 0"):
        solver(Bowl(), **{option: 0})


def test_a_minibatch_of_a_handful_repeats_no_caption_and_keeps_its_features():
    few = CaptionArrays(np.arange(6)[:, np.newaxis], np.arange(6)[:, np.newaxis] * 10.0)
    captions, features, rows = few.minibatch(np.random.default_rng(0), 4)
    assert captions.shape == (4, 1)
    assert len(set(captions.ravel().tolist())) == 4
    np.testing.assert_array_equal(features, captions * 10.0)
    np.testing.assert_array_equal(captions[:, 0], rows)
    assert len(few.minibatch(np.random.default_rng(0), 100)[0]) == 6


def test_a_handful_without_a_row_of_features_for_each_caption_is_refused():
    with pytest.raises(ValueError, match=r"one row for each caption\. Got 3 and 2"):
        CaptionArrays(np.zeros((3, 4), int), np.zeros((2, 5)))
