"""datasets/README.md says what is true of the files."""

import hashlib
from pathlib import Path

import pytest

from cs231n_utils.data.photographs import PHOTOGRAPHS
from cs231n_utils.data.registry import DOWNLOADS
from cs231n_utils.encoder import WEIGHTS, encoder_card
from cs231n_utils.pretrained import SEEDS, classifier_card, scene_weights

README = (Path(__file__).parents[2] / "datasets" / "README.md").read_text(encoding="utf-8")


def test_the_encoder_s_checksum_and_accuracy_are_written_down():
    assert hashlib.sha256(WEIGHTS.read_bytes()).hexdigest() in README
    card = encoder_card()
    shares = [f"{100 * share:.1f} %" for share in card["accuracy"].values()]
    assert f"| {' | '.join(card['accuracy'])} |" in README
    assert f"| {' | '.join(shares)} |" in README


@pytest.mark.parametrize("seed", SEEDS)
def test_the_classifiers_checksums_and_numbers_are_written_down(seed):
    weights = scene_weights(seed)
    assert hashlib.sha256(weights.read_bytes()).hexdigest() in README
    card = classifier_card(weights)
    columns = ("accuracy", "shapes", "photographs", "saliency_share", "saliency_chance")
    shares = [f"{100 * card[name]:.1f} %" for name in columns]
    assert f"| {seed} | {' | '.join(shares)} |" in README


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda photograph: photograph.words)
def test_every_photograph_has_its_line(photograph):
    assert f"| {photograph.words} | `{photograph.package}/{photograph.path}` |" in README


@pytest.mark.parametrize("download", DOWNLOADS.values(), ids=lambda download: download.name)
def test_every_download_has_its_address(download):
    assert f"<{download.url}>" in README
    assert download.sha256 is None or download.sha256 in README
