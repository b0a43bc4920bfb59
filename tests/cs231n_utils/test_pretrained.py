"""The course's classifiers: their weights fit exactly, and they see what their cards say."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cs231n_utils import pretrained
from cs231n_utils.data.picture_classes import CLASS_NAMES, NUM_SHAPES
from cs231n_utils.pretrained import (
    SEEDS,
    WrongWeights,
    classifier_card,
    load_classifier,
    load_pictures,
    read_weights,
    scene_classifier,
    scene_weights,
    share_inside,
)

FRESH = 424_242  # a seed that neither training nor the cards' measurement used


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Several would wait for each other on small pictures."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", params=SEEDS)
def seed(request):
    return request.param


@pytest.fixture(scope="module")
def classifier(seed):
    return load_classifier("scenes", seed=seed)


@pytest.fixture(scope="module")
def pictures():
    return load_pictures("scenes", num=600, seed=FRESH)


def test_it_classifies_fresh_pictures_as_well_as_its_card_says(classifier, seed, pictures):
    card = classifier_card(scene_weights(seed))
    right = classifier.scores(pictures.images).argmax(axis=1) == pictures.labels
    # About four standard errors of a share measured on 600 pictures, and never below 2 %.
    margin = max(0.02, 4 * np.sqrt(card["accuracy"] * (1 - card["accuracy"]) / 600))
    assert abs(right.mean() - card["accuracy"]) < margin


def test_what_moves_a_score_lies_on_the_object(classifier, seed, pictures):
    """More than two and a half times as much as by chance, and as much as the card says."""
    shapes = pictures.take(np.flatnonzero(pictures.labels < NUM_SHAPES)[:150])
    x = classifier.preprocess(shapes.images).requires_grad_()
    classifier.model(x)[torch.arange(len(shapes)), shapes.labels].sum().backward()
    share, chance = share_inside(x.grad.abs().amax(dim=1).numpy(), shapes.masks)
    assert share.mean() > 2.5 * chance.mean()
    assert abs(share.mean() - classifier_card(scene_weights(seed))["saliency_share"]) < 0.06


def test_each_network_recognises_most_class_images_of_the_other():
    """What rises on the scores of one is the class, and not that network's whims."""
    networks = [load_classifier("scenes", seed=seed) for seed in SEEDS]
    y = torch.arange(len(CLASS_NAMES))
    right = []
    for one, other in (networks, networks[::-1]):
        right.append(other.model(class_images(one.model, y)).argmax(dim=1) == y)
    # 24 of 36 when this was written; chance would give 2.
    assert torch.stack(right).float().mean() > 0.5


def class_images(model, y, steps=60):
    """Go up the scores y of one picture each, with jitter, blur and a weak penalty."""
    torch.manual_seed(0)
    x = 0.3 * torch.randn(len(y), 3, 64, 64)
    for step in range(steps):
        shift = torch.randint(-8, 9, (2,)).tolist()
        moved = x.roll(shift, (2, 3)).requires_grad_()
        score = model(moved)[torch.arange(len(y)), y].sum() - 1e-3 * (moved**2).sum()
        (gradient,) = torch.autograd.grad(score, moved)
        gradient = 5 * gradient / gradient.flatten(1).norm(dim=1)[:, None, None, None]
        x = (moved.detach() + gradient).roll([-s for s in shift], (2, 3)).clamp(-2, 2)
        if step % 10 == 9:
            around = [x.roll(by, dim) for by in (-1, 1) for dim in (2, 3)]
            x = 0.4 * x + 0.15 * sum(around)
    return x


def test_the_card_says_how_the_weights_were_made(seed, repository):
    card = classifier_card(scene_weights(seed))
    assert {"pictures", "epochs", "torch", "minutes", "accuracy"} <= card.keys()
    assert card["seed"] == seed
    assert (repository / card["script"]).is_file()


def test_all_weights_of_the_course_together_are_small(repository):
    files = (repository / "cs231n_utils" / "data").glob("*.safetensors")
    assert sum(file.stat().st_size for file in files) < 5_000_000


def test_the_two_networks_are_of_one_kind_and_differ():
    first, second = (load_file(scene_weights(seed)) for seed in SEEDS)
    assert first.keys() == second.keys()
    assert all(not torch.equal(first[name], second[name]) for name in first)


def test_the_model_is_ready_to_be_looked_into(classifier):
    assert not classifier.model.training
    assert not any(parameter.requires_grad for parameter in classifier.model.parameters())
    assert isinstance(classifier.model.features, torch.nn.Sequential)
    assert all(parameter.dtype == torch.float32 for parameter in classifier.model.parameters())
    assert classifier.class_names == CLASS_NAMES
    names = {type(layer).__name__ for layer in classifier.model.modules()}
    assert not {name for name in names if "Norm" in name or "Dropout" in name}


def test_no_layer_changes_what_another_returned(classifier):
    x = torch.rand(1, 3, 64, 64) - 0.5
    seen = []
    for layer in classifier.model.features:
        seen.append((x, x.clone()))
        x = layer(x)
    assert all(torch.equal(now, then) for now, then in seen)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 97), (192, 160)])
def test_pictures_of_any_size_have_scores(classifier, height, width):
    x = classifier.preprocess(np.zeros((2, height, width, 3), dtype=np.uint8))
    assert classifier.model(x).shape == (2, len(CLASS_NAMES))


def test_scores_of_one_picture_do_not_depend_on_the_others(classifier, pictures):
    x = classifier.preprocess(pictures.images[:5])
    together, alone = classifier.model(x), classifier.model(x[2:3])
    torch.testing.assert_close(together[2:3], alone, atol=1e-4, rtol=1e-4)


def test_deprocess_undoes_preprocess(classifier, pictures):
    images = pictures.images[:3]
    x = classifier.preprocess(images)
    assert x.dtype == torch.float32
    assert x.shape == (3, 3, 64, 64)
    np.testing.assert_array_equal(classifier.deprocess(x), images)
    np.testing.assert_array_equal(classifier.deprocess(x[1]), images[1])
    torch.testing.assert_close(classifier.preprocess(images[1]), x[1:2])


def test_preprocess_uses_mean_and_deviation_of_each_channel(classifier):
    grey = np.full((1, 4, 4, 3), 51, dtype=np.uint8)
    expected = (0.2 - np.array(classifier.mean)) / np.array(classifier.std)
    np.testing.assert_allclose(classifier.preprocess(grey)[0, :, 0, 0], expected, rtol=1e-6)


def test_deprocess_cuts_off_what_is_beyond_black_and_white(classifier):
    x = torch.tensor([-100.0, 100.0]).view(2, 1, 1, 1).expand(2, 3, 2, 2).requires_grad_()
    images = classifier.deprocess(x)
    assert (images[0] == 0).all()
    assert (images[1] == 255).all()


def test_images_of_another_kind_are_refused(classifier):
    for wrong in (np.zeros((2, 8, 8, 3)), np.zeros((2, 3, 8, 8), np.uint8)):
        with pytest.raises(ValueError, match=r"must be uint8 of shape \(N, H, W, 3\)"):
            classifier.preprocess(wrong)
    with pytest.raises(ValueError, match=r"x must have shape \(N, 3, H, W\)"):
        classifier.deprocess(torch.zeros(2, 8, 8, 3))


def test_names_and_seeds_that_nobody_trained_are_refused():
    with pytest.raises(ValueError, match="Got 'vgg'"):
        load_classifier("vgg")
    with pytest.raises(ValueError, match=r"seed must be one of 0, 1\. Got 2"):
        load_classifier("scenes", seed=2)
    with pytest.raises(ValueError, match="was trained once"):
        load_classifier("squeezenet", seed=1)
    with pytest.raises(ValueError, match='must be "scenes" or "imagenet-val-25"'):
        load_pictures("cifar")


@pytest.mark.parametrize("change", ["Missing", "Unexpected", "Of another shape"])
def test_weights_that_do_not_fit_exactly_are_refused(change, tmp_path):
    weights = load_file(scene_weights(0))
    name = "classifier.0.bias"
    if change == "Missing":
        del weights[name]
    elif change == "Unexpected":
        name = "extra.bias"
        weights[name] = torch.zeros(2)
    else:
        weights[name] = torch.zeros(3)
    save_file(weights, tmp_path / "w.safetensors")
    with pytest.raises(WrongWeights, match=f"{change}: {name}"):
        scene_classifier(read_weights(tmp_path / "w.safetensors"))


def test_a_file_that_is_not_there_or_no_weights_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        read_weights(tmp_path / "none.safetensors")
    (tmp_path / "w.safetensors").write_bytes(b"not weights")
    with pytest.raises(WrongWeights, match="is not a safetensors file"):
        read_weights(tmp_path / "w.safetensors")


def test_the_share_inside_a_mask_by_hand():
    maps = np.array([[[1.0, 2.0], [3.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]])
    masks = np.array([[[True, False], [True, False]], [[True, True], [True, False]]])
    share, chance = share_inside(maps, masks)
    np.testing.assert_allclose(share, [0.5, 0.0])
    np.testing.assert_allclose(chance, [0.5, 0.75])


def test_maps_that_are_no_shares_are_refused():
    with pytest.raises(ValueError, match="the same shape"):
        share_inside(np.ones((2, 4, 4)), np.ones((2, 4, 5), dtype=bool))
    with pytest.raises(ValueError, match=r"0 or more. Got -1\.0"):
        share_inside(-np.ones((2, 4, 4)), np.ones((2, 4, 4), dtype=bool))


def test_importing_the_module_does_not_import_torch():
    code = f"import sys, {pretrained.__name__}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
