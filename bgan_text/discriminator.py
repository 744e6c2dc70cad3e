"""Tokens -> one score per sequence, the estimate of log p(x) / q(x)."""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from bgan_text.layers import ResidualBlock, as_image, as_rows, convolution
from bgan_text.space import Space


class Discriminator(nn.Module):
    """Embedding -> residual 5-wide convolutions -> a dense layer over all positions -> score.

    Spectral normalisation (Miyato et al. 2018) keeps the log-ratio from running away.
    """

    def __init__(self, space: Space, *, width: int, blocks: int, spectral: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(space.vocabulary, width)
        self.blocks = nn.Sequential(
            convolution(width, width, spectral=spectral),
            *(ResidualBlock(width, slope=0.2, spectral=spectral) for _ in range(blocks)),
            nn.LeakyReLU(0.2, inplace=True),
        )
        dense = nn.Linear(space.positions * width, 1)
        self.dense = spectral_norm(dense) if spectral else dense

    def forward(self, tokens: Tensor) -> Tensor:
        """(K, L) int64 -> (K,) float32."""
        return self.score_embedded(self.embedding(tokens))

    def score_embedded(self, embedded: Tensor) -> Tensor:
        """Scores of sequences that are embedded already: (K, L, width) float -> (K,) float32.

        What a gradient with respect to the input needs, as tokens have none.
        """
        with parametrize.cached():
            self._normalise(embedded.device.type)
            x = self.blocks(as_image(embedded))
            scores: Tensor = self.dense(as_rows(x).flatten(1))
        return scores.squeeze(1).float()

    def _normalise(self, device: str) -> None:
        """Make the normalised weights of this pass, which the layers then find in the cache.

        In full precision: under autocast a GPU would run the power iteration in bfloat16.
        """
        with torch.autocast(device, enabled=False):
            for layer in self.modules():
                if parametrize.is_parametrized(layer, "weight"):
                    _ = layer.weight
