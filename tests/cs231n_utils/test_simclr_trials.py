import numpy as np
import pytest
import torch
from tqdm import tqdm

from cs231n_utils import simclr_trials as trials


def notebook(source):
    """Run a cell and return its names."""
    names = {"torch": torch, "tqdm": tqdm}
    exec(source, names)
    return names


def test_a_gpu_by_default_is_the_cpu_for_the_length_of_a_call():
    names = notebook(
        "def helper(x, device='cuda:0'):\n    return x.to(device)\n"
        "def loss(x, *, device=torch.device('cuda')):\n    return helper(x), str(device)\n"
    )
    x, device = trials.on_cpu(names["loss"], torch.ones(2))
    assert (x.device.type, device) == ("cpu", "cpu")
    assert names["helper"].__defaults__ == ("cuda:0",)
    assert names["loss"].__kwdefaults__ == {"device": torch.device("cuda")}


def test_defaults_come_back_also_after_an_error():
    names = notebook("def loss(x, device='cuda', tau=0.5):\n    raise ValueError(device)\n")
    with pytest.raises(ValueError, match="cpu"):
        trials.on_cpu(names["loss"], 1)
    assert names["loss"].__defaults__ == ("cuda", 0.5)


def test_progress_bars_stay_away_and_come_back(capsys):
    names = notebook("def train(n):\n    return sum(tqdm(range(n)))\n")
    assert trials.on_cpu(names["train"], 4) == 6
    assert capsys.readouterr().err == ""
    assert names["tqdm"] is tqdm


def test_an_error_is_a_refusal_and_an_unwritten_function_is_none():
    def strict(value):
        if value < 0:
            raise KeyError(value)

    def unwritten(value):
        raise NotImplementedError

    assert trials.refuses(strict, -1) is True
    assert trials.refuses(strict, 1) is False
    with pytest.raises(NotImplementedError):
        trials.refuses(unwritten, 1)
    with pytest.raises(TypeError):
        trials.refuses(strict, 1, 2)


def test_a_dataset_is_made_whatever_its_constructor_wants():
    class Pictures:
        def __init__(self, root, download):
            raise AssertionError("nothing is read from a disk")

    images = np.zeros((3, 2, 2, 3), np.uint8)
    made = trials.make_dataset(Pictures, images, np.array([4, 5, 6]), len)
    assert made.data is images
    assert made.targets == [4, 5, 6]
    assert made.transform is len
    assert made.target_transform is None


def test_views_are_numbered_and_sorted():
    transform = trials.CountingTransform()
    picture = np.full((2, 4, 3), 250, np.uint8)
    later, first = transform(picture), transform(picture)
    torch.testing.assert_close(later, torch.full((3, 2, 4), 1.25))
    low, high, target = trials.take_pair([(first, later, 7)], 0)
    assert (float(low.mean()), float(high.mean()), target) == (1.25, 2.25, 7)
    with pytest.raises(ValueError, match="not its view"):
        transform(first)
    with pytest.raises(TypeError, match=r"x_j must be what .* Got ndarray"):
        trials.take_pair([(first, picture, 7)], 0)
    with pytest.raises(TypeError, match="Got Tensor"):
        trials.take_pair([first], 0)


def test_small_encoders_are_alike_and_can_be_shifted():
    one, other = trials.small_encoder(4), trials.small_encoder(4)
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name])
    trials.shift_parameters(one)
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name] + 1)


def test_both_outputs_have_length_one_and_parameters_come_by_name():
    model = trials.TwoOutputs(inputs=12, features=5, outputs=4)
    feature, out = model(torch.randn(3, 3, 2, 2))
    assert (feature.shape, out.shape) == ((3, 5), (3, 4))
    torch.testing.assert_close(feature.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(out.norm(dim=1), torch.ones(3))
    flat = trials.all_parameters(model)
    torch.testing.assert_close(flat[:5], model.encoder.bias.detach())
    assert flat.shape == (5 + 60 + 4 + 20,)
