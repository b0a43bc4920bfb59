"""The script that trains the scene classifier, on a handful of pictures."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cs231n_utils.data.picture_classes import CLASS_NAMES, NUM_SHAPES, draw_pictures
from cs231n_utils.pretrained import read_weights, scene_classifier, share_inside

SCRIPT = Path(__file__).parents[2] / "datasets" / "train_scene_classifier.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("train_scene_classifier", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As in the script; several would wait for each other on small pictures."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pictures():
    return draw_pictures(64, seed=1, split="train")


@pytest.fixture(scope="module")
def trained(script, pictures):
    """Return a network with batch normalisation after a few steps."""
    torch.manual_seed(0)
    network = script.with_batch_norm(script.SceneClassifier(len(CLASS_NAMES)))
    script.train(network, [pictures] * 6, 32, 3e-3, 0.1)
    return network.eval()


def test_training_lowers_the_loss(script, pictures, trained):
    torch.manual_seed(0)
    fresh = script.with_batch_norm(script.SceneClassifier(len(CLASS_NAMES)))
    images, masks, labels = script.as_tensors(pictures)
    x = 2 * (images.float() / 127.5 - 1)
    with torch.no_grad():
        losses = [
            script.lesson(network.train(), x, masks.float(), labels)[0]
            for network in (fresh, trained)
        ]
    trained.eval()
    assert losses[1] < 0.9 * losses[0]


def test_folding_batch_normalisation_changes_nothing(script, trained):
    x = torch.randn(3, 3, 64, 64)
    plain = script.without_batch_norm(trained)
    assert not any("Norm" in type(layer).__name__ for layer in plain.modules())
    with torch.no_grad():
        torch.testing.assert_close(plain(x), trained(x), atol=1e-4, rtol=1e-4)


def test_the_stored_weights_load_and_are_half_as_long(script, trained, tmp_path):
    plain = script.without_batch_norm(trained)
    save_file(script.stored(plain), tmp_path / "w.safetensors")
    loaded = scene_classifier(read_weights(tmp_path / "w.safetensors")).model
    numbers = sum(weight.numel() for weight in plain.parameters())
    assert (tmp_path / "w.safetensors").stat().st_size < 2 * numbers + 10_000
    x = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(loaded(x), plain(x), atol=0.02, rtol=0.02)


def test_polishing_moves_what_matters_onto_the_object(script, pictures, trained):
    classifier = scene_classifier(script.without_batch_norm(trained).state_dict())
    shapes = pictures.take(np.flatnonzero(pictures.labels < NUM_SHAPES))

    def inside():
        return share_inside(script.saliency(classifier, shapes), shapes.masks)[0].mean()

    before = inside()
    torch.manual_seed(0)
    for _ in range(3):
        script.polish(classifier.model, pictures, 32, 1e-3, 0.1)
    classifier.model.eval().requires_grad_(False)
    assert inside() > before + 0.01


def test_masks_move_along_with_the_images(script, pictures):
    torch.manual_seed(0)
    masks = script.as_tensors(pictures)[1].float()
    moved, along = script.varied(masks.expand(-1, 3, -1, -1) * 2 - 1, masks, 1.0, 0.0)
    assert (along != masks).any()
    # Where the image was white, it is still lighter than where it was black.
    for image, mask in zip(moved.mean(dim=1), along[:, 0], strict=True):
        if 0 < mask.mean() < 1:
            assert image[mask > 0.9].mean() > image[mask < 0.1].mean() + 0.1


def test_at_level_0_images_are_at_most_mirrored(script, pictures):
    images, masks, _ = script.as_tensors(pictures)
    images = images.float() / 127.5 - 1
    x, inside = script.varied(images, masks.float(), 0.0, 0.0)
    same, mirrored = (
        torch.isclose(seen, 2 * images, atol=1e-3).flatten(1).all(dim=1) for seen in (x, x.flip(3))
    )
    assert (same | mirrored).all()
    assert same.any()
    assert mirrored.any()
    assert inside.shape == masks.shape


def test_two_thirds_of_the_photographs_are_left_out(script):
    pictures = draw_pictures(600, seed=2, split="train")
    kept = script.mostly_shapes(pictures)
    assert (kept.labels < NUM_SHAPES).sum() == (pictures.labels < NUM_SHAPES).sum()
    share = (kept.labels >= NUM_SHAPES).sum() / (pictures.labels >= NUM_SHAPES).sum()
    assert 0.2 < share < 0.45
