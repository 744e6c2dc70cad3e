"""The log-likelihood of held-out text under the generator of a run."""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.evaluation import evaluate
from bgan_text.evaluation.held_out import held_out_bound
from bgan_text.models.generators import RecurrentGenerator
from bgan_text.models.token_discriminator import RecurrentBody, TokenDiscriminator
from bgan_text.space import TokenSpace

Command = Callable[..., Any]
CPU = torch.device("cpu")


def small_generator() -> RecurrentGenerator:
    torch.manual_seed(3)
    generator = RecurrentGenerator(TokenSpace(3, 3, 0), width=4, blocks=1, noise=2)
    with torch.no_grad():
        generator.logits.weight.mul_(8.0)
    return generator.eval()


def literal_log_prob(generator: RecurrentGenerator, row: list[int], noise: torch.Tensor) -> float:
    """log g(x | z), one token after the other."""
    state, total, token = generator.initial(noise), 0.0, generator.start
    for following in row:
        hidden, state = generator.step(torch.tensor([[token]]), noise, state)
        total += float(generator.logits(hidden[0, 0]).log_softmax(-1)[following])
        if following == generator.space.end:
            break
        token = following
    return total


def test_the_bound_is_the_log_mean_of_the_likelihoods_of_each_noise() -> None:
    generator, rows = small_generator(), torch.tensor([[1, 2, 1], [2, 0, 0], [0, 0, 0]])
    found = held_out_bound(generator, rows, seed=5, device=CPU)
    rng = torch.Generator().manual_seed(5)
    noises = [torch.randn(3, 2, generator=rng) for _ in range(4)]
    for place, row in enumerate(rows.tolist()):
        with torch.no_grad():
            each = [literal_log_prob(generator, row, noise[place : place + 1]) for noise in noises]
        expected = math.log(sum(math.exp(value) for value in each) / 4)
        assert float(found[place]) == pytest.approx(expected, abs=1e-5)


def test_the_likelihoods_of_all_sequences_sum_to_one_where_noise_changes_nothing() -> None:
    generator = small_generator()
    with torch.no_grad():
        generator.from_noise.weight.zero_()
        generator.state_from_noise.weight.zero_()
    rows = torch.tensor([row for row in product(range(3), repeat=3) if all(b == 0 for b in after_end(row))])
    assert float(held_out_bound(generator, rows, 0, CPU).exp().sum()) == pytest.approx(1.0, abs=1e-5)


def after_end(row: tuple[int, ...]) -> tuple[int, ...]:
    return row[row.index(0) :] if 0 in row else ()


def test_more_noise_vectors_than_are_drawn_bound_it_from_above() -> None:
    """In expectation the bound is below log p(x), here estimated from many noise vectors."""
    generator, row = small_generator(), torch.tensor([[1, 2, 1]])
    noise = torch.randn(20_000, 2, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        log_probs = generator(noise).log_prob(row.expand(20_000, -1)[None])[0]
    exact = float(log_probs.logsumexp(0)) - math.log(20_000)
    bounds = held_out_bound(generator, row.expand(4_000, -1), 0, CPU)
    assert float(log_probs.mean()) < float(bounds.mean()) < exact


def test_with_a_discriminator_it_is_the_likelihood_of_the_corrected_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator, rows = small_generator(), torch.tensor([[1, 2, 1], [2, 0, 0], [0, 0, 0]])
    discriminator = TokenDiscriminator(generator.space, RecurrentBody(4, blocks=1), width=4).eval()
    with torch.no_grad():
        discriminator.scores.weight.normal_(generator=torch.Generator().manual_seed(2))
    found = held_out_bound(generator, rows, 5, CPU, discriminator)
    sizes: list[int] = []
    hook = discriminator.register_forward_hook(lambda net, given, scores: sizes.append(scores.numel()))
    monkeypatch.setattr("bgan_text.training.token_credit.MOST_LOGITS", 3 * 3)
    torch.testing.assert_close(held_out_bound(generator, rows, 5, CPU, discriminator), found)
    assert max(sizes) <= 3 * 3  # one text at a time
    hook.remove()
    rng = torch.Generator().manual_seed(5)
    noises = [torch.randn(3, 2, generator=rng) for _ in range(4)]
    for place, row in enumerate(rows.tolist()):
        each = [
            literal_corrected(generator, discriminator, row, noise[place : place + 1]) for noise in noises
        ]
        expected = math.log(sum(math.exp(value) for value in each) / 4)
        assert float(found[place]) == pytest.approx(expected, abs=1e-5)


@torch.no_grad()
def literal_corrected(
    generator: RecurrentGenerator, discriminator: TokenDiscriminator, row: list[int], noise: torch.Tensor
) -> float:
    """The log-probability under g exp F, normalised at each position, one token after the other."""
    state, total, token = generator.initial(noise), 0.0, generator.start
    memory = None
    for following in row:
        hidden, state = generator.step(torch.tensor([[token]]), noise, state)
        scores, memory = discriminator.step(torch.tensor([token]), memory)
        weights = generator.logits(hidden[0, 0]).softmax(-1) * scores[0].exp()
        total += math.log(float(weights[following] / weights.sum()))
        if following == generator.space.end:
            break
        token = following
    return total


def test_score_says_it_for_runs_that_give_probabilities(bgan: Command) -> None:
    bgan("prepare", "--limit", 300)
    train = ("train", "--steps", 2, "--width", 8)
    bgan(*train, "--run", "rnn", "--objective", "mle")
    bgan(*train, "--run", "conv", "--preset", "bgan")
    bgan("sample", "rnn", "--n", 50, "--out", "rnn.txt")
    report = evaluate(["rnn", "conv", "rnn.txt"], data="data/grammar", count=50, resamples=0)
    found = [column.cells.get("held-out-likelihood") for column in report.columns]
    assert [cell is not None for cell in found] == [True, False, False, False]
    data = DatasetDirectory("data/grammar")
    assert found[0] is not None
    # A net after two steps is close to uniform over its tokens.
    assert found[0].value == pytest.approx(-math.log(data.space.vocabulary), abs=0.3)


def test_it_is_of_what_is_sampled(bgan: Command) -> None:
    bgan("prepare", "--limit", 300)
    bgan("train", "--steps", 30, "--width", 8, "--discriminator-lr", 0.05, "--run", "run")

    def value(**options: Any) -> float | None:
        report = evaluate("run", data="data/grammar", count=20, resamples=0, **options)
        cell = report.columns[0].cells.get("held-out-likelihood")
        return None if cell is None else cell.value

    plain, corrected = value(), value(correct="prefixes")
    assert plain is not None
    assert corrected is not None
    assert corrected > plain + 0.01  # the discriminator runs ahead of the generator
    assert value(candidates=2) is None
    assert value(temperature=0.9) is None


def test_other_data_than_the_run_knows_gives_none(bgan: Command) -> None:
    bgan("prepare", "--limit", 300)
    bgan("train", "--steps", 1, "--width", 8, "--run", "rnn", "--objective", "mle")
    bgan("prepare", "--limit", 300, "--tokenizer", "char", "--length", 80, "--out", "data/characters")
    report = evaluate("rnn", data="data/characters", count=50, resamples=0)
    assert "held-out-likelihood" not in report.columns[0].cells
