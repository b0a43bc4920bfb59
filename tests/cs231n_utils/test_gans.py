import numpy as np
import pytest
import torch
from torch import nn

from cs231n_utils import gans


def in_a_row():
    return nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


class Nested(nn.Module):
    """The same layers, with other names and in another order."""

    def __init__(self):
        super().__init__()
        self.z = nn.Linear(4, 1)
        self.parts = nn.ModuleDict({"norm": nn.BatchNorm1d(4), "first": nn.Linear(6, 4)})

    def forward(self, x):
        return self.z(self.parts["norm"](self.parts["first"](x)))


def test_known_parameters_do_not_depend_on_names_and_order():
    x = torch.randn(5, 6)
    outs = [gans.set_known_parameters(make(), 3, 6)(x) for make in (in_a_row, Nested)]
    assert torch.equal(*outs)
    other = gans.set_known_parameters(Nested(), 4, 6)(x)
    assert not torch.allclose(outs[0], other)


def test_lazy_layers_get_known_parameters_too():
    lazy = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.LazyLinear(1))
    gans.set_known_parameters(lazy, 3, inputs=6)
    eager = gans.set_known_parameters(in_a_row(), 3, inputs=6)
    assert lazy.training
    x = torch.randn(5, 6)
    assert torch.equal(lazy(x), eager(x))
    assert torch.equal(lazy[1].running_mean, eager[1].running_mean)


def test_large_parameters_repeat_their_numbers_in_other_rows():
    weight = gans.known_parameter((300, 400), (300, 400), seed=1)
    assert len(np.unique(weight)) == pytest.approx(gans.PERIOD, rel=0.01)
    assert not np.array_equal(weight[0], weight[1])
    assert np.std(weight) == pytest.approx(1.5 * np.sqrt(2 / 700), rel=0.05)


def test_images_may_be_taken_as_rows_or_as_pictures():
    images = torch.randn(3, 784)
    rows, pictures = nn.Linear(784, 1), nn.Conv2d(1, 1, 28)
    with torch.no_grad():
        pictures.weight.copy_(rows.weight.reshape(1, 1, 28, 28))
        pictures.bias.copy_(rows.bias)
    got = gans.scores_of(pictures, images).reshape(3, 1)
    torch.testing.assert_close(got, gans.scores_of(rows, images), rtol=1e-4, atol=1e-5)


def test_a_network_that_takes_neither_raises_its_first_error():
    with pytest.raises(RuntimeError, match="784"):
        gans.scores_of(nn.Linear(5, 1), torch.zeros(2, 784))


def test_pictures_become_rows():
    make = nn.Sequential(nn.Linear(2, 784), nn.Unflatten(1, (1, 28, 28)))
    assert gans.pictures_of(make, torch.zeros(3, 2)).shape == (3, 784)


def test_the_given_parts_change_shapes_only():
    x = torch.arange(24.0).reshape(2, 3, 2, 2)
    flat = gans.Flatten()(x)
    assert flat.shape == (2, 12)
    assert torch.equal(gans.Unflatten(C=3, H=2, W=2)(flat), x)
    assert gans.Unflatten(2, 3, 2, 2)(flat).shape == x.shape


def test_pixels_go_to_the_range_of_tanh_and_back():
    x = np.array([0.0, 0.25, 1.0])
    np.testing.assert_array_equal(gans.preprocess_img(x), [-1, -0.5, 1])
    np.testing.assert_array_equal(gans.deprocess_img(gans.preprocess_img(x)), x)


def test_weights_are_drawn_anew_for_every_layer_with_two_fans():
    layers = nn.Sequential(nn.Linear(100, 50), nn.ConvTranspose2d(8, 4, 4), nn.BatchNorm1d(3))
    before = [p.clone() for p in layers.parameters()]
    layers.apply(gans.initialize_weights)
    changed = [not torch.equal(a, b) for a, b in zip(before, layers.parameters(), strict=True)]
    assert changed == [True, False, True, False, False, False]
    assert layers[0].weight.abs().max() <= (6 / 150) ** 0.5


def test_parameters_are_counted():
    assert gans.count_params(in_a_row()) == 6 * 4 + 4 + 2 * 4 + 4 + 1


def test_gradients_are_followed_step_by_step():
    model = nn.Linear(2, 1).double()
    gans.set_known_parameters(model, 0, 2)
    before = torch.cat([p.detach().flatten() for p in model.parameters()])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    gradients = np.array([[1.0, 2, 3], [0, -1, 1]])
    moved = gans.follow(optimizer, model, gradients)
    torch.testing.assert_close(moved, before - 0.1 * torch.tensor(gradients.sum(axis=0)))


def test_settings_of_an_optimizer_are_read():
    weights = [nn.Parameter(torch.zeros(2)) for _ in range(2)]
    adam = torch.optim.Adam(weights, lr=0.1, betas=(0.2, 0.3), weight_decay=0.4)
    assert gans.settings_of(adam) == (0.1, 0.2, 0.3, 0.4)
    groups = [{"params": [w], "lr": lr} for w, lr in zip(weights, (0.1, 0.2), strict=True)]
    assert np.isnan(gans.settings_of(torch.optim.Adam(groups))).all()
    assert np.isnan(gans.settings_of(torch.optim.SGD(weights, lr=0.1))[1:3]).all()
