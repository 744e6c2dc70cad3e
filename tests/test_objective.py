"""Objectives against exact gradients on a space small enough to enumerate: V = 3, L = 2."""

import itertools

import pytest
import torch
from torch import Tensor

from bgan_text.models.distributions import AutoregressiveDistribution, FactorisedDistribution
from bgan_text.models.generators import RecurrentGenerator
from bgan_text.objectives.weights import (
    WEIGHING_RULES,
    RunningStatistics,
    coefficients,
    continuation,
    effective_sample_size,
    importance,
    importance_weights,
    partition,
    partition_weights,
    reinforce,
)
from bgan_text.space import TokenSpace
from bgan_text.training_options import BASELINES

V, L = 3, 2
EVERYTHING = torch.tensor(list(itertools.product(range(V), repeat=L)))
CPU = torch.device("cpu")


def solved_score(p: Tensor, q: Tensor) -> Tensor:
    """The score at which every bound is tight."""
    return p.log() - q.log()


def probabilities(logits: Tensor) -> Tensor:
    """g(x | z) of every sequence: (N, L, V) -> (N, V ** L)."""
    tokens = EVERYTHING.unsqueeze(1).expand(-1, len(logits), -1)
    return FactorisedDistribution(logits).log_prob(tokens).exp().T


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
    objective: str,
    logits: Tensor,
    score: Tensor,
    draws: int,
    rng: torch.Generator,
    running: RunningStatistics,
    baseline: str = "none",
) -> Tensor:
    conditional = FactorisedDistribution(logits)
    tokens = conditional.sample(draws, rng)
    chosen = coefficients(objective, baseline, score[place(tokens)], running)
    loss = -conditional.weighted_log_prob(tokens, chosen)
    return torch.autograd.grad(loss, logits)[0]


def exact_running(logits: Tensor, score: Tensor) -> RunningStatistics:
    running = RunningStatistics.fresh(CPU)
    g = probabilities(logits.detach())[0]
    running.log_partition, running.reward = (g * score.exp()).sum().log(), (g * score).sum()
    return running


@pytest.mark.parametrize("baseline", BASELINES)
def test_importance_gradient_is_that_of_the_exact_divergence(
    logits: Tensor, score: Tensor, rng: torch.Generator, baseline: str
) -> None:
    """KL(p~ || g) with p~ proportional to g exp F, as the number of draws grows."""
    tilted = (probabilities(logits.detach())[0] * score.exp()).detach()
    tilted = tilted / tilted.sum()
    kl = (tilted * (tilted.log() - probabilities(logits)[0].log())).sum()
    (exact,) = torch.autograd.grad(kl, logits)
    got = sampled_gradient("importance", logits, score, 400_000, rng, RunningStatistics.fresh(CPU), baseline)
    torch.testing.assert_close(got, exact, rtol=0, atol=0.006)
    assert exact.abs().max() > 0.05


@pytest.mark.parametrize("baseline", BASELINES)
def test_partition_gradient_is_the_same_with_the_exact_partition(
    logits: Tensor, score: Tensor, rng: torch.Generator, baseline: str
) -> None:
    tilted = probabilities(logits.detach())[0] * score.exp()
    tilted = tilted / tilted.sum()
    (exact,) = torch.autograd.grad(-(tilted * probabilities(logits)[0].log()).sum(), logits)
    running = exact_running(logits, score)
    total = sum(sampled_gradient("partition", logits, score, 20, rng, running, baseline) for _ in range(8000))
    torch.testing.assert_close(total / 8000, exact, rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("baseline", "reward"), [("none", 0.0), ("mean", -1.5), ("mean", 2.0), ("leave-one-out", 0.0)]
)
def test_reinforce_gradient_is_that_of_the_reverse_divergence(
    logits: Tensor, score: Tensor, rng: torch.Generator, baseline: str, reward: float
) -> None:
    """KL(g || p~) with p~ proportional to g exp F held fixed, whatever the baseline."""
    g = probabilities(logits)[0]
    tilted = (g * score.exp()).detach()
    (exact,) = torch.autograd.grad((g * (g.log() - (tilted / tilted.sum()).log())).sum(), logits)
    running = RunningStatistics.fresh(CPU)
    running.reward = torch.tensor(reward)
    total = sum(sampled_gradient("reinforce", logits, score, 50, rng, running, baseline) for _ in range(8000))
    torch.testing.assert_close(total / 8000, exact, rtol=0, atol=0.01)


@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
def test_histogram_form_equals_the_sum_over_draws(objective: str, rng: torch.Generator) -> None:
    """SPEC of the factorised loss: one soft cross-entropy in place of M log-probabilities."""
    logits = torch.randn(7, 4, 6, generator=rng, dtype=torch.float64).requires_grad_()
    conditional = FactorisedDistribution(logits)
    tokens = conditional.sample(9, rng)
    scores = torch.randn(9, 7, generator=rng, dtype=torch.float64)
    chosen = coefficients(objective, "leave-one-out", scores, RunningStatistics.fresh(CPU))
    literal = sum(
        chosen[m, n] * logits[n, k].log_softmax(-1)[tokens[m, n, k]]
        for m, n, k in itertools.product(range(9), range(7), range(4))
    ) / len(logits)
    folded = conditional.weighted_log_prob(tokens, chosen)
    torch.testing.assert_close(folded, literal)
    (one,), (two,) = (torch.autograd.grad(value, logits, retain_graph=True) for value in (folded, literal))
    torch.testing.assert_close(one, two)


def test_importance_weights_are_the_literal_softmax(rng: torch.Generator) -> None:
    scores = torch.randn(5, 3, generator=rng)
    weights = importance_weights(scores)
    for n in range(3):
        total = sum(scores[m, n].exp() for m in range(5))
        for m in range(5):
            torch.testing.assert_close(weights[m, n], scores[m, n].exp() / total)
    torch.testing.assert_close(importance(scores + 100.0, RunningStatistics.fresh(CPU)), weights)


def test_importance_weights_recover_the_density_ratio(rng: torch.Generator) -> None:
    """M w~ -> p/q as M grows, if F = log p/q and the draws come from q."""
    p, q = (torch.rand(2, 6, generator=rng, dtype=torch.float64) + 0.1).unbind()
    p, q = p / p.sum(), q / q.sum()
    drawn = torch.multinomial(q, 200_000, replacement=True, generator=rng)
    weights = 200_000 * importance_weights(solved_score(p, q)[drawn].unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(weights, (p / q)[drawn], rtol=0.01, atol=0)


def test_effective_draws_reach_from_one_to_all() -> None:
    weights = torch.tensor([[0.25, 1.0], [0.25, 0.0], [0.25, 0.0], [0.25, 0.0]])
    torch.testing.assert_close(effective_sample_size(weights), torch.tensor([4.0, 1.0]))


def test_running_means_start_at_the_first_batch_and_follow(rng: torch.Generator) -> None:
    running, first, second = RunningStatistics.fresh(CPU), *torch.randn(2, 4, 3, generator=rng).unbind()
    running.update(first)
    torch.testing.assert_close(running.reward, first.mean())
    torch.testing.assert_close(running.log_partition, first.exp().mean().log())
    running.update(second)
    torch.testing.assert_close(running.reward, 0.9 * first.mean() + 0.1 * second.mean())
    expected = (0.9 * first.exp().mean() + 0.1 * second.exp().mean()).log()
    torch.testing.assert_close(running.log_partition, expected)


def test_partition_and_reinforce_coefficients(rng: torch.Generator) -> None:
    scores, running = torch.randn(4, 3, generator=rng), RunningStatistics.fresh(CPU)
    running.log_partition, running.reward = torch.tensor(0.3), torch.tensor(-0.2)
    torch.testing.assert_close(partition_weights(scores, running), scores.exp() / torch.tensor(0.3).exp())
    torch.testing.assert_close(partition(scores, running), (scores - 0.3).exp() / 4)
    torch.testing.assert_close(reinforce(scores, running), scores / 4)


def test_baselines(rng: torch.Generator) -> None:
    scores, running = torch.randn(4, 3, generator=rng), RunningStatistics.fresh(CPU)
    running.reward = torch.tensor(-0.2)
    for objective, mean in (("importance", 1.0), ("partition", 1.0), ("reinforce", -0.2)):
        plain = coefficients(objective, "none", scores, running)
        torch.testing.assert_close(plain, WEIGHING_RULES[objective](scores, running))
        torch.testing.assert_close(coefficients(objective, "mean", scores, running), plain - mean / 4)
        others = torch.stack([(plain.sum(0) - plain[m]) / 3 for m in range(4)])
        torch.testing.assert_close(coefficients(objective, "leave-one-out", scores, running), plain - others)


@pytest.fixture
def recurrent(rng: torch.Generator) -> AutoregressiveDistribution:
    """g over three letters and three positions, of which the first letter is the end; one noise vector."""
    torch.manual_seed(5)
    net = RecurrentGenerator(TokenSpace(3, 3, end=0), width=6, blocks=1, noise=2).double()
    return net(torch.randn(1, 2, generator=rng, dtype=torch.float64))


def ended_sequences() -> Tensor:
    """All that the recurrent generator can draw: (15, 1, 3)."""
    rows = {
        row[: row.index(0)] + (0,) * (3 - row.index(0)) if 0 in row else row
        for row in itertools.product(range(3), repeat=3)
    }
    return torch.tensor(sorted(rows)).unsqueeze(1)


def prefix_scores_of(tokens: Tensor, g: Tensor, score: Tensor) -> Tensor:
    """F_t = log of the mean of exp F over what may follow the first t tokens: (K, 1, L)."""
    found = torch.zeros(tokens.shape, dtype=torch.float64)
    for k, row in enumerate(tokens[:, 0]):
        for t in range(tokens.shape[-1]):
            alike = (tokens[:, 0, : t + 1] == row[: t + 1]).all(dim=1)
            found[k, 0, t] = ((g * score.exp())[alike].sum() / g[alike].sum()).log()
    return found


@pytest.mark.parametrize("objective", ["partition", "reinforce"])
def test_prefix_credit_has_the_expected_gradient_of_whole_sequences(
    objective: str, recurrent: AutoregressiveDistribution, rng: torch.Generator
) -> None:
    """By enumeration: each sequence stands for its share g of the draws."""
    tokens = ended_sequences()
    g = recurrent.log_prob(tokens).exp()[:, 0].detach()
    torch.testing.assert_close(g.sum().item(), 1.0)
    score = torch.randn(len(tokens), generator=rng, dtype=torch.float64)
    prefixes = prefix_scores_of(tokens, g, score)
    running = RunningStatistics.fresh(CPU)
    running.log_partition, running.reward = (g * score.exp()).sum().log(), torch.tensor(0.3)
    share = len(tokens) * g.unsqueeze(1)
    whole = coefficients(objective, "mean", score.unsqueeze(1), running) * share
    seen = continuation(prefixes) if objective == "reinforce" else prefixes
    each = coefficients(objective, "mean", seen, running) * share.unsqueeze(2)
    parameters = list(recurrent.net.parameters())
    one, other = (
        torch.autograd.grad(recurrent.weighted_log_prob(tokens, c), parameters, materialize_grads=True)
        for c in (whole, each)
    )
    for expected, got in zip(one, other, strict=True):
        torch.testing.assert_close(got, expected)
    assert max(gradient.abs().max() for gradient in one) > 0.01


def test_importance_with_prefix_credit_tends_to_the_same_gradient(
    recurrent: AutoregressiveDistribution, rng: torch.Generator
) -> None:
    tokens = ended_sequences()
    g = recurrent.log_prob(tokens).exp()[:, 0].detach()
    score = 0.5 * torch.randn(len(tokens), generator=rng, dtype=torch.float64)
    prefixes = prefix_scores_of(tokens, g, score)
    exact_weights = (g * score.exp() / (g * score.exp()).sum()).unsqueeze(1)
    parameters = list(recurrent.net.parameters())
    exact = torch.autograd.grad(recurrent.weighted_log_prob(tokens, exact_weights), parameters)
    drawn = torch.multinomial(g, 200_000, replacement=True, generator=rng)
    chosen = importance(prefixes[drawn], RunningStatistics.fresh(CPU))
    weights = torch.zeros(tokens.shape, dtype=torch.float64).index_add_(0, drawn, chosen)
    got = torch.autograd.grad(recurrent.weighted_log_prob(tokens, weights), parameters)
    for one, other in zip(got, exact, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0.005)
    assert max(gradient.abs().max() for gradient in exact) > 0.1


def test_continuations_are_the_scores_of_what_follows(rng: torch.Generator) -> None:
    terms = torch.randn(2, 3, 4, generator=rng)
    literal = torch.stack([terms[..., t:].sum(dim=-1) for t in range(4)], dim=-1)
    torch.testing.assert_close(continuation(terms.cumsum(dim=-1)), literal)


def test_running_means_of_prefixes_are_kept_apart(rng: torch.Generator) -> None:
    scores, running = torch.randn(4, 3, 5, generator=rng), RunningStatistics.fresh(CPU, (5,))
    running.update(scores)
    for position in range(5):
        alone = RunningStatistics.fresh(CPU)
        alone.update(scores[..., position])
        torch.testing.assert_close(running.reward[position], alone.reward)
        torch.testing.assert_close(running.log_partition[position], alone.log_partition)


def test_constant_credits_every_draw_alike_and_so_teaches_nothing(
    logits: Tensor, score: Tensor, rng: torch.Generator
) -> None:
    got = sampled_gradient("constant", logits, score, 400_000, rng, RunningStatistics.fresh(CPU))
    torch.testing.assert_close(got, torch.zeros_like(got), rtol=0, atol=0.006)
