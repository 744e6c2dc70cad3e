import itertools
import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bgan_text.corpora.grammar import sentences
from bgan_text.errors import UserError
from bgan_text.scores import language_model_fit
from bgan_text.scores.language_model import LanguageModel, token_count
from bgan_text.scores.language_model_fit import LanguageModelSettings, fit_language_model
from bgan_text.scores.likelihood import log_likelihood
from bgan_text.scores.score import Score
from bgan_text.scores.vocabulary import Vocabulary
from bgan_text.space import TokenSpace

SPACE = TokenSpace(positions=3, vocabulary=4, end=3)
SMALL = LanguageModelSettings(width=16, batch=64, rate=0.01, weight_decay=0.001, steps=400)
SHORT = LanguageModelSettings(width=8, steps=4, interval=2)


def everything(space: TokenSpace) -> Tensor:
    """All rows of a space, each sequence once: after an end there are only ends."""
    rows = itertools.product(range(space.vocabulary), repeat=space.positions)
    kept = [
        row
        for row in rows
        if space.end not in row or all(token == space.end for token in row[row.index(space.end) :])
    ]
    return torch.tensor(kept)


def source(row: list[int]) -> float:
    """The probability of a row of `SPACE` under a Markov chain that was made up."""
    chain = {
        None: (0.5, 0.3, 0.1, 0.1),
        0: (0.1, 0.6, 0.1, 0.2),
        1: (0.2, 0.0, 0.3, 0.5),
        2: (0.9, 0.1, 0, 0),
    }
    probability, before = 1.0, None
    for token in row:
        probability *= chain[before][token]
        if token == SPACE.end:
            break
        before = token
    return probability


@pytest.fixture(scope="module")
def rows() -> Tensor:
    every = everything(SPACE)
    chances = torch.tensor([source(row) for row in every.tolist()])
    assert chances.sum().item() == pytest.approx(1.0)
    return every[
        torch.multinomial(chances, 4000, replacement=True, generator=torch.Generator().manual_seed(1))
    ]


@pytest.fixture(scope="module")
def model(rows: Tensor) -> LanguageModel:
    return fit_language_model(rows, SPACE, settings=SMALL, seed=1)


def literal_log_prob(model: LanguageModel, row: list[int]) -> float:
    """One token at a time, through the parts of the net, until the end."""
    net, total = model.net, 0.0
    noise = torch.zeros(1, net.noise)
    state, token = net.initial(noise), net.start
    for following in row:
        hidden, state = net.step(torch.tensor([[token]]), noise, state)
        total += float(net.logits(hidden)[0, 0].softmax(0)[following].log().detach())
        if following == net.space.end:
            break
        token = following
    return total


def test_vocabulary_keeps_the_commonest_units_and_breaks_ties_by_the_alphabet() -> None:
    sequences = [["b", "b", "b", "c", "a"], ["d", "a", "c"]]
    vocabulary = Vocabulary.of(sequences, 3)
    assert vocabulary.numbers == {"b": 0, "a": 1, "c": 2}
    assert vocabulary.space(7) == TokenSpace(positions=7, vocabulary=5, end=4)
    assert Vocabulary.of(iter(sequences), 9).numbers == {"b": 0, "a": 1, "c": 2, "d": 3}


def test_rows_are_cut_filled_and_counted() -> None:
    vocabulary = Vocabulary.of(["aab"], 2)
    made = vocabulary.rows(["a", "bxa", "", "abxx"], 3)
    assert made.tokens.tolist() == [[0, 3, 3], [1, 2, 0], [3, 3, 3], [0, 1, 2]]
    assert (made.cut, made.unknown) == (1, 2)
    assert made.tokens.dtype == torch.int64
    assert vocabulary.rows([], 3).tokens.shape == (0, 3)
    assert token_count(made.tokens, 3).tolist() == [2, 3, 1, 3]


def test_a_vocabulary_has_units() -> None:
    with pytest.raises(UserError, match="vocabulary of 0 units: at least 1"):
        Vocabulary.of([], 0)


def test_log_prob_is_the_literal_product(model: LanguageModel) -> None:
    every = everything(SPACE)
    literal = [literal_log_prob(model, row) for row in every.tolist()]
    np.testing.assert_allclose(model.log_prob(every).numpy(), literal, rtol=1e-5)


def test_log_prob_of_many_rows_is_that_of_each(model: LanguageModel, rows: Tensor) -> None:
    one_by_one = torch.cat([model.log_prob(row.unsqueeze(0)) for row in rows[:300]])
    torch.testing.assert_close(model.log_prob(rows[:300]), one_by_one)


@pytest.mark.parametrize("space", [SPACE, TokenSpace(3, 3, end=0), TokenSpace(4, 2)])
def test_probabilities_of_all_rows_sum_to_one(space: TokenSpace) -> None:
    every = everything(space)
    model = fit_language_model(every.repeat(3, 1), space, settings=SHORT)
    assert model.log_prob(every).double().exp().sum().item() == pytest.approx(1.0, abs=1e-5)


def test_what_follows_the_end_does_not_count(model: LanguageModel) -> None:
    torch.testing.assert_close(*model.log_prob(torch.tensor([[1, 3, 0], [1, 3, 3]])))
    ends = torch.tensor([[0, 3, 3], [1, 3, 3], [2, 0, 3]] * 8)
    junk = torch.tensor([[0, 3, 1], [1, 3, 2], [2, 0, 3]] * 8)
    first, second = (fit_language_model(rows, SPACE, settings=SHORT) for rows in (ends, junk))
    assert first.held_out == second.held_out


def test_a_fitted_model_is_close_to_its_source(model: LanguageModel) -> None:
    """The divergence from source to model, exact by enumeration, is small; so is that of its tokens."""
    every = everything(SPACE)
    p = torch.tensor([source(row) for row in every.tolist()], dtype=torch.float64)
    entropy = -torch.xlogy(p, p).sum().item()
    cross = -(p * model.log_prob(every)).sum().item()
    assert entropy < cross < entropy + 0.01
    tokens = (p * token_count(every, SPACE.end)).sum().item()
    assert model.held_out == pytest.approx(-entropy / tokens, abs=0.05)


def test_log_likelihood_is_the_literal_ratio(model: LanguageModel, rows: Tensor) -> None:
    score = log_likelihood(model, rows[:50])
    nats = [literal_log_prob(model, row) for row in rows[:50].tolist()]
    tokens = [row.index(3) + 1 if 3 in row else 3 for row in rows[:50].tolist()]
    assert len(set(tokens)) > 1
    assert score.value == pytest.approx(sum(nats) / sum(tokens), rel=1e-5)
    assert score.each.mean() == pytest.approx(score.value)
    small = 1e-6  # more weight for one row
    for index in (0, 7, 31):
        moved = (sum(nats) + small * nats[index]) / (sum(tokens) + small * tokens[index])
        slope = (moved - sum(nats) / sum(tokens)) / small * 50
        assert score.each[index] - score.value == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_no_rows_have_no_likelihood(model: LanguageModel, rows: Tensor) -> None:
    score = log_likelihood(model, rows[:0])
    assert math.isnan(score.value)
    assert score.each.shape == (0,)


def test_samples_follow_the_probabilities(model: LanguageModel, rng: torch.Generator) -> None:
    drawn = model.sample(20_000, rng)
    assert drawn.shape == (20_000, 3)
    counts = Counter(map(tuple, drawn.tolist()))
    every = everything(SPACE)
    for row, chance in zip(every.tolist(), model.log_prob(every).exp().tolist(), strict=True):
        assert counts.pop(tuple(row), 0) / 20_000 == pytest.approx(chance, abs=0.012)
    assert not counts


def test_a_low_temperature_samples_the_likeliest_tokens(model: LanguageModel, rng: torch.Generator) -> None:
    assert set(map(tuple, model.sample(20, rng, 1e-6).tolist())) == {(0, 1, 3)}
    same = [model.sample(9, torch.Generator().manual_seed(2), 2.0) for _ in range(2)]
    assert torch.equal(*same)


def test_the_seed_alone_fixes_the_model_and_no_global_stream_moves(rows: Tensor) -> None:
    values = []
    for seed in (1, 1, 2):
        torch.rand(1)
        before = torch.random.get_rng_state()
        model = fit_language_model(rows[:200], SPACE, settings=SHORT, seed=seed)
        assert torch.equal(before, torch.random.get_rng_state())
        values.append(model.log_prob(rows[:5]))
    first, again, other = values
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_training_starts_from_the_frequencies_of_the_tokens_which_do_not_decay() -> None:
    space = TokenSpace(positions=8, vocabulary=50, end=49)
    rows = torch.tensor([[7, 7, 7, 8, 49, 49, 49, 49]] * 40)
    still = LanguageModelSettings(width=8, rate=1e-9, weight_decay=5e8, steps=1)
    model = fit_language_model(rows, space, settings=still)
    frequencies = model.net.logits.bias.softmax(0)
    assert frequencies[7].item() == pytest.approx((36 * 3 + 1) / (36 * 5 + 50))
    assert frequencies[49].item() == pytest.approx((36 + 1) / (36 * 5 + 50))


def test_the_weights_of_the_best_reading_are_kept() -> None:
    """Rows of noise can only be learnt by heart, which the rows held out do not reward."""
    space = TokenSpace(positions=6, vocabulary=12, end=11)
    rows = torch.randint(0, 11, (100, 6), generator=torch.Generator().manual_seed(0))
    steps: list[int] = []
    settings = LanguageModelSettings(width=64, batch=16, weight_decay=0.001, steps=400, interval=5)
    model = fit_language_model(
        rows, space, settings=settings, seed=3, progress=lambda step, most: steps.append((step, most))
    )
    made = len(steps)
    assert steps == [(step, 400) for step in range(1, made + 1)]
    assert made == model.step + settings.patience * settings.interval < 100
    held = rows[torch.randperm(100, generator=torch.Generator().manual_seed(3))[:10]]
    assert log_likelihood(model, held).value == pytest.approx(model.held_out, abs=1e-6)
    assert model.held_out > -math.log(12) - 0.1


def test_large_sets_are_read_twice_an_epoch_at_most(rows: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def reading(model: LanguageModel, held: Tensor) -> Score:
        read.append(len(held))
        return log_likelihood(model, held)

    monkeypatch.setattr(language_model_fit, "log_likelihood", reading)
    settings = LanguageModelSettings(width=4, batch=10, steps=150, interval=1, patience=9)
    fit_language_model(rows[:1000], SPACE, settings=settings)
    assert read == [100] * 4  # after 45, 90, 135 and 150 steps


def assert_order_and_variety_are_told(text: list[list[str]]) -> None:
    """1,400 sentences: forward tells word order, reverse tells 100 sentences ten times over from 1,000."""
    vocabulary = Vocabulary.of(text[:1000], 300)
    space = vocabulary.space(12)
    various = vocabulary.rows(text[:1000], 12).tokens
    new = vocabulary.rows(text[1000:], 12).tokens
    rng = random.Random(0)
    shuffled = vocabulary.rows([rng.sample(words, len(words)) for words in text[1000:]], 12).tokens
    settings = LanguageModelSettings(width=32, steps=300)
    model, narrow = (
        fit_language_model(rows, space, settings=settings) for rows in (various, various[:100].repeat(10, 1))
    )
    real = log_likelihood(model, new).value
    assert real - log_likelihood(model, shuffled).value > 0.4
    assert real - log_likelihood(narrow, new).value > 0.4


def test_sentences_are_likelier_than_shuffled_and_variety_than_repetition() -> None:
    assert_order_and_variety_are_told([text.split()[:12] for text in sentences(3, 1400)])


def test_real_text_is_likelier_than_shuffled_and_variety_than_repetition(real_data: Path) -> None:
    with (real_data / "emnlp_news" / "gfs_test.txt").open(encoding="utf-8") as lines:
        assert_order_and_variety_are_told([line.split()[:12] for line in itertools.islice(lines, 1400)])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (torch.zeros(9, 3, dtype=torch.int64), "9 sequences for a language model: at least 10 are needed"),
        (torch.zeros(20, 4, dtype=torch.int64), r"rows of shape \(20, 4\): \(rows, 3\) is needed"),
        (torch.full((20, 3), 4), r"tokens 4..4: outside the vocabulary, 0..3"),
        (torch.full((20, 3), -1), r"tokens -1..-1: outside the vocabulary, 0..3"),
    ],
)
def test_rows_that_cannot_train_are_refused(rows: Tensor, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fit_language_model(rows, SPACE, settings=SHORT)


def test_rows_of_another_space_are_not_scored(model: LanguageModel) -> None:
    with pytest.raises(UserError, match=r"tokens 0..4: outside"):
        model.log_prob(torch.tensor([[0, 4, 3]]))


def test_ten_rows_are_enough(rows: Tensor) -> None:
    assert math.isfinite(fit_language_model(rows[:10], SPACE, settings=SHORT).held_out)


def test_a_likelihood_that_is_not_finite_is_an_error(rows: Tensor) -> None:
    settings = LanguageModelSettings(width=8, rate=1e30, steps=20, interval=5)
    with pytest.raises(UserError, match=r"rate 1e\+30: log p (nan|-inf) at step \d+, lower it"):
        fit_language_model(rows[:100], SPACE, settings=settings)


@pytest.mark.parametrize("setting", ["width", "steps", "rate", "held_out", "patience"])
def test_settings_are_checked(setting: str) -> None:
    with pytest.raises(UserError, match=f"language model {setting} 0: a number above 0"):
        LanguageModelSettings(**{setting: 0})
    with pytest.raises(UserError, match="held_out below 1"):
        LanguageModelSettings(held_out=1.0)


@pytest.mark.parametrize(("count", "temperature"), [(0, 1.0), (5, 0.0), (5, math.nan)])
def test_samples_need_a_count_and_a_temperature(
    model: LanguageModel, rng: torch.Generator, count: int, temperature: float
) -> None:
    with pytest.raises(UserError, match=f"{count} samples at temperature {temperature:g}"):
        model.sample(count, rng, temperature)
