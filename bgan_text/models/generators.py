"""Noise -> a conditional distribution g(x | z) over token sequences.

A generator called with noise (N, Z) returns that distribution, which can `sample`, give the
`log_prob` of sequences, and their `weighted_log_prob`, the quantity every objective ascends. The
trainer needs nothing else, so a new generator is a new conditional distribution. For the objectives that
pass a gradient through samples it gives `relaxed` ones too.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from bgan_text.models.dcgan import TransposedConvolutions
from bgan_text.models.layers import ResidualBlock, as_image, as_rows
from bgan_text.models.relaxation import Relaxation
from bgan_text.models.sampling import chunked_log_prob, counted, draw, draw_each, log_prob, weighted_histogram
from bgan_text.space import PixelSpace, TokenSpace


class ConditionalDistribution(Protocol):
    """g(. | z) for N noise vectors. M draws, L positions."""

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        """(M, N, L) int64 tokens, M draws for each noise vector; carries no gradient."""

    def log_prob(self, tokens: Tensor) -> Tensor:
        """(M, N, L) -> (M, N), nats."""

    def weighted_log_prob(self, tokens: Tensor, coefficients: Tensor) -> Tensor:
        """(M, N, L), (M, N) -> scalar: the sum of coefficients * log g, divided by N.

        An autoregressive one takes (M, N, L) coefficients as well, one for each token.
        """

    def relaxed(self, relax: Relaxation) -> Tensor:
        """(N, L, V) points of the simplex, one sequence for each noise vector."""


class FactorisedDistribution:
    """Positions independent given z, as in the convolutional generator. `logits`: (N, L, V)."""

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        return draw(self.logits, draws, rng, temperature)

    def log_prob(self, tokens: Tensor) -> Tensor:
        return log_prob(self.logits, tokens)

    def weighted_log_prob(self, tokens: Tensor, coefficients: Tensor) -> Tensor:
        # The M draws of one z share their logits, so the sum over draws is a cross-entropy to the
        # weighted histogram of tokens.
        histogram = weighted_histogram(coefficients, tokens, self.logits.shape[-1])
        return (histogram * self.logits.log_softmax(dim=-1)).sum() / self.logits.shape[0]

    def relaxed(self, relax: Relaxation) -> Tensor:
        return relax(self.logits)


class ConvolutionalGenerator(nn.Module):
    """Noise -> dense -> residual 5-wide convolutions -> logits of all positions at once.

    `plain`: without batch normalisation, as in the language model of Gulrajani et al. 2017.
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
        """(N, Z) noise -> the conditional distribution of N rows."""
        x = as_image(self.dense(noise).view(-1, self.space.positions, self.width))
        x = self.activation(self.norm(self.blocks(x)))
        return FactorisedDistribution(self.logits(as_rows(x)).float())


class QuantisedImageGenerator(nn.Module):
    """Noise -> transposed convolutions -> logits of all pixels at once, as DCGAN with colours for tokens."""

    def __init__(self, space: TokenSpace, *, width: int, noise: int) -> None:
        super().__init__()
        assert space.shape is not None
        self.space, self.noise = space, noise
        self.pyramid = TransposedConvolutions(*space.shape, features=width, noise=noise)
        self.logits = nn.Linear(width, space.vocabulary)

    def forward(self, noise: Tensor) -> FactorisedDistribution:
        """(N, Z) noise -> the conditional distribution of N rows of pixels."""
        features = self.pyramid(noise).permute(0, 2, 3, 1).flatten(1, 2)
        return FactorisedDistribution(self.logits(features).float())


class DeterministicDistribution:
    """Images themselves, one for each noise vector. `pixels`: (N, channels, height, width), -1 .. 1."""

    def __init__(self, pixels: Tensor) -> None:
        self.pixels = pixels

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        """(1, N, channels, height, width): z says all, so there is but one draw, at any temperature."""
        assert draws == 1, "an image follows from its noise"
        return self.pixels.detach().unsqueeze(0)

    def relaxed(self, relax: Relaxation) -> Tensor:
        """The images: numbers need no relaxing."""
        return self.pixels


class ContinuousImageGenerator(nn.Module):
    """Noise -> transposed convolutions -> pixels between -1 and 1, as DCGAN."""

    def __init__(self, space: PixelSpace, *, width: int, noise: int) -> None:
        super().__init__()
        self.space, self.noise = space, noise
        self.pyramid = TransposedConvolutions(space.height, space.width, features=width, noise=noise)
        self.paint = nn.Conv2d(width, space.channels, 3, padding=1)

    def forward(self, noise: Tensor) -> DeterministicDistribution:
        """(N, Z) noise -> N images."""
        return DeterministicDistribution(self.paint(self.pyramid(noise)).float().tanh())


class AutoregressiveDistribution:
    """Tokens one after the other, given z and the tokens before. What follows the end is not counted."""

    def __init__(self, net: "RecurrentGenerator", noise: Tensor) -> None:
        self.net, self.noise = net, noise

    @torch.no_grad()
    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        net, rows = self.net, self.noise.shape[0]
        context = self.noise.repeat(draws, 1)
        state = net.initial(context)
        token = context.new_full((draws * rows,), net.start, dtype=torch.int64)
        alive = torch.ones_like(token, dtype=torch.bool)
        tokens = []
        for _ in range(net.space.positions):
            hidden, state = net.step(token.unsqueeze(1), context, state)
            logits = net.logits(hidden.squeeze(1)).float()
            token = draw_each(logits, 1, rng, temperature).squeeze(1)
            if net.space.end is not None:
                token = torch.where(alive, token, net.space.end)
                alive = alive & (token != net.space.end)
            tokens.append(token)
        return torch.stack(tokens, dim=1).view(draws, rows, net.space.positions)

    def log_prob(self, tokens: Tensor) -> Tensor:
        return self.token_log_prob(tokens).sum(dim=-1)

    def token_log_prob(self, tokens: Tensor) -> Tensor:
        """Log-probability of each token given those before, 0 behind the end: (M, N, L) -> (M, N, L)."""
        net = self.net
        draws, rows, positions = tokens.shape
        flat = tokens.reshape(-1, positions)
        context = self.noise.repeat(draws, 1)
        before = torch.cat([torch.full_like(flat[:, :1], net.start), flat[:, :-1]], dim=1)
        hidden, _ = net.step(before, context, net.initial(context))
        each = chunked_log_prob(
            hidden.reshape(-1, hidden.shape[-1]), net.logits.weight, net.logits.bias, flat.reshape(-1)
        )
        each = each.view_as(flat).masked_fill(~counted(flat, net.space.end), 0.0)
        return each.view(draws, rows, positions)

    def weighted_log_prob(self, tokens: Tensor, coefficients: Tensor) -> Tensor:
        each = self.token_log_prob(tokens) if coefficients.dim() == 3 else self.log_prob(tokens)
        return (coefficients * each).sum() / self.noise.shape[0]

    def relaxed(self, relax: Relaxation) -> Tensor:
        """What is fed back is the mixture of embeddings. A sequence ends where the end has all the mass."""
        net = self.net
        end = self.noise.new_zeros(net.space.vocabulary)
        if net.space.end is not None:
            end[net.space.end] = 1.0
        ended = torch.zeros_like(self.noise[:, :1], dtype=torch.bool)
        state = net.initial(self.noise)
        fed = net.embedding.weight[net.start].expand(len(self.noise), -1)
        points = []
        for _ in range(net.space.positions):
            hidden, state = net.step_embedded(fed.unsqueeze(1), self.noise, state)
            point = relax(net.logits(hidden.squeeze(1)).float())
            if net.space.end is not None:
                point = torch.where(ended, end, point)
                ended = ended | (point[:, net.space.end, None] == 1.0)
            points.append(point)
            fed = point @ net.embedding.weight[: net.start]
        return torch.stack(points, dim=1)


class RecurrentGenerator(nn.Module):
    """A GRU that starts from the noise and reads it again at every position."""

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
        """Read (K, T) tokens: (K, T, width) hidden vectors and the state after them."""
        return self.step_embedded(self.embedding(tokens), noise, state)

    def step_embedded(self, embedded: Tensor, noise: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The same of (K, T, width) embedded tokens."""
        x = embedded + self.from_noise(noise).unsqueeze(1)
        hidden, state = self.cell(x.to(state.dtype), state)
        return hidden, state

    def forward(self, noise: Tensor) -> AutoregressiveDistribution:
        """(N, Z) noise -> the conditional distribution of N rows."""
        return AutoregressiveDistribution(self, noise)


Generator = ConvolutionalGenerator | QuantisedImageGenerator | ContinuousImageGenerator | RecurrentGenerator

GENERATORS: dict[str, type[ConvolutionalGenerator] | type[RecurrentGenerator]] = {
    "conv": ConvolutionalGenerator,
    "rnn": RecurrentGenerator,
}
"""Generators of sequences. `conv` for images is a `QuantisedImageGenerator`."""
