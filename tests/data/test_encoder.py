"""The scene encoder: its weights fit exactly, and it sees what its card says it sees."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cs231n_utils import encoder as encoder_module
from cs231n_utils.data.scene_network import FEATURE_DIM, PCA_DIM
from cs231n_utils.data.scene_render import render_scenes
from cs231n_utils.data.scenes import sample_scenes
from cs231n_utils.encoder import (
    WEIGHTS,
    WrongWeights,
    encode_images,
    encoder_card,
    load_encoder,
)

SCRIPT = Path(__file__).parents[2] / "datasets" / "train_scene_encoder.py"
FRESH = 424_242  # a seed that neither training nor the card's measurement used


@pytest.fixture(scope="module")
def network():
    return load_encoder()


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("train_scene_encoder", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_encoder_reads_fresh_scenes_as_well_as_its_card_says(network, script):
    card = encoder_card()["accuracy"]
    found = script.accuracy(network, sample_scenes(800, seed=FRESH, split="test"))
    assert found.keys() == card.keys()
    for name, share in found.items():
        # About four standard errors of a share measured on 800 scenes, and never below 1 %.
        margin = max(0.01, 4 * np.sqrt(card[name] * (1 - card[name]) / 800))
        assert abs(share - card[name]) < margin, (name, share, card[name])


def test_the_card_says_how_the_weights_were_made():
    card = encoder_card()
    assert {"script", "seed", "images", "torch", "accuracy", "minutes"} <= card.keys()
    assert (SCRIPT.parents[1] / card["script"]).is_file()


def test_the_weights_are_small():
    assert WEIGHTS.stat().st_size < 1_500_000


def test_features_have_the_announced_lengths(network):
    images = render_scenes(sample_scenes(70))
    assert encode_images(network, images).shape == (70, PCA_DIM)
    assert encode_images(network, images, pca=False).shape == (70, FEATURE_DIM)
    assert (encoder_module.PCA_DIM, encoder_module.FEATURE_DIM) == (PCA_DIM, FEATURE_DIM)


def test_features_do_not_depend_on_the_batch(network):
    images = render_scenes(sample_scenes(12))
    together = encode_images(network, images)
    alone = np.concatenate([encode_images(network, images[i : i + 1]) for i in range(12)])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_short_features_are_centred_and_of_unit_scale(network):
    features = encode_images(network, render_scenes(sample_scenes(1000, seed=FRESH)))
    assert np.abs(features.mean(axis=0)).max() < 0.5
    assert 0.9 < features.std() < 1.1
    # Principal components: the first varies most.
    assert features[:, 0].std() > 3 * features[:, -1].std()


@pytest.mark.parametrize("change", ["missing", "unexpected", "another shape"])
def test_weights_that_do_not_fit_exactly_are_refused(change, tmp_path):
    weights = load_file(WEIGHTS)
    name = "centre.bias"
    if change == "missing":
        del weights[name]
    elif change == "unexpected":
        name = "extra.bias"
        weights[name] = torch.zeros(2)
    else:
        weights[name] = torch.zeros(3)
    save_file(weights, tmp_path / "w.safetensors")
    with pytest.raises(WrongWeights, match=name.replace(".", r"\.")):
        load_encoder(tmp_path / "w.safetensors")


def test_a_file_that_is_not_safetensors_is_refused(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"not weights")
    with pytest.raises(WrongWeights, match="is not a safetensors file"):
        load_encoder(tmp_path / "w.safetensors")


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        load_encoder(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    "images", [np.zeros((2, 64, 64, 3), np.float32), np.zeros((64, 64, 3), np.uint8)]
)
def test_images_of_another_kind_are_refused(network, images):
    with pytest.raises(ValueError, match=r"must be uint8 of shape \(N, 64, 64, 3\)"):
        encode_images(network, images)


def test_the_training_script_learns_and_writes_weights_that_load(tmp_path, script):
    """A few steps on one batch: enough to see the loss fall, far too few for good features."""
    torch.manual_seed(0)
    network = script.SceneNetwork()
    scenes = sample_scenes(128, seed=1)
    images, targets = script.to_tensor(render_scenes(scenes)), script.targets_of(scenes)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(8):
        loss = script.lesson(network, images, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    script.find_components(network, scenes)
    save_file(script.stored(network), tmp_path / "w.safetensors")
    features = encode_images(load_encoder(tmp_path / "w.safetensors"), render_scenes(scenes))
    assert np.isfinite(features).all()


def test_importing_the_encoder_does_not_import_torch():
    code = "import sys, cs231n_utils.encoder; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
