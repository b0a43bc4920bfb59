"""Given parts of the transformers: feed-forward network, stacks of layers, greedy sampling.

The layers themselves, attention and all, are written in the notebook a5_transformer_captioning.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn


class FeedForwardNetwork(nn.Module):
    """Two linear layers with a GELU between them, for each place of a sequence by itself.

    Source: Vaswani et al., "Attention is all you need" (2017), section 3.3.
    """

    def __init__(self, embed_dim: int, ffn_dim: int, dropout: float = 0.1) -> None:
        """Make the layers: embed_dim -> ffn_dim -> embed_dim."""
        super().__init__()
        self.fc1 = nn.Linear(embed_dim, ffn_dim)
        self.gelu = nn.GELU()
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(ffn_dim, embed_dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, S, embed_dim) to (N, S, embed_dim)."""
        return self.fc2(self.dropout(self.gelu(self.fc1(x))))


class TransformerDecoder(nn.Module):
    """A stack of equal decoder layers, each with parameters of its own."""

    def __init__(self, decoder_layer: nn.Module, num_layers: int) -> None:
        """Copy `decoder_layer` num_layers times."""
        super().__init__()
        self.layers = nn.ModuleList(copy.deepcopy(decoder_layer) for _ in range(num_layers))

    def forward(
        self, tgt: torch.Tensor, memory: torch.Tensor, tgt_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Take tgt (N, T, W) through all layers; each looks at memory (N, S, W)."""
        for layer in self.layers:
            tgt = layer(tgt, memory, tgt_mask=tgt_mask)
        return tgt


class TransformerEncoder(nn.Module):
    """A stack of equal encoder layers, each with parameters of its own."""

    def __init__(self, encoder_layer: nn.Module, num_layers: int) -> None:
        """Copy `encoder_layer` num_layers times."""
        super().__init__()
        self.layers = nn.ModuleList(copy.deepcopy(encoder_layer) for _ in range(num_layers))

    def forward(self, src: torch.Tensor, src_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Take src (N, S, W) through all layers."""
        for layer in self.layers:
            src = layer(src, src_mask=src_mask)
        return src


class GreedyCaptioner(nn.Module):
    """A model whose forward scores the next word at every place, and that can write captions."""

    def __init__(self, word_to_idx: Mapping[str, int]) -> None:
        """Remember the words; word_to_idx must hold "<NULL>"."""
        super().__init__()
        if "<NULL>" not in word_to_idx:
            raise ValueError('word_to_idx must hold "<NULL>", the padding. Got no such word')
        self.vocab_size = len(word_to_idx)
        self._null = word_to_idx["<NULL>"]
        self._start = word_to_idx.get("<START>")
        self._end = word_to_idx.get("<END>")

    @torch.no_grad()
    def sample(self, features: np.ndarray | torch.Tensor, max_length: int = 30) -> np.ndarray:
        """Write a caption for every image, always taking the most probable word.

        Arguments:
            features: image features, shape (N, D).
            max_length: how many words to sample.

        Returns:
            Word ids, integers, shape (N, max_length), without <START>; <NULL> after <END>.
        """
        self.eval()
        device = next(self.parameters()).device
        features = torch.as_tensor(np.asarray(features), dtype=torch.float32, device=device)
        words = torch.full((len(features), 1), self._start, device=device)
        ended = torch.zeros(len(features), dtype=torch.bool, device=device)
        for _ in range(max_length):
            word = self(features, words)[:, -1].argmax(dim=1)
            word = torch.where(ended, self._null, word)
            words = torch.cat([words, word[:, None]], dim=1)
            ended |= word == self._end
            if ended.all():
                break
        captions = np.full((len(features), max_length), self._null, dtype=np.int64)
        captions[:, : words.shape[1] - 1] = words[:, 1:].cpu().numpy()
        return captions
