"""Every objective against the target of a space small enough to enumerate: V = 3, L = 2.

The generator is a mixture over the 8 corners of a cube of noise, so that its distribution over the 9
sequences is known at every step. With a discriminator that is solved exactly at each step it must reach the
target, and with a trained one nearly.
"""

import itertools
from typing import Any

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bgan_text.config import Config
from bgan_text.models.discriminators import ConvolutionalDiscriminator
from bgan_text.models.distributions import AutoregressiveDistribution, FactorisedDistribution
from bgan_text.models.sampling import draw_each
from bgan_text.objective_table import unused_options
from bgan_text.presets import DIVERGENCES
from bgan_text.space import TokenSpace
from bgan_text.training.state import State
from bgan_text.training.trainer import Trainer

V, L, CORNERS = 3, 2, 3
SPACE = TokenSpace(L, V)
EVERYTHING = torch.tensor(list(itertools.product(range(V), repeat=L)))
NOISE = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=CORNERS)))
CPU = torch.device("cpu")


def place(tokens: Tensor) -> Tensor:
    """Index of sequences in EVERYTHING: (..., L) -> (...)."""
    return tokens[..., 0] * V + tokens[..., 1]


class Table(nn.Module):
    """Logits of their own for each corner of the noise."""

    noise = CORNERS

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.randn(len(NOISE), L, V))

    def forward(self, noise: Tensor) -> FactorisedDistribution:
        corner = ((noise > 0) * torch.tensor([4, 2, 1])).sum(dim=1)
        return FactorisedDistribution(self.logits[corner])


class Chain(nn.Module):
    """The same for a first token, and for a second given the first."""

    noise = CORNERS

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(len(NOISE), V))
        self.second = nn.Parameter(torch.randn(len(NOISE), V, V))

    def forward(self, noise: Tensor) -> "Chained":
        corner = ((noise > 0) * torch.tensor([4, 2, 1])).sum(dim=1)
        return Chained(self.first[corner], self.second[corner])


class Chained(AutoregressiveDistribution):
    """g(x | z) = g(first | z) g(second | first, z): (N, V) and (N, V, V) logits."""

    def __init__(self, first: Tensor, second: Tensor) -> None:
        self.first, self.second, self.noise = first, second, first

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        first = draw_each(self.first.detach(), draws, rng).T
        second = draw_each(self._after(first).detach().flatten(0, 1), 1, rng).view_as(first)
        return torch.stack([first, second], dim=-1)

    def _after(self, first: Tensor) -> Tensor:
        return self.second[torch.arange(first.shape[1]), first]

    def token_log_prob(self, tokens: Tensor) -> Tensor:
        first = tokens[..., 0]
        logits = torch.stack([self.first.expand(len(tokens), -1, -1), self._after(first)], dim=2)
        return logits.log_softmax(dim=-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


@torch.no_grad()
def distribution(generator: nn.Module) -> Tensor:
    """q of every sequence: (V ** L,)."""
    tokens = EVERYTHING.unsqueeze(1).expand(-1, len(NOISE), -1)
    q: Tensor = generator(NOISE).log_prob(tokens).double().exp().mean(dim=1)
    return q / q.sum()


class Rows(Table):
    """The expectation over the noise in place of a sample of it: each corner once."""

    def forward(self, noise: Tensor) -> FactorisedDistribution:
        return FactorisedDistribution(self.logits)


class Solved(ConvolutionalDiscriminator):
    """The exact log-ratio of sequences, of prefixes or, multilinear, of points between sequences."""

    def __init__(self, prefixes: bool = False) -> None:
        super().__init__(SPACE, width=V, blocks=0, spectral=False)
        self.embedding.weight.data = torch.eye(V)  # points are seen as they are
        self.prefixes = prefixes

    def solve(self, p: Tensor, q: Tensor) -> None:
        whole = p.log() - q.log()
        first = p.view(V, V).sum(dim=1).log() - q.view(V, V).sum(dim=1).log()
        self.ratio, self.first = whole.float(), first.float()

    def forward(self, tokens: Tensor) -> Tensor:
        scores = self.ratio[place(tokens)]
        if self.prefixes:
            scores = torch.stack([self.first[tokens[:, 0]], scores], dim=1)
        return scores + 0.0 * self.dense.bias

    def score_embedded(self, embedded: Tensor) -> Tensor:
        return torch.einsum("kv,kw,vw->k", embedded[:, 0], embedded[:, 1], self.ratio.view(V, V))


class Kantorovich(Solved):
    """The critic of the Wasserstein distance between 8 points and 8 sequences, at the points.

    Where an optimal plan takes a point to a sequence, an optimal critic falls by 1 for each unit of the way.
    """

    def solve(self, p: Tensor, q: Tensor) -> None:
        counts = (p * len(NOISE)).round().long()
        chosen = EVERYTHING.repeat_interleave(counts, dim=0)
        self.reals = torch.eye(V)[chosen].flatten(1)

    def score_embedded(self, embedded: Tensor) -> Tensor:
        points = embedded.flatten(1)
        if len(points) != len(self.reals):
            return 0.0 * points.sum(dim=1)  # both sides of a bound that nothing here ascends
        cost = torch.cdist(points, self.reals).detach()
        _, plan = linear_sum_assignment(cost.numpy())
        return -(points - self.reals[torch.from_numpy(plan)]).square().sum(dim=1).clamp(min=1e-12).sqrt()


def config_of(**values: Any) -> Config:
    small = {"batch": 64, "draws": 10, "width": 16, "noise": CORNERS, "discriminator_width": 16,
             "ema_decay": 0.99, "precision": "float32", "steps": 1}  # fmt: skip
    values = small | values
    unused = unused_options(values.get("objective", "importance"))
    return Config.given({name: value for name, value in values.items() if name not in unused})


def state_of(config: Config, generator: nn.Module, discriminator: nn.Module) -> State:
    """A training state around nets of the test's own."""
    state = State.fresh(config, SPACE, CPU)
    rates = config.generator_lr, config.discriminator_lr
    one, other = (
        torch.optim.Adam(net.parameters(), rate, (0.5, 0.99), fused=True)
        for net, rate in zip((generator, discriminator), rates, strict=True)
    )
    state.generator, state.discriminator = generator, discriminator  # type: ignore[assignment]
    state.generator_optimizer, state.discriminator_optimizer = one, other
    state.average = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay))
    return state


def distance(generator: nn.Module, p: Tensor) -> float:
    """Total variation between the generator and the target."""
    return ((distribution(generator) - p).abs().sum() / 2).item()


def approach(
    config: Config, generator: nn.Module, discriminator: Solved, p: Tensor, steps: int
) -> tuple[float, float]:
    """Distance from the target before and after `steps` with the discriminator solved before each."""
    trainer = Trainer(state_of(config, generator, discriminator), config)
    real, start = torch.zeros(config.batch, L, dtype=torch.int64), distance(generator, p)
    for step in range(steps):
        discriminator.solve(p, distribution(generator))
        trainer.step([real], step / steps)
    return start, distance(generator, p)


@pytest.fixture
def target(rng: torch.Generator) -> Tensor:
    p = torch.rand(V**L, generator=rng, dtype=torch.float64) + 0.1
    return p / p.sum()


@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
def test_the_solved_discriminator_leads_to_the_target(objective: str, target: Tensor) -> None:
    torch.manual_seed(0)
    config = config_of(objective=objective, batch=128, generator_lr=0.05, discriminator_lr=0.0)
    start, end = approach(config, Table(), Solved(), target, 400)
    assert start > 0.1
    assert end < 0.01


@pytest.mark.parametrize("credit", ["sequence", "prefix"])
@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
def test_the_solved_discriminator_leads_an_autoregressive_generator_to_the_target(
    objective: str, credit: str, target: Tensor
) -> None:
    torch.manual_seed(0)
    config = config_of(objective=objective, credit=credit, generator="rnn", batch=128, generator_lr=0.05,
                       discriminator_lr=0.0)  # fmt: skip
    start, end = approach(config, Chain(), Solved(credit == "prefix"), target, 400)
    assert start > 0.1
    assert end < 0.01


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_gumbel_reaches_the_target_with_the_solved_discriminator(divergence: str, target: Tensor) -> None:
    torch.manual_seed(0)
    config = config_of(objective="gumbel", divergence=divergence, batch=128, generator_lr=0.03,
                       discriminator_lr=0.0)  # fmt: skip
    start, end = approach(config, Table(), Solved(), target, 400)
    assert start > 0.1
    assert end < 0.01


def test_constant_stays_away_from_the_target(target: Tensor) -> None:
    torch.manual_seed(0)
    config = config_of(objective="constant", batch=128, generator_lr=0.05, discriminator_lr=0.0)
    start, end = approach(config, Table(), Solved(), target, 400)
    assert end > 0.5 * start
    assert end > 0.1


def eighths(rng: torch.Generator) -> Tensor:
    """A target that points at the corners of the simplex can have: each of 8 noise values one sequence."""
    chosen = torch.randint(V**L, (len(NOISE),), generator=rng)
    return torch.bincount(chosen, minlength=V**L).double() / len(NOISE)


def test_a_wasserstein_critic_that_is_solved_leads_to_the_target(rng: torch.Generator) -> None:
    """It stands for wgan and wgan-gp, which differ in how they come to their critic."""
    torch.manual_seed(0)
    config = config_of(objective="wgan", batch=8, generator_lr=0.05, discriminator_lr=0.0, weight_clip=1.0)
    start, end = approach(config, Rows(), Kantorovich(), eighths(rng), 400)
    assert start > 0.1
    assert end < 0.01


def learn(config: Config, p: Tensor, steps: int) -> tuple[float, float]:
    """Distance of the weight average, which is what is sampled, before and after training both nets."""
    torch.manual_seed(0)
    generator = Chain() if config.generator == "rnn" else Table()
    state = state_of(config, generator, State.fresh(config, SPACE, CPU).discriminator)
    trainer, start = Trainer(state, config), distance(generator, p)
    rng = torch.Generator().manual_seed(1)
    for step in range(steps):
        rows = torch.multinomial(
            p, config.discriminator_steps * config.batch, replacement=True, generator=rng
        )
        trainer.step(list(EVERYTHING[rows].split(config.batch)), step / steps)
    return start, distance(state.average.module, p)


RATES = {"generator_lr": 0.01, "discriminator_lr": 0.02, "batch": 128}


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce", "gumbel"])
def test_a_trained_discriminator_leads_near_the_target(
    objective: str, divergence: str, target: Tensor
) -> None:
    start, end = learn(config_of(objective=objective, divergence=divergence, **RATES), target, 300)
    assert start > 0.15
    assert end < 0.05


@pytest.mark.parametrize(
    ("objective", "divergence"),
    [*(("importance", name) for name in DIVERGENCES), ("partition", "js"), ("reinforce", "js")],
)
def test_a_trained_discriminator_of_prefixes_leads_near_the_target(
    objective: str, divergence: str, target: Tensor
) -> None:
    config = config_of(objective=objective, divergence=divergence, generator="rnn", credit="prefix", **RATES)
    start, end = learn(config, target, 300)
    assert start > 0.1
    assert end < 0.05


def test_likelihood_leads_near_the_target(target: Tensor) -> None:
    start, end = learn(config_of(objective="mle", generator="rnn", **RATES), target, 300)
    assert start > 0.1
    assert end < 0.05


CRITICS: list[dict[str, Any]] = [
    {"objective": "wgan-gp", "generator_lr": 0.02, "discriminator_lr": 0.01},
    {"objective": "wgan", "weight_clip": 0.1, "discriminator_width": 64, "discriminator_blocks": 0,
     "generator_lr": 0.05, "discriminator_lr": 0.005},
]  # fmt: skip


@pytest.mark.parametrize("settings", CRITICS)
def test_a_trained_wasserstein_critic_leads_near_the_target(
    settings: dict[str, Any], rng: torch.Generator
) -> None:
    start, end = learn(config_of(discriminator_steps=5, **settings), eighths(rng), 400)
    assert start > 0.2
    assert end < 0.05


@pytest.mark.parametrize(
    ("objective", "divergence"),
    [("wgan", None), ("wgan-gp", None), *(("gan-relaxed", divergence) for divergence in DIVERGENCES)],
)
def test_softmax_outputs_cannot_rest_inside_the_simplex(
    objective: str, divergence: str | None, target: Tensor
) -> None:
    """A discriminator need only see whether a vector is one-hot, and to be so costs them the target.

    In as many steps, with the same rates, the objectives that show it tokens come within .05.
    """
    start, end = learn(config_of(objective=objective, divergence=divergence, **RATES), target, 300)
    assert start > 0.15
    assert end > 0.06
    assert abs(end - start) > 0.01


def test_constant_does_not_learn_from_a_trained_discriminator(target: Tensor) -> None:
    start, end = learn(config_of(objective="constant", **RATES), target, 300)
    assert end > 0.5 * start
    assert end > 0.1
