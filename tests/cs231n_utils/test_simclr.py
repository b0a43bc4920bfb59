"""SimCLR's training learns, repeats itself, and is judged fairly."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cs231n_utils.augment import Augmentation
from cs231n_utils.data.objects32 import load_objects
from cs231n_utils.simclr import (
    HEADS,
    SimCLRModel,
    encode,
    few_labels,
    linear_probe,
    load_trained,
    make_model,
    mean_probe,
    read_checkpoint,
    resnet18_encoder,
    save_checkpoint,
    small_encoder,
    train_from_scratch,
    train_simclr,
)
from cs231n_utils.simclr_models import TRAINED
from cs231n_utils.solver import LossNotFinite


@pytest.fixture(scope="module")
def images():
    return load_objects(96, 1, seed=5).train.images


def pull_together(left, right, temperature):
    """A stand-in for the student's loss: pairs come together, the batch spreads out."""
    return (left - right).pow(2).sum(1).mean() + temperature * (left.mean(0) ** 2).sum()


def tiny(seed=0, head="mlp_bn"):
    torch.manual_seed(seed)
    return SimCLRModel(small_encoder(4), head, out_dim=8)


@pytest.mark.parametrize("head", HEADS)
def test_the_model_returns_features_and_projections_of_length_one(head):
    model = tiny(head=head)
    feature, out = model(torch.randn(5, 3, 32, 32))
    assert feature.shape == (5, 16)
    assert out.shape == (5, 16 if head == "none" else 8)
    assert torch.allclose(feature.norm(dim=1), torch.ones(5))
    assert torch.allclose(out.norm(dim=1), torch.ones(5))
    assert torch.equal(feature, out) == (head == "none")


def test_heads_are_what_their_names_say():
    def layers(head):
        return [type(m).__name__ for m in tiny(head=head).head.modules() if not list(m.children())]

    assert layers("none") == ["Identity"]
    assert layers("linear") == ["Linear"]
    assert layers("mlp") == ["Linear", "ReLU", "Linear"]
    assert layers("mlp_bn") == ["Linear", "BatchNorm1d", "ReLU", "Linear"]
    with pytest.raises(ValueError, match="Got 'deep'"):
        tiny(head="deep")


def test_resnet18_keeps_small_pictures_large():
    encoder = resnet18_encoder()
    sizes = []
    encoder.layer1.register_forward_hook(lambda *args: sizes.append(args[2].shape))
    assert encoder.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 512)
    assert sizes[0] == (1, 64, 32, 32)


def test_weights_follow_from_the_seed_and_torch_s_own_stream_is_left_alone():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    one, same, other = (make_model(seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["encoder.0.weight"], other["encoder.0.weight"])
    with pytest.raises(ValueError, match=r"small, resnet18\. Got 'vgg'"):
        make_model("vgg")


def test_training_lowers_the_loss_and_repeats_itself(images):
    options = {"steps": 25, "batch_size": 32, "learning_rate": 5e-3, "progress": False}
    one, same = tiny(), tiny()
    history = train_simclr(one, images, pull_together, seed=1, **options)
    assert history == train_simclr(same, images, pull_together, seed=1, **options)
    assert history != train_simclr(tiny(), images, pull_together, seed=2, **options)
    assert len(history) == 25
    assert np.mean(history[-5:]) < 0.6 * np.mean(history[:5])
    assert not one.training


def test_the_loss_sees_two_views_of_the_same_pictures(images):
    seen = []

    def spy(left, right, temperature):
        seen.append((left, right, temperature))
        return pull_together(left, right, temperature)

    nothing = Augmentation(scale=(1, 1), ratio=(1, 1), flip=0, jitter_p=0, grey=0)
    train_simclr(
        tiny(),
        images,
        spy,
        epochs=2,
        batch_size=40,
        temperature=0.3,
        augment=nothing,
        progress=False,
    )
    assert len(seen) == 4  # two whole minibatches of 40 fit into 96 pictures
    left, right, temperature = seen[0]
    assert temperature == 0.3
    assert left.shape == right.shape == (40, 8)
    assert torch.allclose(left, right, atol=1e-5)  # without changes the views are the same
    assert not torch.allclose(left[0], left[1], atol=1e-3)
    train_simclr(tiny(), images, spy, steps=1, batch_size=40, progress=False)
    assert not torch.allclose(*seen[-1][:2], atol=1e-2)


def test_every_picture_comes_once_before_any_comes_twice():
    pictures = np.arange(10, dtype=np.uint8)[:, None, None, None].repeat(3, 3)
    pictures = np.tile(pictures, (1, 4, 4, 1))
    seen = []

    class Spy(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, x):
            seen.append((x[: len(x) // 2, 0, 0, 0] * 255).round().int().tolist())
            return x, self.weight * x.flatten(1)

    nothing = Augmentation(
        size=4, scale=(1, 1), ratio=(1, 1), flip=0, jitter_p=0, grey=0, normalised=False
    )
    train_simclr(
        Spy(), pictures, pull_together, epochs=2, batch_size=5, augment=nothing, progress=False
    )
    assert sorted(seen[0] + seen[1]) == sorted(seen[2] + seen[3]) == list(range(10))
    assert seen[0] + seen[1] != seen[2] + seen[3]


def test_a_loss_that_is_not_finite_stops_the_training(images):
    def nan(left, right, temperature):
        return (left * float("nan")).sum()

    with pytest.raises(LossNotFinite, match="Got nan in minibatch 1"):
        train_simclr(tiny(), images, nan, steps=2, batch_size=8, progress=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either steps or epochs"),
        ({"steps": 1, "epochs": 1}, "give either steps or epochs"),
        ({"steps": 1, "batch_size": 97}, "at most 96, all. Got 97"),
    ],
)
def test_a_wrong_argument_is_named(options, message, images):
    with pytest.raises(ValueError, match=message):
        train_simclr(tiny(), images, pull_together, progress=False, **options)


def test_the_number_of_threads_is_put_back(images):
    before = torch.get_num_threads()
    train_simclr(tiny(), images, pull_together, steps=1, batch_size=8, progress=False)
    assert torch.get_num_threads() == before


def test_features_come_from_a_model_in_eval_mode_in_any_batches(images):
    model = tiny().train()
    features = encode(model, images)
    assert features.shape == (96, 16)
    assert np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)
    assert np.allclose(encode(model, images, batch_size=7), features, atol=1e-5)
    raw = encode(model.encoder, images)
    assert np.allclose(raw / np.linalg.norm(raw, axis=1, keepdims=True), features, atol=1e-5)


def test_few_labels_are_the_same_number_of_every_class():
    labels = np.array([0] * 5 + [1] * 9 + [2] * 3)
    rows = few_labels(labels, 3, seed=1)
    assert np.bincount(labels[rows]).tolist() == [3, 3, 3]
    assert len(set(rows.tolist())) == 9
    assert rows.tolist() == few_labels(labels, 3, seed=1).tolist()
    assert rows.tolist() != few_labels(labels, 3, seed=2).tolist()
    with pytest.raises(ValueError, match=r"must have 4 pictures\. Got 3"):
        few_labels(labels, 4)


def test_a_linear_probe_reads_what_is_linear_in_the_features():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=300)
    features = rng.normal(size=(300, 8)).astype(np.float32)
    assert linear_probe(features[:200], labels[:200], features[200:], labels[200:]) < 0.5
    features[:, :3] += 4 * np.eye(3)[labels]
    assert linear_probe(features[:200], labels[:200], features[200:], labels[200:]) > 0.95


def test_features_in_which_the_few_labelled_pictures_agree_by_chance_do_no_harm():
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    features = rng.normal(size=(400, 9)).astype(np.float32)
    features[:, 0] += 6 * labels
    features[:2, 1:] *= 0.01  # the two labelled ones
    few, rest = (features[:2], labels[:2]), (features[200:], labels[200:])
    assert linear_probe(*few, *rest, unlabelled=features[:200]) > 0.95
    assert linear_probe(*few, *rest) < 0.8


def test_a_mean_probe_is_the_mean_over_its_draws(images):
    labels = np.arange(96) % 2
    draws = [few_labels(labels, 2, seed=seed) for seed in range(3)]
    model = tiny()

    def share(draws):
        return mean_probe(model, images[:64], labels[:64], images[64:], labels[64:], draws=draws)

    draws = [rows % 64 for rows in draws]
    assert share(draws) == pytest.approx(np.mean([share([rows]) for rows in draws]))


def test_training_from_scratch_takes_several_views_of_a_picture_where_there_are_few():
    seen = []

    def views(pictures, generator):
        seen.append(pictures)
        return pictures

    images = np.arange(3, dtype=np.uint8)[:, None, None, None].repeat(3, 3)
    images = np.tile(images, (1, 32, 32, 1))
    train_from_scratch(
        images,
        np.arange(3),
        images,
        np.arange(3),
        encoder=small_encoder(4),
        steps=2,
        batch_size=12,
        augment=views,
        progress=False,
    )
    assert [len(pictures) for pictures in seen] == [12, 12]
    for pictures in seen:
        values, times = torch.unique(pictures[:, 0, 0, 0], return_counts=True)
        assert len(values) == 3
        assert times.tolist() == [4, 4, 4]


def test_training_from_scratch_learns_light_from_dark():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    images = (rng.integers(60, size=(40, 32, 32, 3)) + 150 * labels[:, None, None, None]).astype(
        np.uint8
    )
    accuracy = train_from_scratch(
        images[:20],
        labels[:20],
        images[20:],
        labels[20:],
        encoder=small_encoder(4),
        steps=30,
        progress=False,
    )
    assert accuracy > 0.9


def test_a_checkpoint_holds_every_weight_under_its_name(tmp_path):
    model = tiny()
    save_checkpoint(model, tmp_path / "deep" / "model.safetensors", {"steps": 3})
    weights = read_checkpoint(tmp_path / "deep" / "model.safetensors")
    assert set(weights) == set(model.state_dict())
    other = tiny(seed=1)
    other.load_state_dict(weights)
    x = torch.randn(4, 3, 32, 32)
    assert torch.equal(model.eval()(x)[1], other.eval()(x)[1])
    model.to(memory_format=torch.channels_last)  # as after a training
    save_checkpoint(model, tmp_path / "again.safetensors")


def test_the_gradient_of_the_projections_reaches_every_weight_of_the_encoder():
    model = tiny()
    out = model(torch.randn(6, 3, 32, 32))[1]
    F.mse_loss(out, torch.zeros_like(out)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.encoder.parameters())


def test_the_trained_network_is_worth_what_its_file_says():
    from safetensors import safe_open

    with safe_open(TRAINED, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
    data = load_objects(1024, 1000)
    draws = [few_labels(data.train.labels, 1, seed=draw) for draw in range(5)]
    train, test = data.train, data.test
    share = mean_probe(
        load_trained(), train.images, train.labels, test.images, test.labels, draws=draws
    )
    assert share == pytest.approx(about["probe with one label of each kind"], abs=0.02)
