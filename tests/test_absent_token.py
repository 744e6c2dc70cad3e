"""The token that the data never hold has no probability: in sampling of every kind, and in training."""

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import bgan_text as bt
from bgan_text.config import Config
from bgan_text.corpora.tokenizer import UNKNOWN
from bgan_text.errors import UserError
from bgan_text.models.build import build_generator
from bgan_text.models.distributions import FactorisedDistribution
from bgan_text.models.generators import ConvolutionalGenerator, RecurrentGenerator
from bgan_text.models.relaxation import softmax, straight_through
from bgan_text.models.sampling import IMPOSSIBLE, draw_each, possible
from bgan_text.models.token_discriminator import RecurrentBody, TokenDiscriminator
from bgan_text.models.transformer import TransformerGenerator
from bgan_text.space import TokenSpace, space_from_json, space_to_json
from bgan_text.training.candidates import EffectiveCandidates
from bgan_text.training.particles import TokenGuide, grown_rows
from bgan_text.training.samples import block_stream, sample_rows

CPU = torch.device("cpu")
L, V, END, ABSENT = 3, 4, 0, 1
SPACE = TokenSpace(L, V, end=END, absent=ABSENT)
NETS = ["conv", "rnn", "transformer", "own"]


class Own(nn.Module):
    """A generator of the user's that has never heard of a token that is absent."""

    def __init__(self, space: Any, config: Config) -> None:
        super().__init__()
        self.space, self.noise = space, config.noise
        self.logits = nn.Linear(config.noise, space.positions * space.vocabulary)

    def forward(self, noise: Tensor) -> FactorisedDistribution:
        return FactorisedDistribution(self.logits(noise).unflatten(1, (L, V)))


def generator(name: str, space: TokenSpace = SPACE) -> Any:
    """A net whose likeliest token is the absent one."""
    torch.manual_seed(0)
    sizes = {"width": 6, "blocks": 1, "noise": 3}
    if name == "conv":
        net: nn.Module = ConvolutionalGenerator(space, **sizes)
    elif name == "rnn":
        net = RecurrentGenerator(space, **sizes)
    elif name == "transformer":
        net = TransformerGenerator(space, heads=2, **sizes)
    else:
        config = Config.given({"generator": "mine:Own", "objective": "importance", "noise": 3})
        net = build_generator(config, space, Own)
    bias: Tensor = net.logits.bias  # type: ignore[union-attr, assignment]
    with torch.no_grad():
        bias.view(-1, V)[:, ABSENT] = 5.0
    return net.eval()


def everything(tokens: list[int]) -> Tensor:
    """Every sequence of some tokens, where nothing but the end token stands behind one."""
    rows = torch.tensor(list(itertools.product(tokens, repeat=L)))
    after = (rows == END).cumsum(dim=1) - (rows == END).long() > 0
    return rows[~(after & (rows != END)).any(dim=1)]


@pytest.mark.parametrize("name", NETS)
def test_it_is_never_drawn_at_any_temperature(name: str) -> None:
    free = torch.cat(list(sample_rows(generator(name, TokenSpace(L, V, end=END)), 500, 0, CPU)))
    assert (free == ABSENT).float().mean() > 0.2  # otherwise the test could not fail
    for temperature in (1e-3, 1.0, 3.0, 1e12):
        rows = torch.cat(list(sample_rows(generator(name), 500, 0, CPU, temperature)))
        assert not (rows == ABSENT).any()
        assert {END, 2, 3} >= set(rows.flatten().tolist())


@pytest.mark.parametrize("name", ["conv", "rnn", "transformer"])
@torch.no_grad()
def test_the_probabilities_of_all_sequences_without_it_sum_to_one(name: str) -> None:
    net, noise = generator(name), torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    rows = (
        torch.tensor(list(itertools.product([END, 2, 3], repeat=L)))
        if name == "conv"
        else everything([END, 2, 3])
    )
    total = net(noise).log_prob(rows[:, None].expand(-1, 5, -1)).exp().sum(dim=0)
    torch.testing.assert_close(total, torch.ones_like(total))


@pytest.mark.parametrize("name", ["rnn", "transformer"])
@torch.no_grad()
def test_training_sees_the_distribution_that_is_sampled(name: str) -> None:
    net, noise = generator(name), torch.zeros(1, 3)
    tokens, where = torch.tensor([[2, 3, 2]]), torch.ones(1, L, dtype=torch.bool)
    conditional = net(noise)
    told = conditional.next_token_logits(tokens, where).softmax(dim=-1)
    assert (told[:, ABSENT] == 0.0).all()
    each = told.gather(1, tokens[0][:, None])[:, 0].log()
    torch.testing.assert_close(conditional.token_log_prob(tokens[None])[0, 0], each)


@pytest.mark.parametrize("name", ["conv", "rnn", "transformer"])
def test_relaxed_samples_have_none_of_it(name: str) -> None:
    rng = torch.Generator().manual_seed(3)
    for relax in (softmax, straight_through(0.5, rng)):
        points = generator(name)(torch.zeros(9, 3)).relaxed(relax)
        assert (points[..., ABSENT] == 0.0).all()
        points[..., 2].sum().backward()


@torch.no_grad()
def test_with_corrected_prefixes_samples_follow_the_weighted_distribution_without_it() -> None:
    """Each token is drawn from g exp F, normalised over the tokens that the data hold, whatever F says."""
    net = generator("rnn")
    torch.manual_seed(4)
    discriminator = TokenDiscriminator(SPACE, RecurrentBody(6, blocks=1), width=6)
    for parameter in discriminator.parameters():
        parameter.normal_()
    net.from_noise.weight.zero_(), net.state_from_noise.weight.zero_()  # so that the noise changes nothing
    found = torch.cat([
        grown_rows(
            net, lambda: TokenGuide(discriminator, SPACE), 250, block_stream(0, block, CPU), candidates=1,
            temperature=1.0, effective=EffectiveCandidates(),
        ) for block in range(80)
    ])  # fmt: skip
    rows = everything([END, 2, 3])
    logs = torch.zeros(len(rows))
    behind = (rows == END).cumsum(dim=1) - (rows == END).long() > 0
    for position in range(L):
        where = torch.zeros_like(rows, dtype=torch.bool)
        where[:, position] = True
        g = net(torch.zeros(len(rows), 3)).next_token_logits(rows, where).softmax(dim=1)
        weighted = g * discriminator(rows, where).exp()
        weighted[:, ABSENT] = 0.0
        chosen = (weighted / weighted.sum(dim=1, keepdim=True)).gather(1, rows[:, position, None])[:, 0]
        logs += chosen.log().masked_fill(behind[:, position], 0.0)
    shares = (found[:, None] == rows).all(dim=2).float().mean(dim=0)
    assert float(shares.sum()) == pytest.approx(1.0)
    assert float((shares - logs.exp()).abs().sum() / 2) < 0.015
    more = grown_rows(
        net, lambda: TokenGuide(discriminator, SPACE), 64, block_stream(0, 0, CPU), candidates=4,
        temperature=1e12, effective=EffectiveCandidates(),
    )  # fmt: skip
    assert not (more == ABSENT).any()


def test_logits_stay_finite_and_others_stay_as_they_are(rng: torch.Generator) -> None:
    logits = torch.randn(7, V, generator=rng)
    assert possible(logits, None) is logits
    masked = possible(logits, ABSENT)
    others = [token for token in range(V) if token != ABSENT]
    assert torch.equal(masked[:, others], logits[:, others])
    assert (masked[:, ABSENT] == IMPOSSIBLE).all()
    assert masked.log_softmax(dim=-1).isfinite().all()
    assert not (draw_each(masked, 200, rng, 1e30) == ABSENT).any()


def test_a_space_keeps_it_and_equals_the_same_space_without_it() -> None:
    assert space_from_json(space_to_json(SPACE)).absent == ABSENT  # type: ignore[union-attr]
    assert space_from_json({"positions": L, "vocabulary": V, "end": END}) == SPACE  # of an older run
    assert "absent" not in space_to_json(TokenSpace(L, V, end=END))
    for wrong in (END, V, -1):
        with pytest.raises(UserError, match="cannot be absent"):
            TokenSpace(L, V, end=END, absent=wrong)


LINES = [
    f"{a} {b} {c}" for a in ("the", "one", "no") for b in ("cat", "dog", "fox") for c in ("sat", "ran", "hid")
]
TINY = {"steps": 2, "batch": 8, "width": 8, "noise": 3, "discriminator_width": 8, "precision": "float32",
        "device": "cpu"}  # fmt: skip


@pytest.mark.parametrize("tokenizer", ["word", "whitespace", "char", "smiles", "sentencepiece", "bpe"])
def test_a_run_on_text_without_unknown_tokens_never_says_unknown(tokenizer: str, tmp_path: Path) -> None:
    data = bt.prepare(LINES, tokenizer=tokenizer, out=tmp_path / "data")
    assert data.space.absent == UNKNOWN
    run = bt.train(data, out=tmp_path / "run", **TINY)
    assert bt.load_run(tmp_path / "run").space.absent == UNKNOWN
    for options in ({}, {"temperature": 9.0}, {"candidates": 3}, {"correct": "prefixes", "candidates": 2}):
        assert not (run.sample_tokens(200, **options) == UNKNOWN).any()
        assert not any(
            mark in text for text in run.sample(50, **options) for mark in ("<unk>", "\ufffd", "\u2047")
        )


def test_a_run_on_text_with_unknown_tokens_may_say_unknown(tmp_path: Path) -> None:
    data = bt.prepare(LINES, tokenizer="word", vocabulary=6, out=tmp_path / "data")
    assert data.counts["unknown"] > 0
    assert data.space.absent is None
    run = bt.train(data, out=tmp_path / "run", **TINY)
    assert any("<unk>" in text for text in run.sample(50))


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "mle"},
        {"objective": "importance", "generator": "conv"},
        {"objective": "importance", "credit": "token", "prefixes": "both"},
        {"objective": "reinforce", "credit": "token"},
        {"objective": "importance", "credit": "prefix", "generator": "rnn"},
        {"objective": "gumbel", "generator": "conv"},
        {"objective": "wgan-gp", "generator": "rnn"},
        {"objective": "implicit", "generator": "rnn"},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_every_kind_of_objective_stays_finite(settings: dict[str, Any], tmp_path: Path) -> None:
    data = bt.prepare(LINES, tokenizer="word", out=tmp_path / "data")
    sizes = {
        name: value
        for name, value in TINY.items()
        if settings["objective"] not in ("mle", "implicit") or name != "discriminator_width"
    }
    run = bt.train(data, out=tmp_path / "run", **sizes, log_every=1, **settings)
    numbers = [number for row in run.metrics() for number in row.values() if isinstance(number, float)]
    assert len(numbers) > 5
    assert all(map(math.isfinite, numbers))
