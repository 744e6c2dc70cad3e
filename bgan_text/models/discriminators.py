"""Discriminators: samples -> scores, estimates of log p(x) / q(x).

A score is given to each sample, or to each prefix of a sequence.
"""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from bgan_text.models.dcgan import StridedConvolutions
from bgan_text.models.layers import ResidualBlock, as_image, as_rows, convolution, normalise
from bgan_text.models.sampling import counted
from bgan_text.models.token_convolution import can_look_up, convolve_tokens
from bgan_text.space import PixelSpace, TokenSpace

MOST_COLOUR_CHANNELS = 8
"""Channels of an embedded pixel at most.

Colours are similar to each other, so few channels tell them apart.
"""


class Relaxable(Protocol):
    """A discriminator that scores mixtures of tokens, or images, so that a gradient reaches the generator."""

    @property
    def embedding(self) -> nn.Module:
        """Of tokens; the identity for continuous images."""

    def embed_relaxed(self, points: Tensor) -> Tensor:
        """Mixtures of embeddings for points of the simplex: (K, L, V) float -> (K, L, width) float."""

    def score_embedded(self, embedded: Tensor) -> Tensor:
        """Scores of embedded samples: (K, ...) float -> (K,) float32."""


class ConvolutionalDiscriminator(nn.Module):
    """Embedding -> residual 5-wide convolutions -> a dense layer over all positions -> score.

    Args:
        space: of the sequences.
        width: channels.
        blocks: residual blocks.
        spectral: spectral normalisation (Miyato et al. 2018), which keeps the log-ratio from diverging.
        plain: nothing but the blocks, with ReLU, as in the language model of Gulrajani et al. 2017.
    """

    def __init__(
        self, space: TokenSpace, *, width: int, blocks: int, spectral: bool, plain: bool = False
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(space.vocabulary, width)
        slope = 0.0 if plain else 0.2
        body: list[nn.Module] = [ResidualBlock(width, slope=slope, spectral=spectral) for _ in range(blocks)]
        if not plain:
            body = [convolution(width, width, spectral=spectral), *body, nn.LeakyReLU(slope, inplace=True)]
        self.blocks = nn.Sequential(*body)
        self.dense = _dense(space.positions * width, spectral=spectral)

    def forward(self, tokens: Tensor) -> Tensor:
        """(K, L) int64 -> (K,) float32."""
        first = self.blocks[0]
        if not (isinstance(first, nn.Conv2d) and can_look_up(tokens, self.embedding.num_embeddings)):
            return self.score_embedded(self.embedding(tokens))
        with parametrize.cached():
            normalise(self, tokens.device.type)
            return self._score(self.blocks[1:](convolve_tokens(tokens, self.embedding, first)))

    def embed_relaxed(self, points: Tensor) -> Tensor:
        """Mixtures of embeddings for points of the simplex: (K, L, V) float -> (K, L, width) float."""
        return points @ self.embedding.weight

    def score_embedded(self, embedded: Tensor) -> Tensor:
        """Scores of embedded sequences: (K, L, width) float -> (K,) float32.

        For gradients with respect to the input, which tokens do not have.
        """
        with parametrize.cached():
            normalise(self, embedded.device.type)
            return self._score(self.blocks(as_image(embedded)))

    def _score(self, x: Tensor) -> Tensor:
        scores: Tensor = self.dense(as_rows(x).flatten(1))
        return scores.squeeze(1).float()


class _Bits(nn.Embedding):
    """An embedding of two tokens by interpolation, whose gradient is a sum instead of a scatter."""

    def forward(self, tokens: Tensor) -> Tensor:
        zero, one = self.weight
        return torch.lerp(zero, one, tokens.unsqueeze(-1).to(self.weight.dtype))


class QuantisedImageDiscriminator(nn.Module):
    """Embedding of each pixel's token -> strided convolutions -> score."""

    def __init__(self, space: TokenSpace, *, width: int, spectral: bool, hidden: int = 0) -> None:
        super().__init__()
        assert space.shape is not None
        self.shape = space.shape
        colours = min(space.vocabulary - 1, MOST_COLOUR_CHANNELS)
        embedding = _Bits if space.vocabulary == 2 else nn.Embedding
        self.embedding = embedding(space.vocabulary, colours)
        self.image = StridedConvolutions(
            *space.shape, channels=colours, features=width, spectral=spectral, hidden=hidden
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """(K, L) int64 -> (K,) float32."""
        return self.score_embedded(self.embedding(tokens))

    def embed_relaxed(self, points: Tensor) -> Tensor:
        """Mixtures of embeddings for points of the simplex: (K, L, V) float -> (K, L, colours) float."""
        return points @ self.embedding.weight

    def score_embedded(self, embedded: Tensor) -> Tensor:
        """Scores of embedded images: (K, L, colours) float -> (K,) float32."""
        pixels = embedded.unflatten(1, self.shape).permute(0, 3, 1, 2)  # channels-last memory without a copy
        scores: Tensor = self.image(pixels)
        return scores


class ContinuousImageDiscriminator(nn.Module):
    """Continuous images -> strided convolutions -> score. Pixels are their own embedding."""

    def __init__(
        self, space: PixelSpace, *, width: int, spectral: bool, hidden: int = 0, batch_norm: bool = False
    ) -> None:
        super().__init__()
        self.embedding = nn.Identity()
        self.image = StridedConvolutions(
            space.height,
            space.width,
            channels=space.channels,
            features=width,
            spectral=spectral,
            hidden=hidden,
            batch_norm=batch_norm,
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """(K, channels, height, width) -> (K,) float32."""
        return self.score_embedded(pixels)

    def embed_relaxed(self, points: Tensor) -> Tensor:
        """The pixels, unchanged."""
        return points

    def score_embedded(self, embedded: Tensor) -> Tensor:
        """(K, channels, height, width) -> (K,) float32."""
        scores: Tensor = self.image(embedded.contiguous(memory_format=torch.channels_last))
        return scores


class PrefixDiscriminator(nn.Module):
    """Embedding -> causal residual convolutions -> a term for each token; a prefix scores their sum.

    This is the chain rule as a net: log p(x_1..t) / q(x_1..t) is the sum over s <= t of
    log p(x_s | x_<s) / q(x_s | x_<s). Terms behind the end of a sequence are 0, because there is nothing to
    discriminate.
    """

    def __init__(self, space: TokenSpace, *, width: int, blocks: int, spectral: bool) -> None:
        super().__init__()
        self.space = space
        self.embedding = nn.Embedding(space.vocabulary, width)
        self.place = nn.Parameter(torch.zeros(space.positions, width))
        self.blocks = nn.Sequential(
            convolution(width, width, spectral=spectral, causal=True),
            *(ResidualBlock(width, slope=0.2, spectral=spectral, causal=True) for _ in range(blocks)),
            nn.LeakyReLU(0.2, inplace=True),
        )
        self.dense = _dense(width, spectral=spectral)

    def forward(self, tokens: Tensor) -> Tensor:
        """(K, L) int64 -> (K, L) float32, the scores of the prefixes of 1 .. L tokens."""
        with parametrize.cached():
            normalise(self, tokens.device.type)
            x = self.blocks(as_image(self.embedding(tokens) + self.place))
            terms: Tensor = self.dense(as_rows(x)).squeeze(2).float()
        return terms.masked_fill(~counted(tokens, self.space.end), 0.0).cumsum(dim=1)


def _dense(width: int, *, spectral: bool) -> nn.Module:
    dense = nn.Linear(width, 1)
    return spectral_norm(dense) if spectral else dense
