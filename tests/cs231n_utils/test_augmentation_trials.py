"""The measures see what was done to the picture; each is tried by doing it for certain."""

import math

import numpy as np
import pytest

from cs231n_utils import augmentation_trials as trials
from cs231n_utils.compare import holds, measured, stated
from cs231n_utils.vision import import_torchvision

import_torchvision()
from torchvision import transforms  # noqa: E402

END = [transforms.ToTensor(), transforms.Normalize(trials.MEAN.tolist(), trials.STD.tolist())]
EVERYTHING = [
    transforms.RandomResizedCrop(32),
    transforms.RandomHorizontalFlip(),
    transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
    transforms.RandomGrayscale(p=0.2),
]


def tried(*parts, times=20, seed=1):
    transform = transforms.Compose([*parts, *END])
    return trials.try_transform(transform, trials.trial_picture(), times, seed)


def test_the_picture_as_it_is():
    profiles = tried()
    assert profiles.shape == (20, 3, 64)
    assert trials.mirrored(profiles) == trials.upside_down(profiles) == trials.grey(profiles) == 0
    assert trials.waves_across(profiles) == trials.waves_down(profiles) == 7
    assert trials.spread_of_waves(profiles) == 0
    assert trials.untouched(profiles) == 1
    assert trials.largest_turn_of_hue(profiles) < 1e-3
    assert trials.darkest(profiles) == pytest.approx(1, abs=0.01)
    assert trials.brightest(profiles) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("part", "measure", "seen"),
    [
        (transforms.RandomHorizontalFlip(p=1), trials.mirrored, 1),
        (transforms.RandomVerticalFlip(p=1), trials.upside_down, 1),
        (transforms.CenterCrop(16), trials.waves_across, 3.5),
        (transforms.Grayscale(3), trials.grey, 1),
        (transforms.ColorJitter(hue=(0.1, 0.1)), trials.largest_turn_of_hue, 0.1),
        (transforms.ColorJitter(hue=(0.1, 0.1)), trials.untouched, 0),
        (transforms.ColorJitter(saturation=(0.7, 0.7)), trials.untouched, 0),
        (transforms.ColorJitter(brightness=(0.7, 0.7)), trials.untouched, 0),
        (transforms.ColorJitter(brightness=(0.7, 0.7)), trials.darkest, 0.7),
        (transforms.ColorJitter(brightness=(1.3, 1.3)), trials.brightest, 1.3),
    ],
)
def test_what_is_done_for_certain_is_seen(part, measure, seen):
    resize = transforms.Resize(32)
    assert measure(tried(part, resize, times=5)) == pytest.approx(
        seen, abs=0.5 if seen > 2 else 0.02
    )


def test_each_change_is_seen_through_all_the_others():
    profiles = tried(*EVERYTHING, times=400)
    assert trials.upside_down(profiles) < 0.01
    assert 0.4 < trials.mirrored(profiles) < 0.6
    assert 0.12 < trials.grey(profiles) < 0.28
    assert 0.12 < trials.untouched(profiles) < 0.28
    assert 4.6 < trials.waves_across(profiles) < 5.5
    assert 0.08 < trials.largest_turn_of_hue(profiles) < 0.11
    coloured = tried(*EVERYTHING[:3], times=200)
    assert trials.grey(coloured) == 0
    always = tried(*EVERYTHING[:2], transforms.ColorJitter(0.4, 0.4, 0.4, 0.1), times=200)
    assert trials.untouched(always) < 0.01


def test_trials_repeat_with_their_seed():
    np.testing.assert_array_equal(tried(*EVERYTHING), tried(*EVERYTHING))
    assert not np.array_equal(tried(*EVERYTHING), tried(*EVERYTHING, seed=2))


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        (lambda image: image, "must be a tensor. Got Image"),
        (transforms.PILToTensor(), r"Got \(3, 32, 32\) of torch.uint8"),
        (transforms.Compose([transforms.Resize(8), *END]), r"Got \(3, 8, 8\)"),
    ],
)
def test_a_view_of_another_kind_is_refused(transform, said):
    with pytest.raises(ValueError, match=said):
        trials.try_transform(transform, trials.trial_picture(), 1, 0)


def test_stated_probabilities_are_found_where_they_stand():
    whole = transforms.Compose([transforms.Compose(EVERYTHING), *END])
    rates = [trials.stated_rate(whole, what) for what in ("mirrored", "jitter", "grey")]
    assert rates == [0.5, 0.8, 0.2]
    part = transforms.RandomApply([transforms.Grayscale(3)], p=0.25)
    assert trials.stated_rate(transforms.Compose([part]), "grey") == 0.25
    assert math.isnan(trials.stated_rate(transforms.Compose(EVERYTHING[:1]), "grey"))
    assert math.isnan(trials.stated_rate(lambda image: image, "jitter"))
    assert math.isnan(trials.stated_rate(transforms.Compose(EVERYTHING[1:2] * 2), "mirrored"))


def test_comparators_of_trials_statements_and_truths():
    profiles = tried()
    wide, narrow = dict(low=-1, high=0.5), dict(low=0.5, high=1)
    assert measured("mirrored", profiles, 0, measure="mirrored", **wide) is None
    assert "between 0.5 and 1. Got 0" in measured("m", profiles, 1, measure="mirrored", **narrow)
    assert "could not be read" in measured("m", profiles[:, 0], 1, measure="grey", **wide)
    assert "Got None" in measured("m", None, 1, measure="grey", **wide)
    assert stated("p", np.array(0.2), 0.2) is None
    assert stated("p", np.array(np.nan), 0.2) is None
    assert stated("p", np.array(0.1), 0.2) == "p must be 0.2. Got 0.1"
    assert holds("it was not so", np.array(True), True) is None
    assert holds("it was not so", np.array(False), True) == "it was not so"
    assert holds("it was not so", None, True) == "it was not so"
