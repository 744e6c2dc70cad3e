"""Each declared divergence against its textbook f, of which the code knows nothing."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bgan_text.errors import UserError
from bgan_text.objectives.divergences import DIVERGENCES, divergence_named
from bgan_text.presets import DIVERGENCES as CONFIGURED

TEXTBOOK: dict[str, Callable[[Tensor], Tensor]] = {
    "gan": lambda u: u * u.log() - (u + 1) * (u + 1).log(),
    "js": lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(),
    "kl": lambda u: u * u.log(),
    "reverse-kl": lambda u: -u.log(),
    "pearson": lambda u: (u - 1) ** 2,
    "hellinger": lambda u: (u.sqrt() - 1) ** 2,
    "jeffreys": lambda u: (u - 1) * u.log(),
    "alpha": lambda u: -4 * (u.sqrt() - 1) + 2 * (u - 1),
}
NAMES = sorted(TEXTBOOK)


def solved_score(p: Tensor, q: Tensor) -> Tensor:
    """The score at which every bound is tight."""
    return p.log() - q.log()


def derivative(f: Callable[[Tensor], Tensor], u: Tensor) -> Tensor:
    u = u.clone().requires_grad_()
    return torch.autograd.grad(f(u).sum(), u)[0]


def finite_distributions(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    p, q = (torch.rand(2, 12, generator=rng, dtype=torch.float64) + 0.05).unbind()
    return p / p.sum(), q / q.sum()


def expected_bound(name: str, score: Tensor, p: Tensor, q: Tensor) -> Tensor:
    divergence = DIVERGENCES[name]
    return (p * divergence.real(score)).sum() - (q * divergence.fake(score)).sum()


def test_every_divergence_is_declared_configured_and_tested() -> None:
    assert sorted(DIVERGENCES) == NAMES == sorted(CONFIGURED)


@pytest.mark.parametrize("name", NAMES)
def test_f_is_zero_at_one(name: str) -> None:
    value = TEXTBOOK[name](torch.tensor(1.0, dtype=torch.float64)).item()
    assert value == pytest.approx(-math.log(4) if name == "gan" else 0.0, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_closed_forms_follow_from_f(name: str) -> None:
    score = torch.linspace(-6, 6, 49, dtype=torch.float64)
    ratio, f = score.exp(), TEXTBOOK[name]
    slope = derivative(f, ratio)
    torch.testing.assert_close(DIVERGENCES[name].real(score), slope, rtol=1e-10, atol=1e-10)
    conjugate = ratio * slope - f(ratio)
    torch.testing.assert_close(DIVERGENCES[name].fake(score), conjugate, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_bound_is_the_divergence_at_the_log_ratio_and_flat_there(name: str, rng: torch.Generator) -> None:
    p, q = finite_distributions(rng)
    score = solved_score(p, q).requires_grad_()
    bound = expected_bound(name, score, p, q)
    exact = (q * TEXTBOOK[name](p / q)).sum()
    torch.testing.assert_close(bound, exact, rtol=1e-12, atol=1e-12)
    (gradient,) = torch.autograd.grad(bound, score)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_every_other_score_gives_a_smaller_bound(name: str, rng: torch.Generator) -> None:
    p, q = finite_distributions(rng)
    best = expected_bound(name, solved_score(p, q), p, q)
    for _ in range(50):
        other = solved_score(p, q) + torch.randn(12, generator=rng, dtype=torch.float64)
        assert expected_bound(name, other, p, q) < best


@pytest.mark.parametrize("name", NAMES)
def test_weight_is_the_slope_of_the_conjugate(name: str) -> None:
    """w = df*/dT = (d fake / dF) / (d real / dF) = exp F."""
    score = torch.linspace(-5, 5, 41, dtype=torch.float64)
    rise, run = derivative(DIVERGENCES[name].fake, score), derivative(DIVERGENCES[name].real, score)
    torch.testing.assert_close(rise / run, score.exp(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_bound_of_samples_is_the_difference_of_means(name: str, rng: torch.Generator) -> None:
    real, fake = torch.randn(5, generator=rng), torch.randn(9, generator=rng)
    divergence = DIVERGENCES[name]
    literal = sum(divergence.real(x).item() for x in real) / 5
    literal -= sum(divergence.fake(x).item() for x in fake) / 9
    assert divergence.bound(real, fake).item() == pytest.approx(literal, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [29.0, 45.0, 100.0, 1e4, 1e8, 1e20])
@pytest.mark.parametrize("sign", [-1, 1])
def test_huge_scores_give_finite_loss_and_gradient(name: str, size: float, sign: int) -> None:
    score = torch.full((64,), sign * size, requires_grad=True)
    loss = -DIVERGENCES[name].bound(score, score)
    (gradient,) = torch.autograd.grad(loss, score)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", ["kl", "pearson", "jeffreys"])
def test_a_runaway_score_is_still_pulled_back(name: str) -> None:
    score = torch.tensor(60.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(-DIVERGENCES[name].bound(score * 0, score), score)
    assert gradient > 0


def test_unknown_name_lists_the_near_ones() -> None:
    with pytest.raises(UserError, match="did you mean 'pearson'"):
        divergence_named("person")
