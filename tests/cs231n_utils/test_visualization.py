import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cs231n_utils import visualization as given
from cs231n_utils.data.classifier_network import Fire


def test_a_function_takes_the_place_of_every_relu_and_the_original_stays():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), Fire(4, 2, 3))
    other = given.replace_relus(model, torch.sigmoid)
    x = torch.randn(5, 3)
    assert torch.equal(other[:2](x), torch.sigmoid(model[0](x)))
    picture = torch.randn(1, 4, 2, 2)
    squeezed = torch.sigmoid(model[2].squeeze(picture))
    assert torch.allclose(other[2](picture)[:, :3], torch.sigmoid(model[2].expand1x1(squeezed)))
    assert isinstance(model[1], nn.ReLU)


def test_a_margin_is_the_lead_over_the_best_of_the_others():
    margins = given.Margins(nn.Identity())(torch.tensor([[1.0, 4.0, 2.5], [0.0, -1.0, 3.0]]))
    assert torch.equal(margins, torch.tensor([[-3.0, 1.5, -1.5], [-3.0, -4.0, 3.0]]))


def test_layers_are_described_from_the_picture_upwards():
    layers = [nn.Conv2d(3, 4, 5, 2, 1), nn.ReLU(), nn.MaxPool2d(3, 2), Fire(4, 2, 3)]
    assert given.describe_layers(layers) == [(5, 2, 1), (3, 2, 0), (1, 1, 0), (3, 1, 1)]


@pytest.mark.parametrize(
    ("layer", "said"), [(nn.Linear(2, 3), "Got Linear"), (nn.Conv2d(3, 4, (3, 5)), "square")]
)
def test_a_layer_without_a_window_is_named(layer, said):
    with pytest.raises(ValueError, match=said):
        given.describe_layers([layer])


def test_jitter_moves_to_the_right_and_down_and_back():
    X = torch.randn(2, 3, 5, 7)
    moved = given.jitter(X, 2, 1)
    assert torch.equal(moved[:, :, 1:, 2:], X[:, :, :-1, :-2])
    assert torch.equal(given.jitter(moved, -2, -1), X)


def test_a_blur_keeps_the_sum_and_spreads_as_its_width_says():
    X = torch.zeros(1, 3, 41, 51)
    X[..., 20, 25] = 1
    out = given.blur_image(X, sigma=2.0)
    assert out.shape == X.shape
    assert torch.allclose(out.sum(dim=(2, 3)), torch.ones(1, 3))
    rows = torch.arange(41) - 20.0
    assert (out[0, 0].sum(dim=1) @ rows**2).sqrt().item() == pytest.approx(2.0, rel=0.03)


def test_a_blur_leaves_a_plain_picture_as_it_is():
    X = torch.full((1, 3, 6, 8), 1.7)
    assert torch.allclose(given.blur_image(X), X)


def test_the_bounds_are_what_preprocessing_makes_of_black_and_white():
    class Classifier:
        mean, std = (0.5, 0.25, 0.0), (0.25, 0.5, 1.0)

    low, high = given.colour_bounds(Classifier)
    assert low.flatten().tolist() == [-2, -0.5, 0]
    assert high.flatten().tolist() == [2, 1.5, 1]


def test_a_window_is_grey_outside_of_the_image():
    image = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    np.testing.assert_array_equal(given.cut_window(image, 1, 2, 3), image[1:4, 2:5])
    corner = given.cut_window(image, -1, -2, 4)
    np.testing.assert_array_equal(corner[1:, 2:], image[:3, :2])
    assert (corner[0] == 128).all()
    assert (corner[:, :2] == 128).all()
    assert (given.cut_window(image, 9, 9, 2) == 128).all()


def test_features_are_averaged_over_places_batch_by_batch():
    model = nn.Module()
    model.features = nn.Conv2d(3, 4, 3)
    x = torch.randn(5, 3, 6, 7)
    wanted = model.features(x).mean(dim=(2, 3))
    assert torch.allclose(given.mean_features(model, x, batch_size=2), wanted, atol=1e-6)


def test_principal_components_find_the_direction_of_most_variance():
    rng = np.random.default_rng(0)
    along = np.array([3.0, 4.0, 0.0]) / 5
    features = torch.tensor(
        rng.normal(size=(200, 1)) * 10 * along + rng.normal(size=(200, 3)) * 0.1
    )
    places, share = given.principal_components(features, 1)
    assert places.shape == (200, 1)
    assert share > 0.99
    centred = features - features.mean(dim=0)
    alike = np.corrcoef(places[:, 0], centred @ torch.tensor(along))[0, 1]
    assert abs(alike) > 0.999


def test_correlations_are_one_for_the_same_map_whatever_its_scale():
    maps = np.random.default_rng(1).normal(size=(3, 4, 5))
    np.testing.assert_allclose(given.correlations(maps, 3 * maps + 1), 1)
    np.testing.assert_allclose(given.correlations(maps, -maps), -1)
    wanted = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(maps, maps[::-1], strict=True)
    ]
    np.testing.assert_allclose(given.correlations(maps, maps[::-1]), wanted)


def test_an_elementwise_layer_applies_its_function():
    x = torch.randn(3)
    assert torch.equal(given.Elementwise(F.softplus)(x), F.softplus(x))
