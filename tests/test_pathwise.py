"""Objectives that pass a gradient through samples: their gradients, penalty, clipping and temperature."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from bgan_text.config import Config
from bgan_text.models.discriminators import ConvolutionalDiscriminator
from bgan_text.models.distributions import FactorisedDistribution
from bgan_text.models.generators import ConvolutionalGenerator, RecurrentGenerator
from bgan_text.models.relaxation import gumbel_softmax, softmax, straight_through
from bgan_text.models.sampling import counted
from bgan_text.objectives.divergences import divergence_named
from bgan_text.presets import DIVERGENCES
from bgan_text.space import TokenSpace
from bgan_text.training.pathwise import PathwiseUpdate
from bgan_text.training.state import State

SPACE = TokenSpace(5, 4, end=0)
CPU = torch.device("cpu")
KINDS = [("wgan", None), ("wgan-gp", None)] + [
    (objective, divergence) for objective in ("gan-relaxed", "gumbel") for divergence in DIVERGENCES
]


def relaxing(**values: Any) -> PathwiseUpdate:
    small = {"steps": 8, "batch": 6, "width": 8, "discriminator_width": 8, "precision": "float32"}
    config = Config.given(small | values)
    return PathwiseUpdate(State.fresh(config, SPACE, CPU), config)


def reals(rng: torch.Generator) -> Tensor:
    return torch.randint(SPACE.vocabulary, (6, SPACE.positions), generator=rng)


def literal_score(net: ConvolutionalDiscriminator, points: Tensor) -> Tensor:
    """The score of points as a sum over one-hot vectors, token by token."""
    embedded = sum(points[..., v, None] * net.embedding.weight[v] for v in range(points.shape[-1]))
    return net.score_embedded(embedded)


@pytest.mark.parametrize(("objective", "divergence"), KINDS)
def test_the_generator_ascends_the_real_term_of_its_own_samples(
    objective: str, divergence: str | None, rng: torch.Generator
) -> None:
    """Against autograd through a literal sum over the vocabulary and the declared f."""
    update = relaxing(objective=objective, divergence=divergence, spectral_norm=False, grad_clip=1e6)
    state, real = update.state, reals(rng)
    points = update._relaxed(real, update.relaxation(0.0))
    scores = literal_score(update.state.discriminator, points)
    term = scores if divergence is None else divergence_named(divergence).real(scores)
    exact = torch.autograd.grad(-term.mean(), list(state.generator.parameters()), retain_graph=True)
    numbers = update._generator_step(real, points)
    torch.testing.assert_close(numbers["generator_loss"], -term.mean())
    for parameter, expected in zip(state.generator.parameters(), exact, strict=True):
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-4, atol=1e-6)
    assert all(parameter.requires_grad for parameter in update.state.discriminator.parameters())
    assert all(parameter.grad is None for parameter in update.state.discriminator.parameters())


@pytest.mark.parametrize(("objective", "divergence"), KINDS)
def test_the_discriminator_ascends_the_bound(
    objective: str, divergence: str | None, rng: torch.Generator
) -> None:
    """Against the bound, and the penalty, written out with one-hot vectors and double backward."""
    update = relaxing(objective=objective, divergence=divergence, spectral_norm=False, grad_clip=1e6,
                       discriminator_lr=0.0)  # fmt: skip
    state, net, real = update.state, update.state.discriminator, reals(rng)
    with torch.no_grad():
        fake = update._relaxed(real, update.relaxation(0.0))
    stream = state.rng.get_state()
    one_hot = torch.nn.functional.one_hot(real, SPACE.vocabulary).float()
    real_scores, fake_scores = literal_score(net, one_hot), literal_score(net, fake)
    if divergence is None:
        loss = fake_scores.mean() - real_scores.mean()
    else:
        chosen = divergence_named(divergence)
        loss = chosen.fake(fake_scores).mean() - chosen.real(real_scores).mean()
    if objective == "wgan-gp":
        mix = torch.rand(6, generator=torch.Generator().set_state(stream)).view(6, 1, 1)
        between = ((1 - mix) * one_hot + mix * fake).requires_grad_()
        (slope,) = torch.autograd.grad(literal_score(net, between).sum(), between, create_graph=True)
        loss = loss + 10.0 * (slope.flatten(1).norm(dim=1) - 1.0).square().mean()
    exact = torch.autograd.grad(loss, list(net.parameters()), materialize_grads=True)
    update.discriminator_step(real, fake)
    for parameter, expected in zip(net.parameters(), exact, strict=True):
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-3, atol=1e-5)


def test_clipping_bounds_hold_after_every_step(rng: torch.Generator) -> None:
    update = relaxing(objective="wgan", weight_clip=0.03, discriminator_lr=0.1)
    moved = []
    for step in range(6):
        update.step([reals(rng)], step / 6)
        weights = torch.cat([weight.flatten() for weight in update.state.discriminator.parameters()])
        assert weights.abs().max() <= 0.03
        moved.append(weights.detach().clone())
    assert (moved[-1].abs() == 0.03).any()
    assert not torch.equal(moved[0], moved[-1])


def test_the_penalty_holds_the_slope_near_one(rng: torch.Generator) -> None:
    update = relaxing(objective="wgan-gp", discriminator_lr=0.01)
    real = reals(rng)
    with torch.no_grad():
        fake = update._relaxed(real, softmax)
    slopes = [update.discriminator_step(real, fake)["penalty_gradient_norm"].item() for _ in range(150)]
    assert abs(slopes[0] - 1.0) > 0.2
    assert abs(slopes[-1] - 1.0) < 0.1


def test_the_temperature_falls_geometrically(rng: torch.Generator) -> None:
    """Seen in the gradient, which a temperature t scales as 1 / t where t is large."""
    update = relaxing(objective="gumbel", gumbel_start=4000.0, gumbel_end=1000.0)

    def slope(progress: float) -> float:
        logits = torch.zeros(1, 1, 2, requires_grad=True)
        update.relaxation(progress)(logits)[..., 0].sum().backward()
        assert logits.grad is not None
        return logits.grad.abs().max().item()

    for progress, temperature in ((0.0, 4000.0), (0.5, 2000.0), (1.0, 1000.0), (1.2, 1000.0)):
        assert slope(progress) == pytest.approx(0.25 / temperature, rel=0.01)


@pytest.mark.parametrize("temperature", [0.3, 1.0])
@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_gumbels_gradient_is_that_of_the_relaxed_objective(
    divergence: str, temperature: float, rng: torch.Generator
) -> None:
    """Two tokens, one position: T'(F(draw)) times the slope of the relaxed draw, by quadrature.

    With two tokens the draw depends on the difference of their logits and of two Gumbel variables, which
    is logistic.
    """
    difference, scores = 0.4, torch.tensor([-0.3, 0.5])
    rows, term = 400_000, divergence_named(divergence).real
    logits = torch.zeros(rows, 1, 2)
    logits[..., 1] = difference
    logits.requires_grad_()
    points = FactorisedDistribution(logits).relaxed(straight_through(temperature, rng))
    (got,) = torch.autograd.grad(term((points * scores).sum(dim=(1, 2))).mean() * rows, logits)

    uniform = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
    logistic = uniform.log() - (-uniform).log1p()
    share = ((difference + logistic) / temperature).sigmoid()
    drawn = torch.where(difference + logistic > 0, scores[1], scores[0]).requires_grad_()
    (slope,) = torch.autograd.grad(term(drawn).sum(), drawn)
    exact = (slope * (scores[1] - scores[0]) * share * (1 - share) / temperature).mean()
    error = got[:, 0, 1].std().item() / math.sqrt(rows)
    assert got[:, 0, 1].mean().item() == pytest.approx(exact.item(), abs=4 * error)
    assert error < 0.05 * abs(exact.item())


def test_straight_through_draws_are_draws(rng: torch.Generator) -> None:
    logits = torch.randn(1, 1, 5, generator=rng)
    points = straight_through(0.7, rng)(logits.expand(100_000, 1, 5))
    assert set(points.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(points.mean(dim=0), logits[0].softmax(dim=-1), rtol=0, atol=0.01)


def test_relaxed_draws_harden_as_the_temperature_falls(rng: torch.Generator) -> None:
    logits = torch.randn(2000, 5, generator=rng)
    sharpness = [gumbel_softmax(logits, t, rng).amax(dim=-1).mean().item() for t in (10.0, 1.0, 0.05)]
    assert sharpness[0] < 0.4 < sharpness[1] < 0.9 < sharpness[2]


@pytest.mark.parametrize("name", ["conv", "rnn"])
def test_relaxed_sequences_of_probabilities(name: str, rng: torch.Generator) -> None:
    net = {"conv": ConvolutionalGenerator, "rnn": RecurrentGenerator}[name](SPACE, width=8, blocks=1, noise=3)
    points = net(torch.randn(7, 3, generator=rng)).relaxed(softmax)
    assert points.shape == (7, SPACE.positions, SPACE.vocabulary)
    torch.testing.assert_close(points.sum(dim=-1), torch.ones(7, SPACE.positions))
    points.square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_recurrent_straight_through_samples_follow_the_model(rng: torch.Generator) -> None:
    """Their tokens have the frequencies of ordinary samples, and nothing but the end follows an end."""
    net = RecurrentGenerator(SPACE, width=8, blocks=1, noise=3)
    conditional = net(torch.randn(1, 3, generator=rng).expand(20_000, 3))
    tokens = conditional.relaxed(straight_through(1.0, rng)).argmax(dim=-1)
    ordinary = conditional.sample(1, rng)[0]
    assert (tokens[~counted(tokens, 0)] == 0).all()
    for position in range(SPACE.positions):
        one, other = (torch.bincount(rows[:, position], minlength=4) / 20_000 for rows in (tokens, ordinary))
        torch.testing.assert_close(one, other, rtol=0, atol=0.02)


def test_the_gradient_of_recurrent_points_goes_through_what_is_fed_back(rng: torch.Generator) -> None:
    """Against differences: what the first token's logits do to the points that follow."""
    torch.manual_seed(3)
    net = RecurrentGenerator(TokenSpace(4, 3), width=6, blocks=1, noise=3)
    noise, aim = torch.randn(5, 3, generator=rng), torch.randn(5, 4, 3, generator=rng)

    def value() -> Tensor:
        return (net(noise).relaxed(softmax) * aim).sum()

    value().backward()
    direction = torch.randn(net.logits.weight.shape, generator=rng)
    assert net.logits.weight.grad is not None
    slope = (net.logits.weight.grad * direction).sum().item()
    with torch.no_grad():
        net.logits.weight += 1e-2 * direction
        above = value().item()
        net.logits.weight -= 2e-2 * direction
        below = value().item()
    assert slope == pytest.approx((above - below) / 2e-2, rel=2e-3)
