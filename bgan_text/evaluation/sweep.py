"""Quality against diversity over sampling temperatures: one point proves nothing.

Caccia et al. 2020, "Language GANs falling short": a model that is better at one temperature may be worse
at each level of diversity, so whole curves are compared, the one of maximum likelihood among them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from bgan_text.cli.progress import Work
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.evaluation.inputs import REAL, Model, Request, gather, samples_of
from bgan_text.evaluation.likelihoods import Likelihoods, budget, fitted
from bgan_text.evaluation.ngrams import Group, Numbered, Scores, anchor_group
from bgan_text.evaluation.text import grammar_scores, settings_of, units_of
from bgan_text.evaluation.token_rows import TokenRows
from bgan_text.scores.threads import one_thread

TEMPERATURES = (0.5, 0.7, 0.85, 1.0, 1.15, 1.3)
BASELINE = "mle baseline"


@dataclass(frozen=True)
class Point:
    """One model at one temperature; `temperature` is None for a file and for real text."""

    model: str
    temperature: float | None
    scores: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Its scores by name."""
        return {"model": self.model, "temperature": self.temperature, "scores": self.scores}


@dataclass(frozen=True)
class Sweep:
    """Points model by model, real text last.

    `pairs`: (quality, diversity) scores that are drawn against each other.
    """

    points: list[Point]
    pairs: list[tuple[str, str]]
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "points": [point.to_json() for point in self.points],
            "pairs": [list(pair) for pair in self.pairs],
            "settings": self.settings,
        }

    def curves(self) -> dict[str, list[Point]]:
        """The points of each model."""
        models = dict.fromkeys(point.model for point in self.points)
        return {name: [point for point in self.points if point.model == name] for name in models}


@dataclass(frozen=True)
class Drawn:
    """Samples of a model at a temperature."""

    model: str
    temperature: float | None
    group: Group


def temperatures_of(text: str) -> list[float]:
    """Parse '0.7,1,1.3'."""
    try:
        values = sorted({float(part) for part in text.split(",")})
    except ValueError:
        values = []
    if not values or not all(0.0 < value < float("inf") for value in values):
        raise UserError(f"--temperatures {text}: numbers above 0 with commas between were expected")
    return values


def sweep(request: Request, temperatures: Sequence[float], *, likelihood: bool) -> Sweep:
    """Score runs at all temperatures, files as they are, real text, and a model of maximum likelihood.

    That model is trained here, at the budget of the likelihood scores, unless one of the runs is one.
    """
    models, real = gather(request)
    device, units = choose_device(request.device), units_of(request, models, real)
    rows = TokenRows(request, real, units)
    nets: dict[str, Any] = {}
    with Work() as work, one_thread():
        drawn = [one for model in models for one in _of_model(model, request, temperatures, work)]
        if not any(model.run is not None and model.run.config.objective == "mle" for model in models):
            count = request.count or max(len(model.texts) for model in models)
            drawn += _of_baseline(rows, temperatures, count, request.seed, device, work)
            nets[BASELINE] = budget(rows)
        drawn.append(Drawn(REAL, None, anchor_group(real.anchor)))
        numbered = Numbered.read(
            [one.group for one in drawn],
            real.references,
            None,
            units,
            request.window,
        )
        scored = list(_scored(numbered, work))
        pairs = [("bleu-5", "self-bleu-5")]
        if real.grammar is not None:
            pairs.append(("grammatical", "reverse-log-probability"))
            for one, scores in zip(drawn, scored, strict=True):
                scores |= grammar_scores(one.group.texts, real.grammar)
        elif likelihood:
            pairs.append(("forward-likelihood", "reverse-likelihood"))
            judge = Likelihoods(rows, request.seed, device, work)
            for one, scores in zip(drawn[:-1], scored, strict=False):
                scores |= judge.of(one.group)
            scored[-1] |= judge.of_real(max(len(one.group.texts) for one in drawn[:-1]))
            nets["likelihood"] = judge.settings()
    points = [
        Point(one.model, one.temperature, {name: score.value for name, score in scores.items()})
        for one, scores in zip(drawn, scored, strict=True)
    ]
    settings = settings_of(request, models, real, numbered) | {"temperature": list(temperatures)} | nets
    return Sweep(points, pairs, settings)


def _of_model(model: Model, request: Request, temperatures: Sequence[float], work: Work) -> Iterator[Drawn]:
    if model.run is None:
        yield Drawn(model.name, None, Group(model.name, model.texts))
        return
    with work.part(f"samples of {model.name}") as progress:
        for done, temperature in enumerate(temperatures, start=1):
            same = temperature == request.temperature
            texts = model.texts if same else samples_of(model.run, replace(request, temperature=temperature))
            progress(done, len(temperatures))
            yield Drawn(model.name, temperature, Group(f"{model.name} at {temperature:g}", texts))


def _of_baseline(
    rows: TokenRows, temperatures: Sequence[float], count: int, seed: int, device: torch.device, work: Work
) -> Iterator[Drawn]:
    # Another seed than the judge's, which would else be asked for its opinion of itself.
    model = fitted("the mle baseline", rows.training, rows, seed + 1, device, work)
    rng = torch.Generator(device).manual_seed(seed)
    for temperature in temperatures:
        texts = rows.texts(model.sample(count, rng, temperature))
        yield Drawn(BASELINE, temperature, Group(f"{BASELINE} at {temperature:g}", texts))


def _scored(numbered: Numbered, work: Work) -> Iterator[Scores]:
    with work.part("n-grams") as progress:
        for done, scores in enumerate(numbered.scores(), start=1):
            progress(done, len(numbered.groups))
            yield scores
