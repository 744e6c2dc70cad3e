"""Sampling with the weights of the discriminator."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import bgan_text as bt
from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.models.discriminators import PrefixDiscriminator
from bgan_text.models.token_discriminator import RecurrentBody, TokenDiscriminator
from bgan_text.objective_table import OBJECTIVES
from bgan_text.sampling_options import SamplingOptions
from bgan_text.space import TokenSpace
from bgan_text.training.candidates import EffectiveCandidates, kept, scorer
from bgan_text.training.drawing import Drawing

CPU = torch.device("cpu")
V, L = 3, 2
EVERYTHING = torch.tensor(list(itertools.product(range(V), repeat=L)))
SMALL = {"steps": 3, "batch": 8, "width": 8, "noise": 3, "discriminator_width": 4, "precision": "float32",
         "device": "cpu"}  # fmt: skip


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def place(tokens: Tensor) -> Tensor:
    return tokens[:, 0] * V + tokens[:, 1]


def batches(q: Tensor, count: int, size: int = 256) -> Iterator[Tensor]:
    rng = torch.Generator().manual_seed(1)
    drawn = EVERYTHING[torch.multinomial(q, count, replacement=True, generator=rng)]
    yield from drawn.split(size)


def frequencies(q: Tensor, score: Any, candidates: int, count: int = 20_000) -> tuple[Tensor, float]:
    effective = EffectiveCandidates()
    found = torch.cat(
        list(kept(batches(q, count * candidates), score, candidates, stream(0), CPU, effective))
    )
    assert len(found) == count == effective.samples
    return place(found).bincount(minlength=V**L) / count, effective.mean


@pytest.fixture
def sides(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    p, q = (torch.rand(2, V**L, generator=rng) + 0.1).unbind()
    return p / p.sum(), q / q.sum()


def test_what_is_kept_approaches_the_data_as_candidates_grow(sides: tuple[Tensor, Tensor]) -> None:
    p, q = sides
    ratio = (p / q).log()
    distances = []
    for candidates in (1, 4, 50):
        found, _ = frequencies(q, lambda tokens: ratio[place(tokens)], candidates)
        distances.append(float((found - p).abs().sum() / 2))
    start = float((p - q).abs().sum() / 2)
    assert distances[0] == pytest.approx(start, abs=0.01)
    assert start > 0.1 > distances[1] > distances[2]
    assert distances[2] < 0.015


def test_the_kept_candidate_follows_the_normalised_weights_exactly(rng: torch.Generator) -> None:
    """Three fixed candidates: their shares are the softmax of their scores."""
    scores = torch.tensor([0.0, 1.0, 2.0])
    rows = torch.arange(3).repeat(30_000).unsqueeze(1)
    found = torch.cat(
        list(
            kept(
                iter(rows.split(100)), lambda one: scores[one[:, 0]], 3, stream(0), CPU, EffectiveCandidates()
            )
        )
    )
    shares = found[:, 0].bincount(minlength=3) / len(found)
    torch.testing.assert_close(shares, scores.softmax(dim=0), atol=0.01, rtol=0)


def test_equal_scores_correct_nothing_and_one_large_score_decides(sides: tuple[Tensor, Tensor]) -> None:
    _, q = sides
    found, effective = frequencies(q, lambda tokens: torch.zeros(len(tokens)), 7)
    assert float((found - q).abs().sum() / 2) < 0.01
    assert effective == pytest.approx(7.0)
    found, effective = frequencies(q, lambda tokens: 50.0 * (place(tokens) == 4), 50, count=2000)
    assert float(found[4]) == pytest.approx(1 - (1 - float(q[4])) ** 50, abs=0.02)
    assert effective < 10.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_that_are_not_finite_choose_nothing(sides: tuple[Tensor, Tensor], bad: float) -> None:
    _, q = sides
    with pytest.raises(UserError, match="the discriminator's scores of samples are not finite"):
        frequencies(q, lambda tokens: torch.where(place(tokens) == 4, bad, 0.0), 3, count=100)
    never = torch.where(place(EVERYTHING) == 4, float("-inf"), 0.0)  # a weight of 0 is one
    found, _ = frequencies(q, lambda tokens: never[place(tokens)], 20, count=100)
    assert float(found[4]) == 0.0


def test_the_choice_does_not_depend_on_the_batches(sides: tuple[Tensor, Tensor]) -> None:
    p, q = sides
    ratio = (p / q).log()
    runs = [
        torch.cat(
            list(
                kept(
                    batches(q, 300, size),
                    lambda tokens: ratio[place(tokens)],
                    5,
                    stream(3),
                    CPU,
                    EffectiveCandidates(),
                )
            )
        )
        for size in (1, 7, 256)
    ]
    assert torch.equal(runs[0], runs[1])
    assert torch.equal(runs[0], runs[2])


def test_the_score_of_a_sample_is_that_of_the_whole_sample(rng: torch.Generator) -> None:
    space = TokenSpace(5, 4, end=0)
    tokens = torch.randint(0, 4, (20, 5), generator=rng)
    prefix = PrefixDiscriminator(space, width=4, blocks=1, spectral=False)
    assert torch.equal(scorer(prefix, "prefix", space)(tokens), prefix(tokens)[:, -1])
    net = TokenDiscriminator(space, RecurrentBody(4, blocks=1), width=4)
    torch.nn.init.normal_(net.scores.weight, generator=rng)
    table = net(tokens, torch.ones_like(tokens, dtype=torch.bool)).view(20, 5, 4).detach()
    for row, found in enumerate(scorer(net, "token", space)(tokens).tolist()):
        expected = 0.0
        for position in range(5):
            token = int(tokens[row, position])
            expected += float(table[row, position, token])
            if token == 0:
                break
        assert found == pytest.approx(expected, abs=1e-5)


def test_a_large_vocabulary_is_scored_a_few_samples_at_a_time(
    rng: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = TokenSpace(5, 4, end=0)
    net = TokenDiscriminator(space, RecurrentBody(4, blocks=1), width=4)
    torch.nn.init.normal_(net.scores.weight, generator=rng)
    tokens, score = torch.randint(0, 4, (20, 5), generator=rng), scorer(net, "token", space)
    whole, sizes = score(tokens), []
    net.register_forward_hook(lambda net, given, scores: sizes.append(scores.numel()))
    monkeypatch.setattr("bgan_text.training.token_credit.MOST_LOGITS", 3 * 5 * 4)
    torch.testing.assert_close(score(tokens), whole)
    assert len(sizes) == 7
    assert max(sizes) <= 3 * 5 * 4


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_only_estimates_of_the_ratio_can_weigh(objective: str) -> None:
    able = {"importance", "partition", "reinforce", "constant", "gumbel", "gan", "non-saturating", "bgan"}
    config = Config.given({"objective": objective}, "continuous images" if objective == "gan" else None)
    drawing = Drawing(candidates=2)
    if objective in able:
        drawing.refuse(config, "runs/mine")
        assert drawing.obstacle(config.to_json()) is None
    else:
        with pytest.raises(UserError, match=f"^runs/mine: .*`objective` {objective} trains none"):
            drawing.refuse(config, "runs/mine")
    Drawing().refuse(config, "runs/mine")


@pytest.mark.parametrize(
    "options",
    [{}, {"generator": "conv"}, {"credit": "prefix", "draws": 2}, {"objective": "gumbel"}],
    ids=["token", "sequence", "prefix", "pathwise"],
)
def test_runs_sample_with_candidates(
    data: bt.DatasetDirectory, tmp_path: Path, options: dict[str, Any]
) -> None:
    run = bt.train(data, out=tmp_path / "run", **(SMALL | options))
    plain, chosen = run.sample(12), run.sample(12, candidates=6)
    assert run.sample(12, candidates=1) == plain
    assert chosen == run.sample(12, candidates=6)
    assert chosen[:5] == run.sample(5, candidates=6)
    assert chosen != plain
    assert set(chosen) <= set(run.sample(72))
    samples = run.stream(SamplingOptions(count=12, candidates=6))
    assert [text for text, _ in samples] == chosen
    assert samples.effective.samples == 12
    assert 1.0 <= samples.effective.mean <= 6.0
    report = bt.evaluate([run], data=data, count=30, candidates=3, resamples=0)
    assert report.settings["candidates"] == 3
    (effective,) = report.settings["effective candidates"].values()
    assert 1.0 <= effective <= 3.0
    assert f", candidates 3, effective candidates {effective:.1f}," in report.to_markdown()


def test_scored_are_the_draws_as_the_discriminator_has_seen_them(
    data: bt.DatasetDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the tokens behind an end token, which a conv generator draws too; samples have none of them."""
    run = bt.train(data, out=tmp_path / "run", **(SMALL | {"generator": "conv"}))
    seen: list[Tensor] = []

    def scorer(discriminator: Any, credit: str, space: TokenSpace) -> Any:
        def score(rows: Tensor) -> Tensor:
            seen.append(rows)
            return torch.zeros(len(rows))

        return score

    monkeypatch.setattr("bgan_text.sampling_blocks.scorer", scorer)
    kept_rows = run.sample_tokens(300, candidates=4)
    end = run.space.end
    behind = [(rows == end).cumsum(dim=1) - (rows == end).long() > 0 for rows in (torch.cat(seen), kept_rows)]
    assert (torch.cat(seen)[behind[0]] != end).any()
    assert (kept_rows[behind[1]] == end).all()


def test_images_are_sampled_with_candidates(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / "images" / f"{number}.png")
    for colors, objective in (("4", "importance"), ("none", "bgan")):
        made = bt.prepare(tmp_path / "images", size=8, colors=colors, out=tmp_path / f"data-{colors}")
        run = bt.train(made, objective=objective, out=tmp_path / f"run-{colors}", **SMALL)
        chosen = run.sample(4, candidates=5)
        assert chosen.shape == (4, 8, 8, 3)
        assert (chosen == run.sample(4, candidates=5)).all()
        several = run.sample(20)
        assert all(any((image == other).all() for other in several) for image in chosen)
    other = bt.train(made, objective="lsgan", out=tmp_path / "lsgan", **SMALL)
    how = {"data": made, "count": 4, "resamples": 0, "judges": bt.Judges.quick()}
    report = bt.evaluate({"mine": run, "other": other}, candidates=3, **how)
    assert report.settings["drawn plainly"] == {"other": "its scores are fitted to 0 and 1"}
    assert list(report.settings["effective candidates"]) == ["mine"]
    assert ", drawn plainly: other (its scores are fitted to 0 and 1)" in report.to_markdown()


def test_the_command_line_says_how_many_candidates_count(
    data: bt.DatasetDirectory, tmp_path: Path, bgan: Any
) -> None:
    run = bt.train(data, out=tmp_path / "run", **SMALL)
    made = bgan("sample", run.folder, "--n", "3", "--candidates", "4")
    assert made.code == 0
    assert made.out.splitlines() == run.sample(3, candidates=4)
    assert made.err.startswith("Effective candidates: ")
    assert made.err.endswith(" of 4\n")
    likelihood = bt.train(
        data, out=tmp_path / "mle", objective="mle", steps=2, batch=4, width=4, device="cpu"
    )
    refused = bgan("sample", likelihood.folder, "--candidates", "4")
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (1, "", 1)
    assert (
        "--candidates need a discriminator that estimates log p/q, and --objective mle trains none"
        in refused.err
    )


def test_runs_that_cannot_choose_are_drawn_plainly_beside_those_that_can(
    data: bt.DatasetDirectory, tmp_path: Path, bgan: Any
) -> None:
    able = bt.train(data, out=tmp_path / "able", **SMALL)
    options = {"steps": 2, "batch": 4, "width": 4, "device": "cpu"}
    mle = bt.train(data, out=tmp_path / "mle", objective="mle", **options)
    whole = bt.train(data, out=tmp_path / "whole", generator="conv", **options)
    how = {"data": data, "count": 20, "resamples": 0}
    report = bt.evaluate({"mine": able, "mle": mle}, candidates=3, **how)
    assert report.settings["candidates"] == 3
    assert list(report.settings["effective candidates"]) == ["mine"]
    assert report.settings["drawn plainly"] == {"mle": "it has no discriminator"}
    line = report.to_markdown().splitlines()[-1]
    assert ", candidates 3, effective candidates " in line
    assert ", drawn plainly: mle (it has no discriminator), smoothing" in line
    plain = bt.evaluate({"mle": mle}, **how)
    same = [one.columns[-2].cells for one in (report, plain)]
    for score in ("bleu-3", "held-out-likelihood"):
        assert same[0][score].value == same[1][score].value
    assert "held-out-likelihood" not in report.columns[0].cells
    report = bt.evaluate({"mine": able, "conv": whole}, correct="prefixes", **how)
    assert report.settings["drawn plainly"] == {"conv": "its discriminator scores whole samples"}
    shown = bgan("score", able.folder, mle.folder, "--candidates", "2", "--n", "20", "--resamples", "0")
    assert shown.code == 0
    assert "drawn plainly:" in " ".join(shown.out.split())
    with pytest.raises(UserError, match=f"^{mle.folder}: `candidates` need .* it has no discriminator"):
        bt.evaluate([mle], candidates=3, **how)
    with pytest.raises(UserError, match=f"^{mle.folder}: `correct` prefixes needs .* `objective` mle"):
        bt.evaluate([mle, whole, ["some text"]], correct="prefixes", **how)


def test_a_sweep_draws_candidates_at_every_temperature(data: bt.DatasetDirectory, tmp_path: Path) -> None:
    run = bt.train(data, out=tmp_path / "run", **SMALL)
    made = bt.sweep({"mine": run}, [0.5, 1.0], data=data, count=30, candidates=3, judges=bt.Judges.quick())
    effective = made.settings["effective candidates"]
    assert list(effective) == ["mine at 0.5", "mine at 1"]
    assert all(1.0 <= number <= 3.0 for number in effective.values())
    assert made.settings["drawn plainly"] == {}
    plain = bt.sweep({"mine": run}, [0.5, 1.0], data=data, count=30, judges=bt.Judges.quick())
    assert [point.scores for point in plain.points[:2]] != [point.scores for point in made.points[:2]]
    assert plain.settings["effective candidates"] == {}
