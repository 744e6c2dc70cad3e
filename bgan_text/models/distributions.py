"""Distributions over samples given noise: what a generator returns.

A generator called with noise (N, Z) returns a `ConditionalDistribution` g(x | z). The training updates are
written against what that offers, not against the class of the net, so a new generator is a `torch.nn.Module`
whose `forward` returns an object with these methods:

- `sample`: always needed.
- `weighted_log_prob`: needed by the score-function objectives.
- `log_prob`: needed by maximum likelihood.
- `token_log_prob`: needed by prefix credit, which gives each token a coefficient of its own.
- `next_token_logits`: needed by token credit, which weighs every token of the vocabulary.
- `relaxed`: needed by the pathwise objectives.

Shapes: M draws per noise vector, N noise vectors, L positions, V vocabulary.
"""

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bgan_text.models.relaxation import Relaxation
from bgan_text.models.sampling import (
    chosen_vectors,
    chunked_log_prob,
    counted,
    draw,
    draw_each,
    log_prob,
    possible,
    shifted,
    weighted_histogram,
)
from bgan_text.space import TokenSpace


class ConditionalDistribution(Protocol):
    """g(x | z) for N noise vectors.

    Example:
        >>> g = FactorisedDistribution(torch.zeros(5, 8, 4))  # 5 noise vectors, 8 positions, 4 tokens
        >>> tokens = g.sample(3, torch.Generator().manual_seed(0))
        >>> tokens.shape, g.log_prob(tokens).shape
        (torch.Size([3, 5, 8]), torch.Size([3, 5]))
    """

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        """(M, N, L) int64 tokens, M draws for each noise vector; carries no gradient."""

    def log_prob(self, tokens: Tensor) -> Tensor:
        """(M, N, L) -> (M, N), in nats."""

    def weighted_log_prob(self, tokens: Tensor, coefficients: Tensor) -> Tensor:
        """(M, N, L), (M, N) -> scalar: the sum of coefficients * log g, divided by N.

        An autoregressive distribution takes (M, N, L) coefficients as well, one for each token.
        """

    def relaxed(self, relax: Relaxation) -> Tensor:
        """(N, L, V) points of the simplex, one sequence for each noise vector."""


class FactorisedDistribution:
    """Positions that are independent given z, as in the convolutional generator.

    Args:
        logits: (N, L, V).
        absent: the token that is never drawn, `TokenSpace.absent`.
    """

    def __init__(self, logits: Tensor, absent: int | None = None) -> None:
        self.logits = possible(logits, absent)

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        return draw(self.logits, draws, rng, temperature)

    def log_prob(self, tokens: Tensor) -> Tensor:
        return log_prob(self.logits, tokens)

    def weighted_log_prob(self, tokens: Tensor, coefficients: Tensor) -> Tensor:
        # The M draws of one z share their logits, so the sum over draws is a cross-entropy with the
        # weighted histogram of tokens.
        histogram = weighted_histogram(coefficients, tokens, self.logits.shape[-1])
        return (histogram * self.logits.log_softmax(dim=-1)).sum() / self.logits.shape[0]

    def relaxed(self, relax: Relaxation) -> Tensor:
        return relax(self.logits)


class DeterministicDistribution:
    """Continuous images that follow from the noise: all mass is on one image for each noise vector.

    Args:
        pixels: (N, channels, height, width) in -1 .. 1.
    """

    def __init__(self, pixels: Tensor) -> None:
        self.pixels = pixels

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        """(1, N, channels, height, width): there is only one draw, at any temperature."""
        assert draws == 1, "a continuous image follows from its noise"
        return self.pixels.detach().unsqueeze(0)

    def relaxed(self, relax: Relaxation) -> Tensor:
        """The images themselves, which carry a gradient already."""
        return self.pixels


class OutputLayer(Protocol):
    """Hidden vectors (..., H) -> logits (..., V); an `nn.Linear` is one."""

    @property
    def weight(self) -> Tensor:
        """(V, H)."""

    @property
    def bias(self) -> Tensor:
        """(V,)."""

    def __call__(self, hidden: Tensor) -> Tensor:
        """hidden @ weight.T + bias."""


class TokenByTokenNet(Protocol):
    """A net that reads tokens one after the other, such as an RNN.

    Attributes:
        space: what it generates.
        start: a token that is only ever read, before the first one.
        embedding: of the V tokens and `start`.
        logits: hidden vectors -> logits of the next token.
    """

    space: TokenSpace
    start: int
    embedding: nn.Embedding

    @property
    def logits(self) -> OutputLayer:
        """The output layer."""

    def initial(self, noise: Tensor) -> Any:
        """The state before the first token, of any kind that `step` takes: (K, Z) -> state."""

    def step(self, tokens: Tensor, noise: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Read (K, T) tokens: (K, T, width) hidden vectors, and the state after them."""

    def step_embedded(self, embedded: Tensor, noise: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The same for (K, T, width) embedded tokens."""

    def reorder(self, state: Any, rows: Tensor) -> Any:
        """The state of the given rows, (R,) int64, each once, several times or not at all."""


class AutoregressiveDistribution:
    """Tokens one after the other, given z and the tokens before. Nothing behind the end token counts.

    Args:
        net: computes the next token's logits.
        noise: (N, Z).
    """

    def __init__(self, net: TokenByTokenNet, noise: Tensor) -> None:
        self.net, self.noise = net, noise

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits of the tokens that the data hold: (..., H) -> (..., V) float32."""
        return possible(self.net.logits(hidden).float(), self.net.space.absent)

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
            logits = self.logits(hidden.squeeze(1))
            token = draw_each(logits, 1, rng, temperature, draws).squeeze(1)
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
        before = shifted(flat, net.start)
        hidden, _ = net.step(before, context, net.initial(context))
        bias = possible(net.logits.bias, net.space.absent)
        each = chunked_log_prob(
            hidden.reshape(-1, hidden.shape[-1]), net.logits.weight, bias, flat.reshape(-1)
        )
        each = each.view_as(flat).masked_fill(~counted(flat, net.space.end), 0.0)
        return each.view(draws, rows, positions)

    def next_token_logits(self, tokens: Tensor, where: Tensor | None) -> Tensor:
        """Logits of the token at each chosen position, given those before it.

        Args:
            tokens: (N, L) int64, one sequence for each noise vector.
            where: (N, L) bool, K of them true; None for all positions, K = N L.

        Returns:
            (K, V) float32.
        """
        net = self.net
        before = shifted(tokens, net.start)
        hidden, _ = net.step(before, self.noise, net.initial(self.noise))
        return self.logits(chosen_vectors(hidden, where))

    def weighted_log_prob(self, tokens: Tensor, coefficients: Tensor) -> Tensor:
        each = self.token_log_prob(tokens) if coefficients.dim() == 3 else self.log_prob(tokens)
        return (coefficients * each).sum() / self.noise.shape[0]

    def relaxed(self, relax: Relaxation) -> Tensor:
        """Points of the simplex, each fed back as a mixture of embeddings.

        A sequence ends where the end token has all the mass.
        """
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
            point = relax(self.logits(hidden.squeeze(1)))
            if net.space.end is not None:
                point = torch.where(ended, end, point)
                ended = ended | (point[:, net.space.end, None] == 1.0)
            points.append(point)
            fed = point @ net.embedding.weight[: net.start]
        return torch.stack(points, dim=1)
