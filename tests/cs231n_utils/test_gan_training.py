import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from cs231n_utils.gan_training import make_images, minibatches, quick, train_gan
from cs231n_utils.gans import pictures_of, scores_of


def d_loss(real, fake):
    return nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean()


def g_loss(fake):
    return nn.functional.softplus(-fake).mean()


def adam(model, lr=1e-3):
    return torch.optim.Adam(model.parameters(), lr=lr, betas=(0.5, 0.999))


def step(real, D, G, D_solver, G_solver, d_loss, g_loss):
    fake = pictures_of(G, 2 * torch.rand(len(real), 3) - 1)
    D_solver.zero_grad()
    d_error = d_loss(scores_of(D, real), scores_of(D, fake.detach()))
    d_error.backward()
    D_solver.step()
    G_solver.zero_grad()
    g_error = g_loss(scores_of(D, fake))
    g_error.backward()
    G_solver.step()
    return d_error.item(), g_error.item()


def players():
    D = nn.Sequential(nn.Linear(784, 8), nn.LeakyReLU(0.01), nn.Linear(8, 1))
    G = nn.Sequential(
        nn.Linear(3, 16), nn.ReLU(), nn.BatchNorm1d(16), nn.Linear(16, 784), nn.Tanh()
    )
    return D, G


def images(number=40):
    return np.random.default_rng(0).random((number, 784)).astype(np.float32) ** 4


def trained(optimizer=adam, networks=None, **options):
    options = {"steps": 10, "batch_size": 8, "noise_dim": 3, "progress": False} | options
    networks = networks or players()
    return train_gan(step, *networks, d_loss, g_loss, optimizer, images(), **options)


def test_images_are_kept_on_the_way():
    run = trained(steps=11, snapshots=3)
    assert run.steps == len(run.d_losses) == len(run.g_losses) == 11
    assert list(run.snapshots) == [4, 7, 11]
    for kept in run.snapshots.values():
        assert kept.shape == (16, 784)
        assert kept.min() >= 0
        assert kept.max() <= 1


def test_the_generator_comes_closer_to_the_real_images():
    run = trained(lambda model: adam(model, lr=0.01), steps=150, batch_size=20)
    want = images().mean()  # 0.2; the images of an untrained network have a mean of 0.5
    assert abs(run.images(100).mean() - want) < 0.2


def test_one_seed_gives_one_training_whatever_was_drawn_before():
    first = trained(seed=3)
    torch.rand(7)
    again, other = trained(seed=3), trained(seed=4)
    assert first.d_losses == again.d_losses
    assert first.d_losses != other.d_losses
    np.testing.assert_array_equal(first.snapshots[10], again.snapshots[10])


def test_a_training_leaves_threads_and_random_numbers_as_they_were():
    networks = players()
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    trained(networks=networks)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_quick_steps_are_the_same_steps():
    model = nn.Linear(5, 4)
    twin = copy.deepcopy(model)
    plain, fast = adam(model), quick(adam(twin))
    for k in range(4):
        for one, solver in ((model, plain), (twin, fast)):
            solver.zero_grad()
            one(torch.full((2, 5), 1.0 + k)).square().sum().backward()
            solver.step()
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-6, atol=1e-7)


def test_layers_are_initialized_as_asked_for():
    def halve(layer):
        if isinstance(layer, nn.Linear):
            nn.init.constant_(layer.bias, 0.5)

    D, G = players()
    trained(networks=(D, G), steps=1, initialize=halve)
    for layer in (D[0], G[0], G[3]):
        assert (layer.bias - 0.5).abs().max() < 0.002  # one step of Adam


def test_another_optimizer_is_left_alone():
    solver = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)
    assert quick(solver).param_groups[0].get("fused") is None


def test_minibatches_are_full_and_each_image_comes_once_before_any_twice():
    numbers = torch.arange(7.0)[:, None] / 7
    batches = minibatches(numbers, 3)
    two = torch.cat([next(batches), next(batches)])
    assert len(two) == 6
    assert len(torch.unique(two)) == 6
    assert two.min() >= -1  # from 0 to 1 it became -1 to 1
    assert two.min() < -0.5


def test_too_few_images_are_told():
    with pytest.raises(ValueError, match=r"at least 41 images\. Got 40"):
        trained(batch_size=41)


def test_images_do_not_depend_on_their_batch_and_training_goes_on():
    _, G = players()
    noise = torch.rand(5, 3)
    together = make_images(G, noise)
    assert G.training
    np.testing.assert_allclose(make_images(G, noise[2:3])[0], together[2], atol=1e-6)
    np.testing.assert_allclose(make_images(G, noise, batch_size=2), together, atol=1e-6)


def test_a_run_makes_fresh_images_of_a_seed():
    run = trained()
    assert run.images(5).shape == (5, 784)
    np.testing.assert_array_equal(run.images(5, seed=1), run.images(5, seed=1))
    assert not np.array_equal(run.images(5, seed=1), run.images(5, seed=2))


def test_an_optimizer_needs_no_further_imports():
    # They would count as the time of the student's own call.
    program = (
        "import sys, torch, cs231n_utils.gan_training; before = set(sys.modules);"
        "torch.optim.Adam([torch.zeros(2, requires_grad=True)]).step();"
        "print(len({name for name in set(sys.modules) - before if name.startswith('torch')}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert int(done.stdout) < 20, done.stderr
