import itertools

import pytest
import torch

from bgan_text.models import sampling
from bgan_text.models.sampling import chunked_log_prob, counted, draw, log_prob, weighted_histogram

M, N, L, V = 6, 4, 3, 5


@pytest.fixture
def logits(rng: torch.Generator) -> torch.Tensor:
    return torch.randn(N, L, V, generator=rng, dtype=torch.float64)


def test_probabilities_of_all_sequences_sum_to_one(logits: torch.Tensor) -> None:
    everything = torch.tensor(list(itertools.product(range(V), repeat=L)))
    tokens = everything.unsqueeze(1).expand(-1, N, -1)
    total = log_prob(logits, tokens).exp().sum(dim=0)
    torch.testing.assert_close(total, torch.ones_like(total))


def test_log_prob_is_the_literal_sum(logits: torch.Tensor, rng: torch.Generator) -> None:
    tokens = torch.randint(V, (M, N, L), generator=rng)
    got = log_prob(logits, tokens)
    for m, n in itertools.product(range(M), range(N)):
        literal = sum(logits[n, k].softmax(0)[tokens[m, n, k]].log() for k in range(L))
        torch.testing.assert_close(got[m, n], literal)


def test_frequencies_follow_the_logits(logits: torch.Tensor, rng: torch.Generator) -> None:
    tokens = draw(logits, 40_000, rng)
    assert tokens.shape == (40_000, N, L)
    for token in range(V):
        share = (tokens == token).double().mean(dim=0)
        torch.testing.assert_close(share, logits.softmax(-1)[..., token], rtol=0, atol=0.012)


def test_draws_of_one_position_tell_nothing_of_another(logits: torch.Tensor, rng: torch.Generator) -> None:
    tokens = draw(logits, 40_000, rng)
    first, second = (tokens[:, 0, 0] == 1).double(), (tokens[:, 0, 1] == 2).double()
    assert abs((first * second).mean() - first.mean() * second.mean()) < 0.01


def test_same_stream_same_draws(logits: torch.Tensor) -> None:
    one, two = (draw(logits, M, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)


def test_one_draw_follows_the_logits(logits: torch.Tensor, rng: torch.Generator) -> None:
    tokens = torch.stack([draw(logits, 1, rng)[0] for _ in range(20_000)])
    for token in range(V):
        share = (tokens == token).double().mean(dim=0)
        torch.testing.assert_close(share, logits.softmax(-1)[..., token], rtol=0, atol=0.015)


@pytest.mark.parametrize("draws", [1, 50])
def test_temperature_divides_the_logits_down_to_none(
    draws: int, logits: torch.Tensor, rng: torch.Generator
) -> None:
    cold = draw(logits, draws, rng, temperature=1e-300)
    assert (cold == logits.argmax(-1)).all()
    one, other = (torch.Generator().manual_seed(1) for _ in range(2))
    assert torch.equal(draw(logits, draws, one, 0.5), draw(2 * logits, draws, other))


def test_weighted_histogram_is_the_literal_one(rng: torch.Generator) -> None:
    tokens = torch.randint(V, (M, N, L), generator=rng)
    coefficients = torch.randn(M, N, generator=rng)
    literal = torch.zeros(N, L, V)
    for m, n, k in itertools.product(range(M), range(N), range(L)):
        literal[n, k, tokens[m, n, k]] += coefficients[m, n]
    torch.testing.assert_close(weighted_histogram(coefficients, tokens, V), literal)


def test_counted_stops_after_the_first_end() -> None:
    tokens = torch.tensor([[3, 0, 0, 2], [0, 1, 1, 1], [1, 2, 3, 4]])
    expected = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]]).bool()
    assert torch.equal(counted(tokens, 0), expected)
    assert counted(tokens, None).all()


def test_chunks_change_neither_value_nor_gradient(
    rng: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = torch.randn(23, 8, generator=rng, requires_grad=True)
    weight = torch.randn(V, 8, generator=rng, requires_grad=True)
    bias = torch.randn(V, generator=rng, requires_grad=True)
    tokens = torch.randint(V, (23,), generator=rng)
    whole = chunked_log_prob(hidden, weight, bias, tokens)
    expected = torch.autograd.grad(whole.square().sum(), (hidden, weight, bias))
    monkeypatch.setattr(sampling, "CHUNK_ELEMENTS", 4 * V)
    parts = chunked_log_prob(hidden, weight, bias, tokens)
    torch.testing.assert_close(parts, whole)
    for got, want in zip(
        torch.autograd.grad(parts.square().sum(), (hidden, weight, bias)), expected, strict=True
    ):
        torch.testing.assert_close(got, want)
