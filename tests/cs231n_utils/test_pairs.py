import numpy as np
import pytest

from cs231n_utils.pairs import CIFAR10


def test_it_has_the_form_of_torchvisions_dataset():
    images = np.zeros((3, 32, 32, 3), np.uint8)
    pictures = CIFAR10(images, np.array([4, 5, 6]), transform=str)
    assert len(pictures) == 3
    assert pictures.data is images
    assert pictures.targets == [4, 5, 6]
    assert pictures.transform is str
    assert pictures.target_transform is None


def test_pictures_and_labels_are_as_many():
    with pytest.raises(ValueError, match=r"one label for each picture\. Got 2 for 3"):
        CIFAR10(np.zeros((3, 32, 32, 3), np.uint8), [1, 2])
