"""The batched augmentation does what torchvision's transforms do to one PIL image after another."""

import numpy as np
import pytest
import torch
from PIL import Image

from cs231n_utils.augment import (
    Augmentation,
    blend,
    crop,
    draw_boxes,
    luma,
    normalise,
    to_floats,
    turn_hue,
)
from cs231n_utils.data.objects32 import load_objects
from cs231n_utils.vision import import_torchvision

import_torchvision()
from torchvision import transforms  # noqa: E402
from torchvision.transforms import functional as TF  # noqa: E402

LEVEL = 1 / 255  # Pillow rounds to whole grey levels


@pytest.fixture(scope="module")
def images():
    return load_objects(64, 1, seed=7).train.images


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def only(**steps):
    """An augmentation of which only `steps` are left."""
    nothing = {"scale": (1.0, 1.0), "ratio": (1.0, 1.0), "flip": 0, "jitter_p": 0, "grey": 0}
    return Augmentation(**{**nothing, "normalised": False, **steps})


def test_without_any_step_pictures_stay_and_the_given_ones_are_untouched(images, generator):
    pictures = to_floats(images)
    before = pictures.clone()
    assert torch.allclose(only()(pictures, generator), pictures, atol=1e-6)
    Augmentation()(pictures, generator)
    assert torch.equal(pictures, before)


def test_the_generator_decides_everything(images):
    pictures = to_floats(images)
    one, same, other = (
        Augmentation()(pictures, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("source", [(32, 32), (64, 48)])
def test_a_crop_is_what_pillow_makes_of_it(images, source, generator):
    large = [Image.fromarray(image).resize(source[::-1], Image.BICUBIC) for image in images]
    pictures = to_floats(np.stack([np.asarray(image) for image in large]))
    boxes = draw_boxes(len(images), *source, (0.08, 1.0), (3 / 4, 4 / 3), generator)
    flipped = torch.rand(len(images), generator=generator) < 0.5
    out = torch.empty(len(images), 3, 32, 32)
    crop(pictures, boxes, flipped, out)
    for image, box, mirrored, mine in zip(large, boxes.int().tolist(), flipped, out, strict=True):
        expected = TF.resized_crop(image, *box, [32, 32])
        expected = TF.to_tensor(TF.hflip(expected) if mirrored else expected)
        assert (mine - expected).abs().max() < 2 * LEVEL


@pytest.mark.parametrize(
    ("kind", "name"), list(enumerate(["brightness", "contrast", "saturation"]))
)
def test_a_blend_is_what_torchvision_makes_of_it(images, kind, name, generator):
    pictures = to_floats(images)
    factor = 0.6 + 0.8 * torch.rand(len(images), generator=generator)
    blend(pictures, torch.full((len(images),), kind), factor)
    for image, one, mine in zip(images, factor.tolist(), pictures, strict=True):
        changed = getattr(TF, f"adjust_{name}")(Image.fromarray(image), one)
        assert (mine - TF.to_tensor(changed)).abs().max() < 2 * LEVEL


@pytest.mark.parametrize("largest", [0.1, 0.5])
def test_hue_turns_as_torchvision_turns_it(images, largest, generator):
    pictures = to_floats(images)
    pictures[0, :, 0] = torch.tensor([0.2, 0.7, 0.7])[:, None]  # cyan: opposite to red
    pictures[0, :, 1] = 0.5  # a grey has no hue
    turn = largest * (2 * torch.rand(len(images), generator=generator) - 1)
    expected = [TF.adjust_hue(p, t) for p, t in zip(pictures, turn.tolist(), strict=True)]
    turn_hue(pictures, turn)
    assert torch.allclose(pictures, torch.stack(expected), atol=1e-5)


def test_pillow_s_rounded_hue_is_the_same_on_average(images, generator):
    turn = 0.2 * torch.rand(len(images), generator=generator) - 0.1
    pictures = to_floats(images)
    turn_hue(pictures, turn)
    pil = [
        TF.to_tensor(TF.adjust_hue(Image.fromarray(image), one))
        for image, one in zip(images, turn.tolist(), strict=True)
    ]
    assert (pictures - torch.stack(pil)).abs().mean() < 2 * LEVEL


def test_crops_have_torchvision_s_areas_shapes_and_places(generator):
    num, picture = 4000, torch.zeros(3, 32, 32)
    scale, ratio = (0.08, 1.0), (3 / 4, 4 / 3)
    mine = draw_boxes(num, 32, 32, scale, ratio, generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = torch.tensor(
            [
                transforms.RandomResizedCrop.get_params(picture, list(scale), list(ratio))
                for _ in range(num)
            ]
        ).float()

    def numbers(boxes):
        top, left, tall, wide = boxes.unbind(1)
        area = tall * wide / 1024
        values = torch.stack([area, area**2, (wide / tall).log() ** 2, top, left, top**2], dim=1)
        return values.mean(0), values.std(0)

    (mean, std), (other, _) = numbers(mine), numbers(theirs)
    # The difference of two means of 4000: five standard errors are one chance in a million.
    assert torch.all((mean - other).abs() < 5 * std * (2 / num) ** 0.5)


def test_a_crop_that_never_fits_is_the_largest_in_the_middle(generator):
    boxes = draw_boxes(3, 20, 100, (1.0, 1.0), (3 / 4, 4 / 3), generator)
    expected = transforms.RandomResizedCrop.get_params(
        torch.zeros(3, 20, 100), [1.0, 1.0], [3 / 4, 4 / 3]
    )
    assert boxes.tolist() == [list(expected)] * 3


def test_each_step_happens_as_often_as_it_should(generator):
    num = 6000
    picture = torch.rand(1, 3, 4, 4, generator=generator).expand(num, -1, -1, -1)
    tell = {
        "flip": (0.5, lambda out: (out - picture.flip(3)).abs().amax((1, 2, 3)) < 1e-5),
        "grey": (0.2, lambda out: (out - luma(out)).abs().amax((1, 2, 3)) < 1e-5),
        "jitter_p": (0.8, lambda out: (out - picture).abs().amax((1, 2, 3)) > 1e-3),
    }
    for step, (rate, happened) in tell.items():
        out = only(size=4, **{step: rate})(picture, generator)
        found = happened(out).float().mean().item()
        assert abs(found - rate) < 5 * (rate * (1 - rate) / num) ** 0.5, step


def test_colours_change_in_every_order(generator):
    # Two factors far from 1, of which the order shows: dark first, or grey first.
    num = 3000
    picture = torch.tensor([0.9, 0.5, 0.1]).view(1, 3, 1, 1).expand(num, -1, 4, 4)
    augment = only(size=4, jitter=(0.4, 0.4, 0.4, 0.1), jitter_p=1)
    drawn = augment._draw(num, 4, 4, generator)
    codes = drawn.order[0] * 100 + drawn.order[1] * 10 + drawn.order[2] + 1000 * drawn.when
    counts = codes.unique(return_counts=True)[1]
    assert len(counts) == 24
    assert counts.min() > num / 24 - 5.5 * (num / 24) ** 0.5
    assert augment(picture, generator).std(dim=0).min() > 0.01


def test_whole_pictures_have_the_statistics_of_the_pipeline_in_pil(images, generator):
    pipeline = transforms.Compose(
        [
            transforms.RandomResizedCrop(32),
            transforms.RandomHorizontalFlip(0.5),
            transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
            transforms.RandomGrayscale(0.2),
            transforms.ToTensor(),
        ]
    )
    times = 12
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = torch.stack([pipeline(Image.fromarray(i)) for i in images for _ in range(times)])
    augment = Augmentation(normalised=False)
    mine = augment(to_floats(images).repeat_interleave(times, 0), generator)

    def numbers(out):
        red, green, blue = out.unbind(1)
        across = (out[..., 1:] - out[..., :-1]).abs().mean((1, 2, 3))
        chroma = (out.amax(1) - out.amin(1)).mean((1, 2))
        dark, spread = out.mean((1, 2, 3)), out.flatten(1).std(1)
        tint = torch.atan2(
            3**0.5 * (green - blue).mean((1, 2)), (2 * red - green - blue).mean((1, 2))
        )
        return torch.stack([dark, dark**2, spread, chroma, across, tint.cos(), tint.sin()], 1)

    mine, theirs = numbers(mine), numbers(theirs)
    assert mine.std(0).min() > 0.01
    error = mine.std(0) * (2 / len(mine)) ** 0.5
    assert torch.all((mine.mean(0) - theirs.mean(0)).abs() < 5 * error)
    assert torch.all((mine.std(0) / theirs.std(0) - 1).abs() < 0.2)


def test_pictures_are_normalised_at_the_end(images, generator):
    pictures = to_floats(images)
    expected = transforms.Normalize([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010])(pictures)
    assert torch.allclose(only(normalised=True)(pictures, generator), expected, atol=1e-5)
    assert torch.allclose(normalise(pictures), expected, atol=1e-6)


def test_no_pictures_and_a_single_one_are_fine(generator):
    assert Augmentation()(torch.rand(0, 3, 32, 32), generator).shape == (0, 3, 32, 32)
    assert Augmentation()(torch.rand(1, 3, 40, 20), generator).shape == (1, 3, 32, 32)


def test_a_wrong_input_is_named():
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)\. Got torch\.uint8"):
        Augmentation()(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"\(N, H, W, 3\)\. Got torch\.float32"):
        to_floats(torch.zeros(2, 3, 4, 4))
