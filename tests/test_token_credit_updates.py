"""The update of token credit against sums over everything: a space of sequences of unequal lengths."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.models.distributions import AutoregressiveDistribution
from bgan_text.objectives.divergences import DIVERGENCES
from bgan_text.objectives.token_weights import row_weights
from bgan_text.space import TokenSpace
from bgan_text.training.state import CustomParts, State
from bgan_text.training.token_credit import TokenCreditUpdate

V, L, END = 3, 2, 0
SPACE = TokenSpace(L, V, end=END)
EVERYTHING = torch.tensor([[END, END], *([a, b] for a in (1, 2) for b in range(V))])
LENGTHS = torch.tensor([1, *[2] * (len(EVERYTHING) - 1)])
PREFIXES = ("data", "samples", "both")
MATERIAL = {"precision": "float32", "generator": "own:Net", "discriminator": "own:Net", "credit": "token"}


class Net(nn.Module):
    """Numbers of every first token, and of every second after each first: logits, or scores."""

    noise, space = 1, SPACE

    def __init__(self, space: Any = None, config: Any = None) -> None:
        super().__init__()
        self.numbers = nn.Parameter(torch.randn(1 + V, V, dtype=torch.float64))
        self.drawn = EVERYTHING[:1]

    def table(self, tokens: Tensor) -> Tensor:
        """(N, L) -> (N, L, V)."""
        return torch.stack([self.numbers[0].expand(len(tokens), V), self.numbers[1 + tokens[:, 0]]], dim=1)

    def forward(self, given: Tensor, where: Tensor | None = None) -> Any:
        return Drawn(self, given) if where is None else self.table(given)[where]

    def distribution(self) -> Tensor:
        """g of everything: (7,)."""
        each = self.table(EVERYTHING).log_softmax(dim=-1).gather(-1, EVERYTHING.unsqueeze(-1)).squeeze(-1)
        return each.masked_fill(torch.arange(L) >= LENGTHS.unsqueeze(1), 0.0).sum(dim=1).exp()


class Drawn(AutoregressiveDistribution):
    """Draws what it is told to."""

    def __init__(self, net: Net, noise: Tensor) -> None:
        self.chain, self.noise = net, noise

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        return self.chain.drawn.expand(1, len(self.noise), L)

    def next_token_logits(self, tokens: Tensor, where: Tensor) -> Tensor:
        return self.chain.table(tokens)[where]


class Expectation:
    """What two rows of data and two samples teach, over all of them with their probabilities."""

    def __init__(self, divergence: str, prefixes: str, objective: str = "importance") -> None:
        torch.manual_seed(5)
        options = {"divergence": divergence, "prefixes": prefixes, "objective": objective, "batch": 2}
        config = Config.given(MATERIAL | options | {"noise": 1, "grad_clip": 1e9})
        parts = CustomParts(generator=Net, discriminator=Net)
        self.state = State.fresh(config, SPACE, torch.device("cpu"), parts)
        self.update = TokenCreditUpdate(self.state, config)
        self.divergence = DIVERGENCES[divergence]
        self.p = torch.rand(len(EVERYTHING), dtype=torch.float64).add(0.1)
        self.p[0] *= 4.0  # other lengths than the samples have
        self.p /= self.p.sum()
        self.weight = float((self.p / LENGTHS).sum())  # the mean of 1 / length of the other row

    def of_updates(self) -> tuple[dict[str, Tensor], Tensor]:
        """The numbers, and the gradient of the bound in the scores: one update after the other."""
        generator: Any = self.state.generator
        q = generator.distribution().detach()
        numbers: dict[str, Tensor] = {}
        drawn = range(len(EVERYTHING)) if self.update.config.prefixes != "data" else [0]
        for one, other in itertools.combinations_with_replacement(range(len(EVERYTHING)), 2):
            chance = self.p[one] * self.p[other] * (1.0 if one == other else 2.0)
            for sample in drawn:
                generator.drawn = EVERYTHING[sample : sample + 1]
                drawn_rows = self.update._drawn(EVERYTHING[[one, other]])
                sides = self.update._group(*drawn_rows, slice(None), generator=True, discriminator=True)
                found = self.update._discriminator_numbers(sides)
                share = chance * (q[sample] if len(drawn) > 1 else 1.0)
                numbers = {name: numbers.get(name, 0.0) + share * value for name, value in found.items()}
        (gradient,) = torch.autograd.grad(numbers["bound"], self.scores)
        return numbers, gradient

    @property
    def scores(self) -> Tensor:
        """F, (4, V): of the first token, and of the second after each first."""
        numbers: Tensor = self.state.discriminator.numbers  # type: ignore[assignment]
        return numbers

    def of_prefixes(self) -> Tensor:
        """The bound on whole prefixes, one prefix after the other."""
        q = self.state.generator.distribution().detach()
        total = torch.zeros((), dtype=torch.float64)
        for prefix in [(END,), (1,), (2,), *itertools.product((1, 2), range(V))]:
            begins = (EVERYTHING[:, : len(prefix)] == torch.tensor(prefix)).all(dim=1)
            score = self.scores[0, prefix[0]]
            if len(prefix) == 2:
                score = score + self.scores[1 + prefix[0], prefix[1]]
            total = total + self.p[begins].sum() * self.divergence.real(score)
            total = total - q[begins].sum() * self.divergence.fake(score)
        return self.weight * total

    def of_next_tokens(self) -> Tensor:
        """The bound on the next token after prefixes of data, one token after the other."""
        g = self.state.generator.numbers.detach().softmax(dim=-1)
        total = torch.zeros((), dtype=torch.float64)
        for first in (None, 1, 2):
            row, position = (0, 0) if first is None else (1 + first, 1)
            begins = (EVERYTHING[:, 0] == first) if first else LENGTHS > 0
            for token in range(V):
                score, follows = self.scores[row, token], begins & (EVERYTHING[:, position] == token)
                total = total + self.p[follows].sum() * self.divergence.real(score)
                total = total - self.p[begins].sum() * g[row, token] * self.divergence.fake(score)
        return self.weight * total

    def exact(self, prefixes: str) -> Tensor:
        """The sum over everything of what the discriminator ascends."""
        bounds = [self.of_next_tokens()] if prefixes != "samples" else []
        bounds += [self.of_prefixes()] if prefixes != "data" else []
        return torch.stack(bounds).mean()

    @torch.no_grad()
    def solve(self) -> None:
        """F = log p/g of every token, so that S is log p/q of every prefix."""
        scores, logs = self.scores, self.state.generator.numbers.log_softmax(dim=-1)
        first = torch.stack([self.p[EVERYTHING[:, 0] == token].sum() for token in range(V)])
        scores[0] = first.log() - logs[0]
        for token in (1, 2):
            second = self.p[EVERYTHING[:, 0] == token] / first[token]
            scores[1 + token] = second.log() - logs[1 + token]


@pytest.mark.parametrize("prefixes", PREFIXES)
@pytest.mark.parametrize("divergence", sorted(DIVERGENCES))
def test_the_expected_update_of_the_discriminator_is_that_of_all_prefixes(
    divergence: str, prefixes: str
) -> None:
    made = Expectation(divergence, prefixes)
    numbers, found = made.of_updates()
    exact = made.exact(prefixes)
    torch.testing.assert_close(numbers["bound"], exact, rtol=1e-6, atol=1e-6)
    (expected,) = torch.autograd.grad(exact, made.scores)
    assert expected.abs().max() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("divergence", sorted(DIVERGENCES))
def test_both_bounds_are_tight_at_the_exact_ratio(divergence: str) -> None:
    """Sequences of data and of samples have other lengths: S is log p/q of a prefix all the same."""
    made = Expectation(divergence, "both")
    made.solve()
    numbers, gradient = made.of_updates()
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-7)
    best = {name: float(numbers[name].detach()) for name in ("prefix_bound", "next_token_bound")}
    solved = made.scores.detach().clone()
    for size in (0.01, 0.3):
        with torch.no_grad():
            made.scores.copy_(solved + size * torch.randn_like(solved))
        assert made.of_prefixes() < best["prefix_bound"]
        assert made.of_next_tokens() < best["next_token_bound"]


def test_a_prefix_counts_by_the_lengths_of_the_other_rows() -> None:
    where = torch.arange(6) < torch.tensor([[1], [6], [2], [3]])
    expected = [1 / 4 / (11 / 3), 1 / 4 / (6 / 3), 1 / 4 / (10 / 3), 1 / 4 / (9 / 3)]
    torch.testing.assert_close(row_weights(where), torch.tensor(expected))
    torch.testing.assert_close(row_weights(where[:1]), torch.tensor([1 / 6]))
    same = torch.ones(5, 6, dtype=torch.bool)
    torch.testing.assert_close(row_weights(same), torch.full((5,), 1 / 30))
