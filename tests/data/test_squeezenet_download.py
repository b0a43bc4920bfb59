"""SqueezeNet and the ImageNet pictures, from files of the true layout on a server of our own."""

import hashlib
import io
import pickle
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
import torch

from cs231n_utils.data.archive import BrokenArchive
from cs231n_utils.data.coco import WrongLayout
from cs231n_utils.data.download import ChecksumMismatch, DownloadFailed, address
from cs231n_utils.data.registry import DOWNLOADS
from cs231n_utils.pretrained import WrongWeights, load_classifier, load_pictures
from cs231n_utils.vision import import_torchvision


@pytest.fixture(scope="module")
def weights():
    """What the published checkpoint holds: SqueezeNet's weights by name (random ones here)."""
    torch.manual_seed(0)
    return import_torchvision().models.squeezenet1_1(weights=None).state_dict()


def checkpoint(content):
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def arrays(**named):
    file = io.BytesIO()
    np.savez(file, **named)
    return file.getvalue()


@pytest.fixture
def served(serving, monkeypatch, tmp_path):
    """Call it with a download's name and the content to serve: the server, and an empty folder."""
    servers = ExitStack()

    def serve(name, content):
        server = servers.enter_context(serving(content))
        sha256 = DOWNLOADS[name].sha256 and hashlib.sha256(content).hexdigest()[:8]
        monkeypatch.setitem(
            DOWNLOADS, name, replace(DOWNLOADS[name], url=server.url, sha256=sha256)
        )
        return server, tmp_path / "home"

    with servers:
        yield serve


def load_squeezenet(served, content):
    _, root = served("squeezenet", checkpoint(content))
    return load_classifier("squeezenet", root=root)


def test_squeezenet_has_the_published_weights_and_names(served, weights):
    classifier = load_squeezenet(served, weights)
    assert not classifier.model.training
    assert not any(parameter.requires_grad for parameter in classifier.model.parameters())
    for name, weight in classifier.model.state_dict().items():
        assert torch.equal(weight, weights[name])
    assert len(classifier.class_names) == 1000
    assert classifier.class_names[281] == "tabby"
    assert classifier.image_size == 224


def test_squeezenet_computes_what_torchvision_s_computes(served, weights):
    model = import_torchvision().models.squeezenet1_1(weights=None).eval()
    model.load_state_dict(weights)
    images = np.random.default_rng(0).integers(256, size=(2, 96, 64, 3), dtype=np.uint8)
    classifier = load_squeezenet(served, weights)
    x = classifier.preprocess(images)
    with torch.no_grad():
        torch.testing.assert_close(classifier.model(x), model(x.clone()))
    np.testing.assert_array_equal(classifier.deprocess(x), images)


def test_no_layer_of_squeezenet_changes_what_another_returned(served, weights):
    x = torch.rand(1, 3, 64, 64) - 0.5
    seen = []
    for layer in load_squeezenet(served, weights).model.features:
        seen.append((x, x.clone()))
        x = layer(x)
    assert all(torch.equal(now, then) for now, then in seen)


def test_a_checkpoint_that_lacks_a_weight_is_refused(served, weights):
    fewer = {name: weight for name, weight in weights.items() if name != "features.3.squeeze.bias"}
    with pytest.raises(WrongWeights, match=r"Missing: features\.3\.squeeze\.bias$"):
        load_squeezenet(served, fewer)


def test_a_checkpoint_with_a_weight_too_many_is_refused(served, weights):
    with pytest.raises(WrongWeights, match=r"Unexpected: features\.99\.bias$"):
        load_squeezenet(served, {**weights, "features.99.bias": torch.zeros(1)})


def test_a_checkpoint_with_prefixed_names_is_refused_and_not_silently_skipped(served, weights):
    prefixed = {f"module.{name}": weight for name, weight in weights.items()}
    with pytest.raises(WrongWeights, match=r"Missing: classifier.*Unexpected: module\.classifier"):
        load_squeezenet(served, prefixed)


def test_a_weight_of_another_shape_is_refused(served, weights):
    with pytest.raises(WrongWeights, match=r"features\.0\.bias \(3,\), not \(64,\)"):
        load_squeezenet(served, {**weights, "features.0.bias": torch.zeros(3)})


def test_a_checkpoint_that_would_run_code_is_refused(served, tmp_path):
    class Bad:
        def __reduce__(self):
            return (open, (str(tmp_path / "written"), "w"))

    with pytest.raises(WrongWeights, match="is not a checkpoint of weights"):
        load_squeezenet(served, {"features.0.bias": Bad()})
    _, root = served("squeezenet", pickle.dumps([1, 2]))
    with pytest.raises((WrongWeights, ChecksumMismatch)):
        load_classifier("squeezenet", root=root)
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize("content", ["a list", [torch.zeros(2)]])
def test_a_checkpoint_that_holds_something_else_is_refused(served, content):
    with pytest.raises(WrongWeights, match="must hold weights by their names"):
        load_squeezenet(served, content)


def test_a_checkpoint_with_another_checksum_is_refused(served, weights, monkeypatch):
    _, root = served("squeezenet", checkpoint(weights))
    download = replace(DOWNLOADS["squeezenet"], sha256="b8a52dc0")
    monkeypatch.setitem(DOWNLOADS, "squeezenet", download)
    with pytest.raises(ChecksumMismatch, match="beginning with b8a52dc0, as published"):
        load_classifier("squeezenet", root=root)


def test_an_interrupted_checkpoint_is_taken_up_where_it_ended(served, weights):
    server, root = served("squeezenet", checkpoint(weights))
    server.break_after = [100_000, 0, 0, 0]
    with pytest.raises(DownloadFailed, match="fetch squeezenet"):
        load_classifier("squeezenet", root=root)
    server.asked.clear()
    server.break_after = []
    load_classifier("squeezenet", root=root)
    load_classifier("squeezenet", root=root)  # from the disk
    assert server.asked == ["bytes=100000-"]


@pytest.mark.parametrize(
    ("load", "name"),
    [(load_classifier, "squeezenet"), (load_pictures, "imagenet-val-25")],
)
def test_offline_the_message_says_what_to_do(load, name, serving, monkeypatch, tmp_path):
    with serving(b"") as server:
        url = server.url  # nobody listens there any more
    monkeypatch.setitem(DOWNLOADS, name, replace(DOWNLOADS[name], url=url))
    with pytest.raises(DownloadFailed) as raised:
        load(name, root=tmp_path)
    message = str(raised.value)
    for part in (f"python -m cs231n_utils.data fetch {name}", DOWNLOADS[name].file_name):
        assert part in message
    assert "copy" in message
    assert str(tmp_path) in message


IMAGES = np.random.default_rng(0).integers(256, size=(25, 224, 224, 3), dtype=np.uint8)
LABELS = np.array([281, 0, 999, *range(100, 122)])


def test_the_imagenet_pictures_are_read_without_their_pickle(served, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a pickle was read")

    content = arrays(X=IMAGES, y=LABELS, label_map=np.array({281: "tabby"}, dtype=object))
    monkeypatch.setattr(pickle, "load", refuse)
    _, root = served("imagenet-val-25", content)
    pictures = load_pictures("imagenet-val-25", root=root)
    np.testing.assert_array_equal(pictures.images, IMAGES)
    np.testing.assert_array_equal(pictures.labels, LABELS)
    assert pictures.class_names[pictures.labels[0]] == "tabby"
    assert pictures.masks is None
    assert len(load_pictures("imagenet-val-25", num=2, root=root)) == 2
    with pytest.raises(ValueError, match="num must be 0 to 25"):
        load_pictures("imagenet-val-25", num=26, root=root)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"X": IMAGES.astype(np.float32), "y": LABELS}, "X must be uint8"),
        ({"X": IMAGES[:, :100], "y": LABELS}, "X must be uint8 of shape"),
        ({"X": IMAGES, "y": LABELS[:24]}, "one whole number for each picture, 25"),
        ({"X": IMAGES, "y": LABELS + 1}, "between 0 and 999. Got 1 to 1000"),
        ({"X": np.array([{}] * 25, dtype=object), "y": LABELS}, "X.npy must hold plain numbers"),
    ],
    ids=["type", "size", "labels", "classes", "pickle"],
)
def test_pictures_of_another_layout_are_refused(served, named, message):
    _, root = served("imagenet-val-25", arrays(**named))
    with pytest.raises(WrongLayout, match=message):
        load_pictures("imagenet-val-25", root=root)


def test_a_login_page_in_place_of_the_pictures_is_refused_and_not_kept_as_right(served):
    server, root = served("imagenet-val-25", b"<html>please log in</html>")
    with pytest.raises(BrokenArchive, match="Delete it and fetch it again"):
        load_pictures("imagenet-val-25", root=root)
    (root / "imagenet_val_25.npz").unlink()
    server.content = arrays(X=IMAGES, y=LABELS)
    assert len(load_pictures("imagenet-val-25", root=root)) == 25


def test_the_address_is_the_one_that_torchvision_publishes():
    assert address(DOWNLOADS["squeezenet"]).endswith("/squeezenet1_1-b8a52dc0.pth")
