"""Objectives whose score does not know the noise, with a generator that depends on it.

The generator is a mixture over the 8 corners of a cube of noise, so everything can be enumerated.
"""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.models.distributions import AutoregressiveDistribution
from bgan_text.models.sampling import draw_each
from bgan_text.presets import DIVERGENCES
from bgan_text.space import TokenSpace
from bgan_text.training.state import CustomParts, State
from bgan_text.training.trainer import Trainer

V, L, CORNERS = 3, 2, 3
SPACE = TokenSpace(L, V)
EVERYTHING = torch.tensor(list(itertools.product(range(V), repeat=L)))
CPU = torch.device("cpu")


class Chain(nn.Module):
    """Logits of a first token, and of a second after each first, for each corner of the noise."""

    noise, space = CORNERS, SPACE

    def __init__(self, space: Any = None, config: Any = None) -> None:
        super().__init__()
        self.first = nn.Parameter(2.0 * torch.randn(2**CORNERS, V))
        self.second = nn.Parameter(2.0 * torch.randn(2**CORNERS, V, V))

    def forward(self, noise: Tensor) -> "Chained":
        corner = ((noise > 0) * torch.tensor([4, 2, 1])).sum(dim=1)
        return Chained(self.first[corner], self.second[corner])

    @torch.no_grad()
    def joint(self) -> Tensor:
        """g(x | z) of each corner: (8, V, V) float64."""
        return self.first.double().softmax(dim=-1).unsqueeze(-1) * self.second.double().softmax(dim=-1)


class Chained(AutoregressiveDistribution):
    """g(first | z) g(second | first, z): (N, V) and (N, V, V) logits."""

    def __init__(self, first: Tensor, second: Tensor) -> None:
        self.first, self.second, self.noise = first, second, first

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        assert draws == 1
        first = draw_each(self.first.detach(), 1, rng)
        after = self.second.detach()[torch.arange(len(first)), first[:, 0]]
        return torch.cat([first, draw_each(after, 1, rng)], dim=1).unsqueeze(0)

    def next_token_logits(self, tokens: Tensor, where: Tensor) -> Tensor:
        after = self.second[torch.arange(len(tokens)), tokens[:, 0]]
        return torch.stack([self.first, after], dim=1)[where]

    def token_log_prob(self, tokens: Tensor) -> Tensor:
        everywhere = torch.ones_like(tokens[0], dtype=torch.bool)
        each = [self.next_token_logits(rows, everywhere).view(-1, L, V) for rows in tokens]
        return torch.stack(each).log_softmax(dim=-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


class Scores(nn.Module):
    """A discriminator that can be solved exactly, for either kind of prefixes."""

    def __init__(self, space: Any = None, config: Any = None) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(torch.zeros(V)), nn.Parameter(torch.zeros(V, V))

    def forward(self, tokens: Tensor, where: Tensor) -> Tensor:
        table = torch.stack([self.first.expand(len(tokens), -1), self.second[tokens[:, 0]]], dim=1)
        return table[where]

    @torch.no_grad()
    def solve(self, p: Tensor, joint: Tensor, prefixes: str) -> None:
        """F = log p(v | x_<t) minus the log of what the bound compares it with."""
        first, second = compared(joint, prefixes)
        self.first.copy_((p.sum(dim=1) / first).log())
        self.second.copy_((p / p.sum(dim=1, keepdim=True) / second).log())


def compared(joint: Tensor, prefixes: str) -> tuple[Tensor, Tensor]:
    """The first token's probabilities and the second's after each first: (V,), (V, V).

    After a prefix of data any noise is as probable as before, after a prefix of samples that from which the
    prefix is probable.
    """
    first = joint.sum(dim=2)
    if prefixes == "data":
        return first.mean(dim=0), (joint / first.unsqueeze(2)).mean(dim=0)
    return first.mean(dim=0), joint.mean(dim=0) / first.mean(dim=0).unsqueeze(1)


def total_variation(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().sum() / 2)


@pytest.fixture
def target(rng: torch.Generator) -> Tensor:
    """(V, V) float64."""
    p = torch.rand(V, V, generator=rng, dtype=torch.float64) + 0.1
    return p / p.sum()


def solved(p: Tensor, objective: str, prefixes: str, seed: int) -> Tensor:
    """g(x | z) of each corner after training with the exact discriminator of each step: (8, V, V)."""
    options = {"objective": objective, "prefixes": prefixes, "credit": "token", "noise": CORNERS,
               "batch": 256, "generator": "own:Chain", "discriminator": "own:Scores", "generator_lr": 0.05,
               "discriminator_lr": 0.0, "lr_schedule": "linear", "precision": "float32",
               "seed": seed}  # fmt: skip
    config = Config.given(options)
    state = State.fresh(config, SPACE, CPU, CustomParts(generator=Chain, discriminator=Scores))
    trainer, real = Trainer(state, config), torch.Generator().manual_seed(1)
    assert isinstance(state.discriminator, Scores)
    assert isinstance(state.generator, Chain)
    for step in range(250):
        state.discriminator.solve(p, state.generator.joint(), prefixes)
        rows = torch.multinomial(p.flatten(), config.batch, replacement=True, generator=real)
        trainer.step([EVERYTHING[rows]], step / 250)
    return state.generator.joint()


@pytest.mark.parametrize("objective", ["importance", "reinforce"])
def test_after_prefixes_of_samples_the_solved_discriminator_leads_to_the_target(
    objective: str, target: Tensor
) -> None:
    for seed in (0, 1):
        joint = solved(target, objective, "samples", seed)
        assert total_variation(joint.mean(dim=0), target) < 0.01


@pytest.mark.parametrize("objective", ["importance", "reinforce"])
def test_after_prefixes_of_data_only_the_mean_over_the_noise_is_taught(
    objective: str, target: Tensor
) -> None:
    """F = 0 then, so nothing moves, and candidates correct nothing; but q is not the target."""
    for seed in (0, 1):
        joint = solved(target, objective, "data", seed)
        first, second = compared(joint, "data")
        assert total_variation(first, target.sum(dim=1)) < 0.005
        for found, exact in zip(second, target / target.sum(dim=1, keepdim=True), strict=True):
            assert total_variation(found, exact) < 0.005
        assert total_variation(joint.mean(dim=0), target) > 0.05
        assert total_variation(candidates_limit(joint, target), target) > 0.05


def candidates_limit(joint: Tensor, p: Tensor) -> Tensor:
    """q exp F, normalised, where F is the sum of the scores that prefixes of data teach: (V, V)."""
    first, second = compared(joint, "data")
    weighted = joint.mean(dim=0) * p / (first.unsqueeze(1) * second)
    return weighted / weighted.sum()


def test_candidates_after_prefixes_of_data_have_the_target_as_their_limit_without_noise(
    target: Tensor,
) -> None:
    torch.manual_seed(0)
    joint = Chain().joint()
    assert total_variation(candidates_limit(joint, target), target) > 0.05
    assert total_variation(candidates_limit(joint[:1], target), target) < 1e-12


def judged_by_itself(p: Tensor, divergence: str) -> tuple[Tensor, Tensor]:
    """g(x | z) of each corner before and after training with `implicit`: (8, V, V) each."""
    options = {"objective": "implicit", "divergence": divergence, "generator": "own:Chain", "noise": CORNERS,
               "batch": 512, "generator_lr": 0.05, "reference_steps": 10, "beta1": 0.0, "ema_decay": 0.0,
               "lr_schedule": "linear", "precision": "float32"}  # fmt: skip
    config = Config.given(options)
    state = State.fresh(config, SPACE, CPU, CustomParts(generator=Chain))
    trainer, real = Trainer(state, config), torch.Generator().manual_seed(1)
    assert isinstance(state.generator, Chain)
    before = state.generator.joint()
    for step in range(300):
        rows = torch.multinomial(p.flatten(), config.batch, replacement=True, generator=real)
        trainer.step([EVERYTHING[rows]], step / 300)
    return before, state.generator.joint()


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_a_generator_that_judges_itself_reaches_the_target_and_ignores_its_noise(
    divergence: str, target: Tensor
) -> None:
    """The data come with noise of any kind, so at the optimum g(x | z) = p(x) for every z."""
    before, after = judged_by_itself(target, divergence)
    assert total_variation(before.mean(dim=0), target) > 0.1
    assert total_variation(after.mean(dim=0), target) < 0.05
    assert min(total_variation(each, target) for each in before) > 0.2
    assert max(total_variation(each, target) for each in after) < 0.05
