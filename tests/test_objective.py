"""Objectives against exact gradients on a space small enough to enumerate: V = 3, L = 2."""

import itertools

import pytest
import torch
from torch import Tensor

from bgan_text.generator import Factorised
from bgan_text.objective import (
    ADVERSARIAL_OBJECTIVES,
    Running,
    effective_draws,
    importance,
    importance_weights,
    partition,
    partition_weights,
    reinforce,
)

V, L = 3, 2
EVERYTHING = torch.tensor(list(itertools.product(range(V), repeat=L)))
CPU = torch.device("cpu")


def solved_score(p: Tensor, q: Tensor) -> Tensor:
    """The score at which every bound is tight."""
    return p.log() - q.log()


def probabilities(logits: Tensor) -> Tensor:
    """g(x | z) of every sequence: (N, L, V) -> (N, V ** L)."""
    tokens = EVERYTHING.unsqueeze(1).expand(-1, len(logits), -1)
    return Factorised(logits).log_prob(tokens).exp().T


def place(tokens: Tensor) -> Tensor:
    """Index of sequences in EVERYTHING: (..., L) -> (...)."""
    return tokens[..., 0] * V + tokens[..., 1]


@pytest.fixture
def logits(rng: torch.Generator) -> Tensor:
    return torch.randn(1, L, V, generator=rng, dtype=torch.float64).requires_grad_()


@pytest.fixture
def score(rng: torch.Generator) -> Tensor:
    """An arbitrary statistic F of every sequence."""
    return torch.randn(V**L, generator=rng, dtype=torch.float64)


def sampled_gradient(
    objective: str, logits: Tensor, score: Tensor, draws: int, rng: torch.Generator, running: Running
) -> Tensor:
    conditional = Factorised(logits)
    tokens = conditional.sample(draws, rng)
    coefficients = ADVERSARIAL_OBJECTIVES[objective](score[place(tokens)], running)
    loss = -conditional.weighted_log_prob(tokens, coefficients)
    return torch.autograd.grad(loss, logits)[0]


def exact_running(logits: Tensor, score: Tensor) -> Running:
    running = Running.fresh(CPU)
    g = probabilities(logits.detach())[0]
    running.log_partition, running.reward = (g * score.exp()).sum().log(), (g * score).sum()
    return running


def test_importance_gradient_is_that_of_the_exact_divergence(
    logits: Tensor, score: Tensor, rng: torch.Generator
) -> None:
    """KL(p~ || g) with p~ proportional to g exp F, as the number of draws grows."""
    tilted = (probabilities(logits.detach())[0] * score.exp()).detach()
    tilted = tilted / tilted.sum()
    kl = (tilted * (tilted.log() - probabilities(logits)[0].log())).sum()
    (exact,) = torch.autograd.grad(kl, logits)
    got = sampled_gradient("importance", logits, score, 400_000, rng, Running.fresh(CPU))
    torch.testing.assert_close(got, exact, rtol=0, atol=0.006)
    assert exact.abs().max() > 0.05


def test_partition_gradient_is_the_same_with_the_exact_partition(
    logits: Tensor, score: Tensor, rng: torch.Generator
) -> None:
    tilted = probabilities(logits.detach())[0] * score.exp()
    tilted = tilted / tilted.sum()
    (exact,) = torch.autograd.grad(-(tilted * probabilities(logits)[0].log()).sum(), logits)
    running = exact_running(logits, score)
    total = sum(sampled_gradient("partition", logits, score, 20, rng, running) for _ in range(8000))
    torch.testing.assert_close(total / 8000, exact, rtol=0, atol=0.01)


@pytest.mark.parametrize("baseline", [-1.5, 0.0, 2.0])
def test_reinforce_gradient_is_that_of_the_reverse_divergence(
    logits: Tensor, score: Tensor, rng: torch.Generator, baseline: float
) -> None:
    """KL(g || p~) with p~ proportional to g exp F held fixed, whatever the baseline."""
    g = probabilities(logits)[0]
    tilted = (g * score.exp()).detach()
    (exact,) = torch.autograd.grad((g * (g.log() - (tilted / tilted.sum()).log())).sum(), logits)
    running = Running.fresh(CPU)
    running.reward = torch.tensor(baseline)
    total = sum(sampled_gradient("reinforce", logits, score, 50, rng, running) for _ in range(8000))
    torch.testing.assert_close(total / 8000, exact, rtol=0, atol=0.01)


@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
def test_histogram_form_equals_the_sum_over_draws(objective: str, rng: torch.Generator) -> None:
    """SPEC of the factorised loss: one soft cross-entropy in place of M log-probabilities."""
    logits = torch.randn(7, 4, 6, generator=rng, dtype=torch.float64).requires_grad_()
    conditional = Factorised(logits)
    tokens = conditional.sample(9, rng)
    coefficients = ADVERSARIAL_OBJECTIVES[objective](
        torch.randn(9, 7, generator=rng, dtype=torch.float64), Running.fresh(CPU)
    )
    literal = sum(
        coefficients[m, n] * logits[n, k].log_softmax(-1)[tokens[m, n, k]]
        for m, n, k in itertools.product(range(9), range(7), range(4))
    ) / len(logits)
    folded = conditional.weighted_log_prob(tokens, coefficients)
    torch.testing.assert_close(folded, literal)
    (one,), (two,) = (torch.autograd.grad(value, logits, retain_graph=True) for value in (folded, literal))
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
def test_the_solved_discriminator_drives_the_generator_to_the_data(
    objective: str, rng: torch.Generator
) -> None:
    """F = log p/q solved exactly at each step; q is a mixture over 8 noise values."""
    p = torch.rand(V**L, generator=rng, dtype=torch.float64) + 0.1
    p = p / p.sum()
    logits = torch.randn(8, L, V, generator=rng, dtype=torch.float64).requires_grad_()
    optimizer, running = torch.optim.Adam([logits], 0.05), Running.fresh(CPU)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, 1500)

    def distance() -> float:
        return ((probabilities(logits.detach()).mean(0) - p).abs().sum() / 2).item()

    start = distance()
    for _ in range(1500):
        conditional = Factorised(logits)
        tokens = conditional.sample(40, rng)
        scores = solved_score(p, probabilities(logits.detach()).mean(0))[place(tokens)]
        running.update(scores)
        coefficients = ADVERSARIAL_OBJECTIVES[objective](scores, running)
        optimizer.zero_grad()
        (-conditional.weighted_log_prob(tokens, coefficients)).backward()
        optimizer.step()
        schedule.step()
    assert start > 0.1
    assert distance() < 0.01


def test_importance_weights_are_the_literal_softmax(rng: torch.Generator) -> None:
    scores = torch.randn(5, 3, generator=rng)
    weights = importance_weights(scores)
    for n in range(3):
        total = sum(scores[m, n].exp() for m in range(5))
        for m in range(5):
            torch.testing.assert_close(weights[m, n], scores[m, n].exp() / total)
    torch.testing.assert_close(importance(scores + 100.0, Running.fresh(CPU)), weights)


def test_importance_weights_recover_the_density_ratio(rng: torch.Generator) -> None:
    """M w~ -> p/q as M grows, if F = log p/q and the draws come from q."""
    p, q = (torch.rand(2, 6, generator=rng, dtype=torch.float64) + 0.1).unbind()
    p, q = p / p.sum(), q / q.sum()
    drawn = torch.multinomial(q, 200_000, replacement=True, generator=rng)
    weights = 200_000 * importance_weights(solved_score(p, q)[drawn].unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(weights, (p / q)[drawn], rtol=0.01, atol=0)


def test_effective_draws_reach_from_one_to_all() -> None:
    weights = torch.tensor([[0.25, 1.0], [0.25, 0.0], [0.25, 0.0], [0.25, 0.0]])
    torch.testing.assert_close(effective_draws(weights), torch.tensor([4.0, 1.0]))


def test_running_means_start_at_the_first_batch_and_follow(rng: torch.Generator) -> None:
    running, first, second = Running.fresh(CPU), *torch.randn(2, 4, 3, generator=rng).unbind()
    running.update(first)
    torch.testing.assert_close(running.reward, first.mean())
    torch.testing.assert_close(running.log_partition, first.exp().mean().log())
    running.update(second)
    torch.testing.assert_close(running.reward, 0.9 * first.mean() + 0.1 * second.mean())
    expected = (0.9 * first.exp().mean() + 0.1 * second.exp().mean()).log()
    torch.testing.assert_close(running.log_partition, expected)


def test_partition_and_reinforce_coefficients(rng: torch.Generator) -> None:
    scores, running = torch.randn(4, 3, generator=rng), Running.fresh(CPU)
    running.log_partition, running.reward = torch.tensor(0.3), torch.tensor(-0.2)
    torch.testing.assert_close(partition_weights(scores, running), scores.exp() / torch.tensor(0.3).exp())
    torch.testing.assert_close(partition(scores, running), (scores - 0.3).exp() / 4)
    torch.testing.assert_close(reinforce(scores, running), (scores + 0.2) / 4)
