"""Sampling with the weights of the discriminator along the sequence."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import bgan_text as bt
from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.models.discriminators import PrefixDiscriminator
from bgan_text.models.distributions import AutoregressiveDistribution
from bgan_text.models.generators import RecurrentGenerator
from bgan_text.models.token_discriminator import RecurrentBody, TokenDiscriminator
from bgan_text.models.transformer import CausalTransformer, TransformerGenerator
from bgan_text.sampling_blocks import blocks_of
from bgan_text.sampling_options import SamplingOptions
from bgan_text.space import TokenSpace
from bgan_text.training.candidates import EffectiveCandidates, scorer
from bgan_text.training.drawing import Drawing
from bgan_text.training.particles import (
    Guide,
    Particles,
    PrefixGuide,
    TokenGuide,
    groups_of,
    grown_rows,
    systematic,
)
from bgan_text.training.samples import block_stream

CPU = torch.device("cpu")
V, L, END = 3, 4, 0
SPACE = TokenSpace(L, V, end=END)
SMALL = {"steps": 3, "batch": 8, "width": 8, "noise": 3, "discriminator_width": 4, "precision": "float32",
         "device": "cpu"}  # fmt: skip


def ended(tokens: Tensor) -> Tensor:
    after = (tokens == END).cumsum(dim=1) - (tokens == END).long() > 0
    return tokens.masked_fill(after, END)


EVERYTHING = ended(torch.tensor(list(itertools.product(range(V), repeat=L)))).unique(dim=0)
"""Every sequence, (S, L)."""


def place(tokens: Tensor) -> Tensor:
    return (tokens.unsqueeze(1) == EVERYTHING).all(dim=2).long().argmax(dim=1)


class Table(nn.Module):
    """Numbers (R, V) of the next token, for each prefix of earlier tokens; random, but the same each time.

    As a generator its state is the prefixes, and its numbers are logits. With `noise` they depend on it too.
    """

    def __init__(self, seed: int, *, size: float, noisy: float = 0.0) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(seed)
        self.numbers = nn.Parameter(size * torch.randn((V + 1) ** L, V, generator=rng))
        self.space, self.noise, self.start, self.noisy = SPACE, V, V, noisy

    def of(self, prefixes: Tensor) -> Tensor:
        """(R, T) -> (R, V)."""
        code = torch.zeros(len(prefixes), dtype=torch.int64)
        for column in prefixes.T:
            code = code * (V + 1) + column + 1
        return self.numbers.detach()[code]

    def initial(self, noise: Tensor) -> Tensor:
        return torch.empty(len(noise), 0, dtype=torch.int64)

    def step(self, tokens: Tensor, noise: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        state = torch.cat([state, tokens], dim=1)
        return (self.of(state[:, 1:]) + self.noisy * noise).unsqueeze(1), state

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden

    def reorder(self, state: Tensor, rows: Tensor) -> Tensor:
        return state[rows]

    def forward(self, noise: Tensor) -> AutoregressiveDistribution:
        return AutoregressiveDistribution(self, noise)  # type: ignore[arg-type]

    def conditionals(self) -> Tensor:
        """(S, L) log-probabilities of each token of every sequence, 0 behind the end."""
        each = torch.stack(
            [
                self.of(EVERYTHING[:, :t]).log_softmax(dim=1).gather(1, EVERYTHING[:, t : t + 1])[:, 0]
                for t in range(L)
            ],
            dim=1,
        )
        return each.masked_fill(behind(), 0.0)

    def sums(self) -> Tensor:
        """(S,) sums of the numbers of the tokens of every sequence up to its end."""
        each = torch.stack(
            [self.of(EVERYTHING[:, :t]).gather(1, EVERYTHING[:, t : t + 1])[:, 0] for t in range(L)], dim=1
        )
        return each.masked_fill(behind(), 0.0).sum(dim=1)


def behind() -> Tensor:
    return (EVERYTHING == END).cumsum(dim=1) - (EVERYTHING == END).long() > 0


class Scores:
    """A guide that knows its numbers: of each next token, or of the last one."""

    def __init__(self, number: Callable[[Tensor], Tensor], *, early: bool) -> None:
        self.number, self.early = number, early

    def ahead(self, prefixes: Tensor) -> Tensor | None:
        return self.number(prefixes) if self.early else None

    def behind(self, prefixes: Tensor) -> Tensor | None:
        if self.early:
            return None
        return self.number(prefixes[:, :-1]).gather(1, prefixes[:, -1:]).squeeze(1)

    def reorder(self, rows: Tensor) -> None:
        pass


def draws(
    generator: Any, guide: Callable[[], Guide], candidates: int, count: int = 20_000, temperature: float = 1.0
) -> Tensor:
    blocks = blocks_of(count, groups_of(candidates))
    rows = [
        grown_rows(
            generator, guide, samples, block_stream(0, block, CPU), candidates=candidates,
            temperature=temperature, effective=EffectiveCandidates(),
        ) for block, samples in blocks
    ]  # fmt: skip
    return torch.cat(rows)


def distance(found: Tensor, target: Tensor) -> float:
    """Total variation between samples and probabilities (S,) of every sequence."""
    shares = place(found).bincount(minlength=len(EVERYTHING)) / len(found)
    return float((shares - target).abs().sum() / 2)


@pytest.fixture
def q() -> Table:
    return Table(1, size=1.0)


@pytest.fixture
def p() -> Table:
    return Table(2, size=1.0)


def exact(p: Table, q: Table) -> Callable[[Tensor], Tensor]:
    return lambda prefixes: p.of(prefixes).log_softmax(dim=1) - q.of(prefixes).log_softmax(dim=1)


def test_with_the_exact_ratio_each_token_is_proposed_as_the_data_have_it(p: Table, q: Table) -> None:
    """By enumeration: after every prefix the proposal is the data's conditional, and Z is 1."""
    for length in range(L):
        prefixes = EVERYTHING[:, :length].unique(dim=0) if length else torch.empty(1, 0, dtype=torch.int64)
        particles = Particles(q(torch.zeros(len(prefixes), V)), Scores(exact(p, q), early=True), 1, 1.0)
        for column in prefixes.T:
            particles.proposal()
            particles.tokens = torch.cat([particles.tokens, column.unsqueeze(1)], dim=1)
        torch.testing.assert_close(particles.proposal(), p.of(prefixes).log_softmax(dim=1))


@pytest.mark.parametrize("candidates", [1, 6])
def test_with_the_exact_ratio_samples_follow_the_data(p: Table, q: Table, candidates: int) -> None:
    target = p.conditionals().sum(dim=1).exp()
    assert float(target.sum()) == pytest.approx(1.0)
    found = draws(q, lambda: Scores(exact(p, q), early=True), candidates)
    assert distance(found, q.conditionals().sum(dim=1).exp()) > 0.25
    assert distance(found, target) < 0.015
    expected = target * len(found)
    counts = place(found).bincount(minlength=len(target))
    chi_square = float(((counts - expected).square() / expected).sum())
    freedom = len(target) - 1
    assert chi_square < freedom + 4.0 * (2.0 * freedom) ** 0.5


@pytest.mark.parametrize("early", [True, False], ids=["token", "prefix"])
def test_samples_approach_the_weighted_generator_as_candidates_grow(q: Table, early: bool) -> None:
    """The scores are no exact ratio, so the weights of particles differ, and noise makes them differ more."""
    scores = Table(3, size=1.5)
    target = (q.conditionals().sum(dim=1) + scores.sums()).softmax(dim=0)
    distances = [
        distance(draws(q, lambda: Scores(scores.of, early=early), candidates), target)
        for candidates in (1, 8, 64)
    ]
    assert distances[0] > 0.1
    assert distances[0] > 2.0 * distances[1]
    assert distances[2] < 0.02


@pytest.mark.parametrize("candidates", [1, 4])
@pytest.mark.parametrize("early", [True, False], ids=["token", "prefix"])
def test_scores_that_are_not_finite_correct_nothing(q: Table, candidates: int, early: bool) -> None:
    def number(prefixes: Tensor) -> Tensor:
        scores = torch.zeros(len(prefixes), V)
        scores[:, 1] = float("nan") if prefixes.shape[1] == 2 else 0.0
        return scores

    with pytest.raises(UserError, match="the discriminator's scores of samples are not finite"):
        draws(q, lambda: Scores(number, early=early), candidates, count=300)


def test_noise_belongs_to_a_particle() -> None:
    """The target of a generator with noise is the mean over the noise, which is carried with the particle."""
    rng = torch.Generator().manual_seed(5)
    q, scores, noise = Table(1, size=0.5, noisy=1.0), Table(3, size=1.0), torch.randn(4000, V, generator=rng)
    marginal = torch.zeros(len(EVERYTHING))
    for one in noise:
        each = [
            (q.of(EVERYTHING[:, :t]) + one).log_softmax(dim=1).gather(1, EVERYTHING[:, t : t + 1])[:, 0]
            for t in range(L)
        ]
        marginal += torch.stack(each, dim=1).masked_fill(behind(), 0.0).sum(dim=1).exp() / len(noise)
    target = (marginal.log() + scores.sums()).softmax(dim=0)
    found = draws(q, lambda: Scores(scores.of, early=True), 64)
    assert distance(found, target) < 0.03


def test_the_temperature_divides_the_logits_and_not_the_scores(q: Table) -> None:
    scores, cold = Table(3, size=0.5), Table(1, size=2.0)
    target = (cold.conditionals().sum(dim=1) + scores.sums()).softmax(dim=0)
    found = draws(q, lambda: Scores(scores.of, early=True), 64, temperature=0.5)
    assert distance(found, target) < 0.02


def test_systematic_resampling_keeps_each_share(rng: torch.Generator) -> None:
    logs = torch.randn(500, 8, generator=rng)
    uniform = torch.rand(500, 1, generator=rng, dtype=torch.float64)
    counts = nn.functional.one_hot(systematic(logs, uniform), 8).sum(dim=1)
    shares = 8 * logs.softmax(dim=1)
    assert ((counts - shares).abs() < 1.0).all()
    many = torch.arange(10_000, dtype=torch.float64)[:, None] / 10_000
    picked = systematic(logs[:1].expand(10_000, 8), many)
    means = nn.functional.one_hot(picked, 8).sum(dim=1).double().mean(dim=0)
    torch.testing.assert_close(means, shares[0].double(), atol=1e-3, rtol=0)


def nets(kind: str, rng: torch.Generator) -> tuple[Any, Any]:
    """A generator and a discriminator of tokens, both random, whose scores are far from 0."""
    generator: nn.Module
    body: nn.Module
    if kind == "rnn":
        generator = RecurrentGenerator(SPACE, width=6, blocks=2, noise=3)
        body = RecurrentBody(6, blocks=2)
    else:
        generator = TransformerGenerator(SPACE, width=6, blocks=2, heads=2, noise=3)
        body = CausalTransformer(6, blocks=2, heads=2, positions=L)
    discriminator = TokenDiscriminator(SPACE, body, width=6)
    with torch.no_grad():
        for parameter in (*generator.parameters(), *discriminator.parameters()):
            parameter.normal_(generator=rng)
    return generator.eval(), discriminator.eval()


@pytest.mark.parametrize("kind", ["rnn", "transformer"])
@torch.no_grad()
def test_a_discriminator_reads_token_by_token_what_it_reads_at_once(kind: str, rng: torch.Generator) -> None:
    _, discriminator = nets(kind, rng)
    tokens = torch.randint(0, V, (7, L), generator=rng)
    whole = discriminator(tokens, torch.ones_like(tokens, dtype=torch.bool)).view(7, L, V)
    guide = TokenGuide(discriminator, SPACE)
    slow = TokenGuide(lambda *given: discriminator(*given), SPACE)
    assert guide.steps
    assert not slow.steps
    without_start = type("Own", (), {"step": None, "reorder": None})()
    assert not TokenGuide(without_start, SPACE).steps
    for length in range(L):
        torch.testing.assert_close(guide.ahead(tokens[:, :length]), whole[:, length])
        torch.testing.assert_close(slow.ahead(tokens[:, :length]), whole[:, length])


@pytest.mark.parametrize("kind", ["rnn", "transformer"])
@pytest.mark.parametrize("credit", ["token", "prefix"])
@torch.no_grad()
def test_states_follow_their_particles_when_these_are_resampled(
    kind: str, credit: str, rng: torch.Generator
) -> None:
    """Proposals and weights after resampling are those of the tokens and the noise, read anew."""
    generator, discriminator = nets(kind, rng)
    made: Callable[[], Guide] = lambda: TokenGuide(discriminator, SPACE)  # noqa: E731
    if credit == "prefix":
        net = PrefixDiscriminator(SPACE, width=6, blocks=1, spectral=False).eval()
        for parameter in net.parameters():
            parameter.normal_(generator=rng)
        made = lambda: PrefixGuide(net, SPACE)  # noqa: E731
    particles = Particles(generator(torch.randn(60, 3, generator=rng)), made(), 6, 1.0)
    for _ in range(2):
        particles.grow(rng)
        particles.weights += 3.0 * torch.randn(10, 6, generator=rng)
        before = particles.noise
        particles.resample(rng)
        changed = (before != particles.noise).any(dim=1).view(10, 6).any(dim=1)
        assert changed.sum() >= 3
        assert (particles.weights[changed] == 0.0).all()
    again = Particles(AutoregressiveDistribution(generator, particles.noise), made(), 6, 1.0)
    for length in range(2):
        again.proposal()
        again.tokens = particles.tokens[:, : length + 1]
        again.guide.behind(again.tokens)
    torch.testing.assert_close(particles.proposal(), again.proposal())
    particles.tokens = again.tokens = torch.cat([again.tokens, torch.ones(60, 1, dtype=torch.int64)], dim=1)
    one, other = particles.guide.behind(particles.tokens), again.guide.behind(again.tokens)
    assert (one is None) == (credit == "token")
    if one is not None:
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_weights_are_the_ratios_of_whole_samples(rng: torch.Generator) -> None:
    """Without resampling the weights of particles are those by which whole samples are weighed.

    With credit token the weight is g exp F over the proposal, which is known after the end.
    """
    generator, discriminator = nets("rnn", rng)
    net = PrefixDiscriminator(SPACE, width=6, blocks=1, spectral=False).eval()
    for parameter in net.parameters():
        parameter.normal_(generator=rng)
    particles = Particles(generator(torch.randn(50, 3, generator=rng)), PrefixGuide(net, SPACE), 5, 1.0)
    for _ in range(L):
        particles.grow(rng)
    torch.testing.assert_close(particles.weights.flatten(), scorer(net, "prefix", SPACE)(particles.tokens))
    particles = Particles(generator(particles.noise), TokenGuide(discriminator, SPACE), 5, 1.0)
    proposed = torch.zeros(50)
    for _ in range(L):
        alive, proposal = particles.alive, particles.proposal
        seen: list[Tensor] = []
        particles.proposal = lambda made=proposal, seen=seen: seen.append(made()) or seen[0]  # type: ignore
        particles.grow(rng)
        del particles.proposal
        drawn = seen[0].log_softmax(dim=1).gather(1, particles.tokens[:, -1:])[:, 0]
        proposed += drawn.masked_fill(~alive, 0.0)
    ratios = scorer(discriminator, "token", SPACE)(particles.tokens)
    log_probs = generator(particles.noise).log_prob(particles.tokens.unsqueeze(0))[0]
    torch.testing.assert_close(particles.weights.flatten(), log_probs + ratios - proposed)


@pytest.mark.parametrize(
    "options",
    [{}, {"generator": "transformer"}, {"credit": "prefix", "draws": 2}],
    ids=["token", "transformer", "prefix"],
)
def test_runs_correct_prefixes(data: bt.DatasetDirectory, tmp_path: Path, options: dict[str, Any]) -> None:
    run = bt.train(data, out=tmp_path / "run", **(SMALL | options))
    prefix = options.get("credit") == "prefix"
    if prefix:  # the weight of a single candidate has no use
        line = "run: `correct` prefixes with `credit` prefix corrects with several `candidates` only"
        with pytest.raises(UserError, match=line):
            run.sample(3, correct="prefixes")
        with pytest.raises(UserError, match=line):
            bt.evaluate([run], data=data, count=3, correct="prefixes", resamples=0)
    for candidates in (6,) if prefix else (1, 6):
        found = run.sample(50, candidates=candidates, correct="prefixes")
        assert found == run.sample(50, candidates=candidates, correct="prefixes")
        assert found[:5] == run.sample(5, candidates=candidates, correct="prefixes")
        assert found != run.sample(50, candidates=candidates, correct="prefixes", seed=1)
    samples = run.stream(SamplingOptions(count=50, candidates=6, correct="prefixes"))
    assert [text for text, _ in samples] == found
    assert samples.effective.samples == 50
    assert 1.0 <= samples.effective.mean <= 6.0
    report = bt.evaluate([run], data=data, count=50, candidates=6, correct="prefixes", resamples=0)
    assert list(report.settings["effective candidates"].values()) == [samples.effective.mean]
    assert ", correct prefixes," in report.to_markdown()


def test_a_discriminator_that_knows_nothing_changes_no_sample(
    data: bt.DatasetDirectory, tmp_path: Path
) -> None:
    run = bt.train(data, out=tmp_path / "run", **(SMALL | {"discriminator_lr": 1e-30}))
    assert run.sample(100, correct="prefixes") == run.sample(100)


def test_quantised_images_are_corrected_pixel_by_pixel(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / "images" / f"{number}.png")
    made = bt.prepare(tmp_path / "images", size=4, colors="4", out=tmp_path / "data")
    run = bt.train(made, generator="rnn", credit="token", out=tmp_path / "run", **SMALL)
    assert run.sample(4, candidates=3, correct="prefixes").shape == (4, 4, 4, 3)


def test_what_scores_no_prefixes_is_refused(data: bt.DatasetDirectory, tmp_path: Path, bgan: Any) -> None:
    run = bt.train(data, out=tmp_path / "run", **(SMALL | {"generator": "conv"}))
    with pytest.raises(
        UserError, match=r"`correct` prefixes needs .* `credit` sequence scores whole samples"
    ):
        run.sample(3, correct="prefixes")
    refused = bgan("sample", run.folder, "--correct", "prefixes")
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (1, "", 1)
    assert "--correct prefixes needs" in refused.err
    with pytest.raises(UserError, match=r"`correct` prefixes needs .* `objective` mle trains none"):
        Drawing(correct="prefixes").refuse(Config.given({"objective": "mle"}), "run")
    with pytest.raises(UserError, match="tokens"):
        SamplingOptions(correct="tokens")


def test_more_candidates_than_memory_holds_are_refused(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bt.train(data, out=tmp_path / "run", **SMALL)
    vocabulary = run.space.vocabulary
    monkeypatch.setattr("bgan_text.training.particles.MOST_PROPOSALS", 4 * vocabulary + 1)
    run.sample(1, candidates=4, correct="prefixes")
    line = f"`candidates` 5 with .* with a vocabulary of {vocabulary} tokens at most 4 can grow together"
    with pytest.raises(UserError, match=line):
        run.sample(1, candidates=5, correct="prefixes")


def test_the_command_line_corrects_prefixes(data: bt.DatasetDirectory, tmp_path: Path, bgan: Any) -> None:
    run = bt.train(data, out=tmp_path / "run", **SMALL)
    made = bgan("sample", run.folder, "--n", "3", "--correct", "prefixes")
    assert (made.code, made.err) == (0, "")
    assert made.out.splitlines() == run.sample(3, correct="prefixes")
    made = bgan("sample", run.folder, "--n", "3", "--candidates", "4", "--correct", "prefixes")
    assert made.out.splitlines() == run.sample(3, candidates=4, correct="prefixes")
    assert made.err.startswith("Effective candidates: ")
