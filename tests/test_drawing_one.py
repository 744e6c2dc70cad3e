"""One token is drawn from each row by the inverse of the distribution function."""

import pytest
import torch

from bgan_text.models.sampling import draw_each, tokens_at


def _rows(vocabulary: int, count: int = 40) -> torch.Tensor:
    rng = torch.Generator().manual_seed(vocabulary)
    rows = torch.rand(count, vocabulary, generator=rng) ** 8
    rows[:, torch.rand(vocabulary, generator=rng) < 0.4] = 0.0
    rows[:, vocabulary // 2] = 0.3
    return rows / rows.sum(dim=1, keepdim=True)


@pytest.mark.parametrize("vocabulary", [2, 3, 16, 17, 192, 256, 257, 1000, 4661])
def test_tokens_are_those_of_a_literal_search(vocabulary: int) -> None:
    rows = _rows(vocabulary)
    places = torch.rand(len(rows), 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = tokens_at(rows, places).squeeze(1)
    for row, place, token in zip(rows.double(), places, found, strict=True):
        total, below = row.sum() * place, row[:token].sum()
        assert below - 1e-6 <= total <= below + row[token] + 1e-6
        assert row[token] > 0


@pytest.mark.parametrize("place", [0.0, 1.0 - 2.0**-53, 1.0])
@pytest.mark.parametrize("vocabulary", [2, 17, 192, 4661])
def test_a_token_of_probability_zero_is_never_found(place: float, vocabulary: int) -> None:
    rows = _rows(vocabulary)
    rows[:, 0], rows[:, -1] = 0.0, 0.0
    rows[:, vocabulary // 2] = torch.rand(len(rows), generator=torch.Generator().manual_seed(2)) + 0.1
    if vocabulary == 2:
        rows[:, 0] = 1.0
    found = tokens_at(rows, torch.full((len(rows), 1), place, dtype=torch.float64))
    assert (rows.gather(1, found) > 0).all()


@pytest.mark.parametrize("vocabulary", [5, 300])
def test_frequencies_are_probabilities(vocabulary: int) -> None:
    """Chi-square of 200,000 draws, within five standard deviations of its mean."""
    logits = 2 * torch.randn(1, vocabulary, generator=torch.Generator().manual_seed(3))
    count = 200_000
    drawn = draw_each(logits.expand(count, -1), 1, torch.Generator().manual_seed(4)).squeeze(1)
    expected = count * logits.double().softmax(dim=1).squeeze(0)
    seen = torch.bincount(drawn, minlength=vocabulary).double()
    statistic = ((seen - expected) ** 2 / expected).sum().item()
    freedom = vocabulary - 1
    assert abs(statistic - freedom) < 5 * (2 * freedom) ** 0.5 + 5
