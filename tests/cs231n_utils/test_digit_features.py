import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cs231n_utils.data.digits import load_digit_images
from cs231n_utils.digit_features import (
    WEIGHTS,
    WrongWeights,
    digit_classifier_card,
    digit_distance,
    digit_features,
    frechet_distance,
    load_digit_classifier,
)

README = (Path(__file__).parents[2] / "datasets" / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data():
    return load_digit_images()


def test_the_classifier_is_as_good_as_its_card_says(data):
    card = digit_classifier_card()
    unseen = slice(card["images"], None)
    with torch.no_grad():
        _, scores = load_digit_classifier()(torch.from_numpy(data.images[unseen]))
    right = float(np.mean(scores.argmax(1).numpy() == data.labels[unseen]))
    assert len(scores) == card["unseen"] == 450
    assert right == pytest.approx(card["accuracy"], abs=0.005)


def test_what_the_readme_says_of_the_classifier_is_true():
    content = WEIGHTS.read_bytes()
    card = digit_classifier_card()
    assert hashlib.sha256(content).hexdigest() in README
    assert f"{len(content):,} bytes" in README
    assert f"{100 * card['accuracy']:.1f} %" in README
    assert len(content) < 500_000


def test_weights_that_do_not_fit_are_refused(tmp_path):
    weights = load_file(WEIGHTS)
    weights.pop("name.bias")
    save_file(weights, tmp_path / "short.safetensors")
    with pytest.raises(WrongWeights, match="does not fit"):
        load_digit_classifier(tmp_path / "short.safetensors")


def test_the_distance_of_known_distributions_is_known():
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((4000, 3))
    draws = (draws - draws.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(draws.T))).T
    # With commuting covariances it is |m1 - m2|^2 + |s1 - s2|^2.
    spread, shift = np.array([2.0, 0.5, 1.0]), np.array([1.0, 0, -3])
    want = (shift**2).sum() + ((spread - 1) ** 2).sum()
    assert frechet_distance(draws, draws * spread + shift) == pytest.approx(want, rel=1e-6)
    assert frechet_distance(draws, draws) == pytest.approx(0, abs=1e-6)


def test_the_distance_is_the_same_both_ways_and_when_turned():
    rng = np.random.default_rng(1)
    some, others = rng.standard_normal((50, 4)), rng.random((60, 4))
    there = frechet_distance(some, others)
    turn, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    assert frechet_distance(others, some) == pytest.approx(there, rel=1e-9)
    assert frechet_distance(some @ turn, others @ turn) == pytest.approx(there, rel=1e-6)


def test_features_of_other_lengths_are_told():
    with pytest.raises(ValueError, match=r"Got \(5, 3\) and \(5, 4\)"):
        frechet_distance(np.zeros((5, 3)), np.zeros((5, 4)))


def test_images_of_another_shape_are_told():
    with pytest.raises(ValueError, match=r"Got \(2, 28, 28\)"):
        digit_features(load_digit_classifier(), np.zeros((2, 28, 28), np.float32))


def test_worse_digits_are_farther_away(data):
    rng = np.random.default_rng(2)
    order = rng.permutation(len(data))
    half, others = data.images[order[::2]], data.images[order[1::2]]
    speckled = np.where(rng.random(half.shape) < 0.1, 1 - half, half).astype(np.float32)
    alike = np.repeat(half[:9], 100, axis=0)
    floor, worse, few = (digit_distance(some, others) for some in (half, speckled, alike))
    assert floor < 10
    assert worse > 5 * floor
    assert few > 5 * floor
