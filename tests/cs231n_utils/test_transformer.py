import numpy as np
import pytest
import torch
from torch import nn

from cs231n_utils.transformer import (
    FeedForwardNetwork,
    GreedyCaptioner,
    TransformerDecoder,
    TransformerEncoder,
)

WORDS = {"<NULL>": 0, "<START>": 1, "<END>": 2, "a": 3, "b": 4, "c": 5}


class Chain(GreedyCaptioner):
    """After each word comes the one that `after` names; the image may forbid a word."""

    def __init__(self, after, word_to_idx=WORDS):
        super().__init__(word_to_idx)
        self.after = torch.tensor(after)
        self.anything = nn.Parameter(torch.zeros(1))
        self.modes = []

    def forward(self, features, captions):
        self.modes.append(self.training)
        scores = torch.nn.functional.one_hot(self.after[captions], self.vocab_size).float()
        return scores - 2 * features[:, None]


def test_a_caption_goes_on_until_end_and_then_is_null():
    model = Chain([5, 3, 5, 4, 2, 5])  # START a b END
    said = model.sample(np.zeros((2, 6)), max_length=5)
    assert said.tolist() == [[3, 4, 2, 0, 0]] * 2
    assert said.dtype.kind == "i"
    assert not any(model.modes)


def test_each_image_has_a_caption_of_its_own():
    features = np.zeros((2, 6), dtype=np.float32)
    features[1, 3] = 1  # no "a" for this image: the first of the other words
    said = Chain([5, 3, 5, 4, 2, 5]).sample(features, max_length=3)
    assert said[0].tolist() == [3, 4, 2]
    assert said[1].tolist() == [0, 5, 5]


def test_a_vocabulary_without_padding_is_refused():
    with pytest.raises(ValueError, match='word_to_idx must hold "<NULL>"'):
        Chain([0], {"a": 0})


def test_the_feed_forward_network_treats_each_place_by_itself():
    network = FeedForwardNetwork(4, 8, dropout=0.5).eval()
    x = torch.randn(2, 3, 4)
    together = network(x)
    assert torch.allclose(together[:, 1], network(x[:, 1]), atol=1e-6)
    hidden = torch.nn.functional.gelu(network.fc1(x))
    assert torch.allclose(together, network.fc2(hidden), atol=1e-6)


class AddMemory(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.masks = []

    def forward(self, tgt, memory, tgt_mask=None):
        self.masks.append(tgt_mask)
        return self.scale * tgt + memory


class Double(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 2.0))
        self.masks = []

    def forward(self, src, src_mask=None):
        self.masks.append(src_mask)
        return self.scale * src


def test_a_decoder_stacks_copies_and_passes_memory_and_mask_on():
    decoder = TransformerDecoder(AddMemory(), 3)
    mask = torch.ones(1, 1)
    out = decoder(torch.ones(1), torch.full((1,), 2.0), tgt_mask=mask)
    assert out.item() == 1 + 3 * 2
    assert all(layer.masks == [mask] for layer in decoder.layers)
    assert len(list(decoder.parameters())) == 3


def test_an_encoder_stacks_copies_and_passes_the_mask_on():
    encoder = TransformerEncoder(Double(), 3)
    mask = torch.ones(1, 1)
    assert encoder(torch.ones(1), src_mask=mask).item() == 8
    assert all(layer.masks == [mask] for layer in encoder.layers)
    assert len(list(encoder.parameters())) == 3
