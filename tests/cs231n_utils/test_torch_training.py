import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from cs231n_utils.layers import temporal_softmax_loss
from cs231n_utils.solver import CaptionArrays, LossNotFinite
from cs231n_utils.torch_training import (
    Trainer,
    caption_batches,
    caption_loss,
    evaluate_captions,
    image_batches,
    init_weights,
    make_captioner,
    predict,
    schedule,
    set_dropout,
)


class TinyCaptioner(nn.Module):
    """Scores from the word before and the features, with dropout between."""

    def __init__(self, V=7, D=4):
        super().__init__()
        self.words = nn.Embedding(V, 8, padding_idx=0)
        self.image = nn.Linear(D, 8)
        self.dropout = nn.Dropout(0.2)
        self.output = nn.Linear(8, V)

    def forward(self, features, captions):
        x = self.words(captions) + self.image(features)[:, None]
        return self.output(self.dropout(x))


def captions_of_a_chain():
    # 1 is START, 2 is END; which of two chains is told follows from the features.
    captions = np.array([[1, 3, 4, 2, 0, 0], [1, 5, 6, 3, 4, 2]] * 3, dtype=np.int32)
    features = np.array([[1, 0, 0, 0], [0, 1, 0, 0]] * 3, dtype=np.float32)
    return CaptionArrays(captions, features)


def trained(**options):
    model = init_weights(TinyCaptioner(), seed=0)
    options = {"steps": 60, "learning_rate": 0.02, "batch_size": 4, "progress": False} | options
    trainer = Trainer.for_captions(model, captions_of_a_chain(), **options)
    trainer.train()
    return model, trainer.loss_history


def test_the_loss_of_captions_is_that_of_the_numpy_chapters():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(3, 4, 5))
    words = np.array([[1, 2, 0, 0], [4, 3, 2, 1], [2, 0, 0, 0]])
    want, _ = temporal_softmax_loss(scores, words, words != 0)
    got = caption_loss(torch.tensor(scores), torch.tensor(words))
    assert got.item() == pytest.approx(want, rel=1e-12)


def test_a_captioner_learns_what_can_be_learned():
    model, losses = trained(steps=300)
    data = captions_of_a_chain()
    assert evaluate_captions(model, data.features, data.captions) < 0.2
    assert losses[0] > 5
    assert len(losses) == 300
    assert not model.training


def test_one_seed_gives_one_training_whatever_was_drawn_before():
    _, first = trained(seed=3)
    torch.rand(5)
    _, second = trained(seed=3)
    _, other = trained(seed=4)
    assert first == second
    assert first != other


def test_training_leaves_threads_and_random_numbers_as_they_were():
    trainer = Trainer.for_captions(
        TinyCaptioner(), captions_of_a_chain(), steps=2, threads=1, progress=False
    )
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    trainer.train()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_a_training_can_last_for_a_time():
    _, losses = trained(steps=None, seconds=0.2)
    assert len(losses) >= 2


@pytest.mark.parametrize("length", [{}, {"steps": 3, "seconds": 3.0}])
def test_a_training_needs_one_length(length):
    with pytest.raises(ValueError, match="either steps or seconds"):
        trained(**({"steps": None, "seconds": None} | length))


def test_a_training_of_no_length_is_refused():
    with pytest.raises(ValueError, match=r"steps must be positive\. Got 0"):
        trained(steps=0)


def test_a_loss_that_is_not_finite_ends_the_training():
    data = captions_of_a_chain()
    data.features[:] = np.inf
    trainer = Trainer.for_captions(TinyCaptioner(), data, steps=5, progress=False)
    with pytest.raises(LossNotFinite, match="minibatch 1"):
        trainer.train()


def test_the_learning_rate_rises_and_falls():
    factors = [schedule(done) for done in (0.0, 0.05, 0.1, 0.55, 1.0)]
    assert factors == pytest.approx([0.02, 0.5, 1, 0.5, 0], abs=1e-12)


def test_the_first_step_has_the_size_of_the_learning_rate():
    model = nn.Linear(1, 1, bias=False)
    batches = itertools.repeat((torch.ones(1, 1), torch.zeros(1, 1)))
    loss = nn.functional.mse_loss
    trainer = Trainer(model, batches, loss, steps=1, weight_decay=0, progress=False)
    before = model.weight.item()
    trainer.step(0.1)
    assert abs(before - model.weight.item()) == pytest.approx(0.1, rel=1e-3)


def test_long_gradients_are_cut():
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    batches = itertools.repeat((torch.full((1, 1), 1e3), torch.zeros(1, 1)))
    trainer = Trainer(model, batches, nn.functional.mse_loss, steps=1, clip=0.5, progress=False)
    trainer.step(0.0)
    lengths = [p.grad.norm().item() for p in model.parameters()]
    assert math.hypot(*lengths) == pytest.approx(0.5, rel=1e-3)


def test_batches_hold_every_word_and_little_padding():
    data = captions_of_a_chain()
    batches = caption_batches(data, 3, np.random.default_rng(0))
    seen = sorted(tuple(next(batches)[1].shape) for _ in range(2))
    assert seen == [(3, 3), (3, 5)]
    features, read, predicted = next(batches)
    assert torch.equal(read[:, 1:], predicted[:, :-1])
    assert features.shape == (3, 4)
    long = features[:, 1] == 1
    assert torch.all((predicted == 2).sum(dim=1) == 1)  # every caption to its end
    assert torch.all(read[long, 1] == 5)


def test_each_image_comes_once_before_any_twice():
    images = torch.arange(7).float().reshape(7, 1, 1, 1)
    batches = image_batches(images, np.arange(7), 3, np.random.default_rng(0))
    epoch = [next(batches) for _ in range(3)]
    assert sorted(torch.cat([labels for _, labels in epoch]).tolist()) == list(range(7))
    for pictures, labels in epoch:
        assert torch.equal(pictures.flatten().long(), labels)


def test_a_missing_label_is_named():
    batches = image_batches(torch.zeros(4, 1, 1, 1), [0, 1], 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"each of the 4 images\. Got 2"):
        next(batches)


def test_a_classifier_learns_the_brighter_half():
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(60, 1, 2, 2, generator=generator)
    labels = (images[:, 0, 0].sum(1) > images[:, 0, 1].sum(1)).long()
    model = init_weights(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), seed=0)
    options = {"steps": 300, "batch_size": 20, "learning_rate": 0.05, "progress": False}
    Trainer.for_images(model, images, labels.numpy(), **options).train()
    assert np.mean(predict(model, images, batch_size=7) == labels.numpy()) > 0.95


def test_weights_follow_from_the_seed_and_padding_is_zero():
    one, same, other = (init_weights(TinyCaptioner(), seed) for seed in (5, 5, 6))
    assert torch.equal(one.output.weight, same.output.weight)
    assert not torch.equal(one.output.weight, other.output.weight)
    assert torch.all(one.words.weight[0] == 0)
    assert 0.1 < one.words.weight[1:].std() < 0.3
    assert torch.all(one.output.bias == 0)


def test_dropout_is_set_everywhere():
    model = nn.Sequential(TinyCaptioner(), nn.Dropout(0.3))
    set_dropout(model, 0.0)
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == [0.0, 0.0]


def test_the_chapters_captioner_has_its_size_and_no_dropout():
    def build(word_to_idx, input_dim, wordvec_dim, num_heads, num_layers, dim_feedforward):
        assert (num_heads, num_layers, wordvec_dim, dim_feedforward) == (4, 1, 96, 384)
        return TinyCaptioner(len(word_to_idx), input_dim)

    model = make_captioner(build, {"<NULL>": 0, "a": 1}, 5, seed=1)
    assert model.dropout.p == 0
    assert model.output.weight.shape == (2, 8)
    same = init_weights(TinyCaptioner(2, 5), seed=1)
    assert torch.equal(model.output.weight, same.output.weight)
