import itertools

import numpy as np
import pytest
import torch
from torch import nn

from cs231n_utils import style_transfer
from cs231n_utils.style_transfer import (
    Descent,
    Moves,
    average_pooling,
    colour_limits,
    extract_features,
    paint,
    shuffle_places,
    take_steps,
)

LOW, HIGH = -torch.ones(1, 3, 1, 1), torch.ones(1, 3, 1, 1)


@pytest.fixture
def cnn():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    return layers.requires_grad_(False)


@pytest.fixture
def img():
    return torch.rand(1, 3, 12, 10, generator=torch.Generator().manual_seed(1))


def halve(img, loss_fn, optimizer, low, high):
    """A step that needs no gradient: the picture becomes half of itself."""
    loss = loss_fn(img)
    with torch.no_grad():
        img.mul_(0.5)
    return loss.item()


def test_there_is_a_feature_map_for_each_layer_and_the_last_is_the_networks_output(cnn, img):
    feats = extract_features(img, cnn)
    assert [tuple(f.shape) for f in feats] == [(1, 4, 12, 10), (1, 4, 12, 10), (1, 4, 6, 5)]
    torch.testing.assert_close(feats[-1], cnn(img))
    torch.testing.assert_close(feats[1], cnn[0](img).relu())


def test_features_know_the_picture_that_they_were_made_from(cnn, img):
    extract_features(img.requires_grad_(True), cnn)[-1].sum().backward()
    assert img.grad.abs().sum() > 0


def test_averages_take_the_place_of_largest_values_and_nothing_else_changes(cnn, img):
    soft = average_pooling(cnn)
    assert [type(layer) for layer in soft] == [nn.Conv2d, nn.ReLU, nn.AvgPool2d]
    hidden = cnn[1](cnn[0](img))
    torch.testing.assert_close(soft(img), nn.functional.avg_pool2d(hidden, 2))
    assert isinstance(cnn[2], nn.MaxPool2d)


def test_an_averaged_pooling_keeps_stride_and_rounding():
    soft = average_pooling([nn.MaxPool2d(3, stride=2, ceil_mode=True)])
    x = torch.rand(1, 2, 8, 10)
    assert soft(x).shape == nn.MaxPool2d(3, stride=2, ceil_mode=True)(x).shape


def test_black_and_white_are_normalised_for_each_channel():
    low, high = colour_limits((0.5, 0.4, 0.2), (0.25, 0.2, 0.1))
    assert low.shape == high.shape == (1, 3, 1, 1)
    torch.testing.assert_close(low.flatten(), torch.tensor([-2.0, -2.0, -2.0]))
    torch.testing.assert_close(high.flatten(), torch.tensor([2.0, 3.0, 8.0]))


def test_a_moved_picture_comes_with_the_features_of_the_content_moved_alike(cnn, img):
    moves = Moves(img, cnn, layer=1, reach=2, seed=3)
    seen = []
    for _ in range(20):
        moved, target = moves(img)
        assert moved.shape == img.shape
        torch.testing.assert_close(target, extract_features(moved, cnn)[1])
        seen.append(moved)
    assert any(not torch.equal(moved, img) for moved in seen)
    assert any(torch.equal(moved, img) for moved in seen)


def test_moves_of_no_reach_leave_the_picture_where_it_is(cnn, img):
    moved, _ = Moves(img, cnn, layer=0, reach=0)(img)
    assert torch.equal(moved, img)


def test_moves_repeat_with_their_seed(cnn, img):
    one, other = (Moves(img, cnn, 0, seed=5) for _ in range(2))
    for _ in range(5):
        assert torch.equal(one(img)[0], other(img)[0])


@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_descent_is_that_of_torch(img, momentum):
    pictures = []
    for kind in (Descent, torch.optim.SGD):
        picture = img.clone().requires_grad_(True)
        held = picture if kind is Descent else [picture]
        optimizer = kind(held, 0.3, momentum=momentum)
        for _ in range(4):
            optimizer.zero_grad()
            picture.pow(3).sum().backward()
            optimizer.step()
        pictures.append(picture.detach())
    torch.testing.assert_close(*pictures)


def test_descent_forgets_a_gradient_in_both_ways_and_stays_without_one(img):
    picture = img.clone().requires_grad_(True)
    optimizer = Descent(picture, 0.1)
    optimizer.step()
    picture.sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert torch.equal(picture.grad, torch.zeros_like(img))
    optimizer.zero_grad()
    assert picture.grad is None
    assert torch.equal(picture, img)


def test_steps_are_taken_on_a_copy_and_every_picture_is_returned(img):
    before = img.clone()
    pictures, losses = take_steps(halve, img, torch.sum, 3, 0.1, LOW, HIGH)
    assert torch.equal(img, before)
    torch.testing.assert_close(pictures, torch.stack([img / 2, img / 4, img / 8]))
    expected = [img.sum().item() * share for share in (1, 0.5, 0.25)]
    np.testing.assert_allclose(losses.numpy(), expected, rtol=1e-5)


def test_a_step_may_return_a_tensor_and_one_that_returns_nothing_has_no_loss(img):
    _, losses = take_steps(lambda img, f, *_: f(img), img, torch.sum, 1, 0.1, LOW, HIGH)
    assert losses.item() == pytest.approx(img.sum().item(), rel=1e-5)
    _, losses = take_steps(lambda *_: None, img, torch.sum, 1, 0.1, LOW, HIGH)
    assert np.isnan(losses.item())


def test_painting_keeps_the_wanted_moments_the_first_and_the_last(img, capsys):
    done = paint(img, torch.sum, halve, LOW, HIGH, num_steps=5, keep=[2, 4])
    assert list(done.frames) == [0, 2, 4, 5]
    torch.testing.assert_close(done.frames[0], img)
    torch.testing.assert_close(done.frames[2], img / 4)
    torch.testing.assert_close(done.img, img / 32)
    assert not done.img.requires_grad
    assert len(done.losses) == 5
    out, err = capsys.readouterr()
    assert "painting" in out
    assert err == ""


def test_in_a_notebook_the_picture_is_shown_first_and_then_replaced(img, monkeypatch, capsys):
    shown = []

    class Handle:
        def update(self, picture):
            shown.append(("again", capsys.readouterr().out != ""))

    def display(picture, display_id):
        shown.append(("first", capsys.readouterr().out != ""))
        return Handle()

    monkeypatch.setattr(style_transfer, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    paint(img, torch.sum, halve, LOW, HIGH, num_steps=20, show=lambda x: np.zeros((4, 4, 3), "u1"))
    assert shown[0] == ("first", False)  # the bar has not begun
    assert [kind for kind, _ in shown[1:]] == ["again", "again"]


def test_painting_ends_with_small_steps(img):
    rates = []

    def note(img, loss_fn, optimizer, low, high):
        rates.append(optimizer.param_groups[0]["lr"])
        return 0.0

    paint(img, torch.sum, note, LOW, HIGH, num_steps=10, learning_rate=0.2)
    assert rates[:5] == pytest.approx([0.2] * 5)
    assert all(a > b for a, b in itertools.pairwise(rates[5:]))
    assert rates[-1] == pytest.approx(0.01)


def test_shuffled_places_keep_their_numbers_together():
    features = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    shuffled = shuffle_places(features, seed=1)
    assert shuffled.shape == features.shape
    assert not torch.equal(shuffled, features)
    places = {tuple(v) for v in features[0].flatten(1).T.tolist()}
    assert {tuple(v) for v in shuffled[0].flatten(1).T.tolist()} == places
