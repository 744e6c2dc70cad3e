"""Generators: noise (N, Z) -> a distribution over samples, one for each noise vector."""

from torch import Tensor, nn

from bgan_text.models.dcgan import TransposedConvolutions
from bgan_text.models.distributions import (
    AutoregressiveDistribution,
    DeterministicDistribution,
    FactorisedDistribution,
)
from bgan_text.models.layers import ResidualBlock, as_image, as_rows
from bgan_text.space import PixelSpace, TokenSpace


class ConvolutionalGenerator(nn.Module):
    """Noise -> dense -> residual 5-wide convolutions -> logits of all positions at once.

    Args:
        space: of the sequences.
        width: channels.
        blocks: residual blocks.
        noise: Z.
        plain: without batch normalisation, as in the language model of Gulrajani et al. 2017.
    """

    def __init__(
        self, space: TokenSpace, *, width: int, blocks: int, noise: int, plain: bool = False
    ) -> None:
        super().__init__()
        self.space, self.width, self.noise = space, width, noise
        self.dense = nn.Linear(noise, space.positions * width)
        self.blocks = nn.Sequential(
            *(ResidualBlock(width, batch_norm=not plain, slope=0.0) for _ in range(blocks))
        )
        self.norm = nn.Identity() if plain else nn.BatchNorm2d(width)
        self.activation = nn.Identity() if plain else nn.ReLU()
        self.logits = nn.Linear(width, space.vocabulary)

    def forward(self, noise: Tensor) -> FactorisedDistribution:
        """(N, Z) noise -> a distribution over (N, L) tokens."""
        x = as_image(self.dense(noise).view(-1, self.space.positions, self.width))
        x = self.activation(self.norm(self.blocks(x)))
        return FactorisedDistribution(self.logits(as_rows(x)).float(), self.space.absent)


class QuantisedImageGenerator(nn.Module):
    """Noise -> transposed convolutions -> logits of all pixels at once: DCGAN with colours as tokens."""

    def __init__(self, space: TokenSpace, *, width: int, noise: int) -> None:
        super().__init__()
        assert space.shape is not None
        self.space, self.noise = space, noise
        self.convolutions = TransposedConvolutions(*space.shape, features=width, noise=noise)
        self.logits = nn.Linear(width, space.vocabulary)

    def forward(self, noise: Tensor) -> FactorisedDistribution:
        """(N, Z) noise -> a distribution over (N, height * width) tokens."""
        features = self.convolutions(noise).permute(0, 2, 3, 1).flatten(1, 2)
        return FactorisedDistribution(self.logits(features).float())


class ContinuousImageGenerator(nn.Module):
    """Noise -> transposed convolutions -> pixels in -1 .. 1, as DCGAN."""

    def __init__(self, space: PixelSpace, *, width: int, noise: int) -> None:
        super().__init__()
        self.space, self.noise = space, noise
        self.convolutions = TransposedConvolutions(space.height, space.width, features=width, noise=noise)
        self.paint = nn.Conv2d(width, space.channels, 3, padding=1)

    def forward(self, noise: Tensor) -> DeterministicDistribution:
        """(N, Z) noise -> (N, channels, height, width) images."""
        return DeterministicDistribution(self.paint(self.convolutions(noise)).float().tanh())


class RecurrentGenerator(nn.Module):
    """A GRU whose initial state comes from the noise, and which reads the noise at every position."""

    def __init__(self, space: TokenSpace, *, width: int, blocks: int, noise: int) -> None:
        super().__init__()
        self.space, self.noise = space, noise
        self.start = space.vocabulary  # a token that is only ever read
        self.layers = blocks
        self.embedding = nn.Embedding(space.vocabulary + 1, width)
        self.from_noise = nn.Linear(noise, width)
        self.state_from_noise = nn.Linear(noise, blocks * width)
        self.cell = nn.GRU(width, width, num_layers=blocks, batch_first=True)
        self.logits = nn.Linear(width, space.vocabulary)

    def initial(self, noise: Tensor) -> Tensor:
        """(K, Z) -> (layers, K, width), the state before the first token."""
        state = self.state_from_noise(noise).tanh()
        layered: Tensor = state.view(noise.shape[0], self.layers, -1).transpose(0, 1)
        return layered.contiguous()

    def step(self, tokens: Tensor, noise: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read (K, T) tokens: (K, T, width) hidden vectors, and the state after them."""
        return self.step_embedded(self.embedding(tokens), noise, state)

    def step_embedded(self, embedded: Tensor, noise: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The same for (K, T, width) embedded tokens."""
        x = embedded + self.from_noise(noise).unsqueeze(1)
        hidden, state = self.cell(x.to(state.dtype), state)
        return hidden, state

    def reorder(self, state: Tensor, rows: Tensor) -> Tensor:
        """The state of the given rows: (layers, K, width), (R,) int64 -> (layers, R, width)."""
        return state.index_select(1, rows)

    def forward(self, noise: Tensor) -> AutoregressiveDistribution:
        """(N, Z) noise -> a distribution over (N, L) tokens."""
        return AutoregressiveDistribution(self, noise)
