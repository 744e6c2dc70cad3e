"""Score models and real text in the same way."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bgan_text import __version__, scores
from bgan_text.corpora.grammar import Grammar
from bgan_text.corpora.ngram_units import splitter

from .console import say
from .texts import Model, Real, Request, gather

REAL = "real"

DIRECTIONS: dict[str, str] = {
    **{f"js-{order}": "lower" for order in range(1, 5)},
    **{f"bleu-{order}": "higher" for order in range(2, 6)},
    **{f"self-bleu-{order}": "lower" for order in range(2, 6)},
    **{f"distinct-{order}": "higher" for order in range(1, 5)},
    "distinct": "higher",
    "copied": "lower",
    "grammatical": "higher",
    "log-probability": "higher",
}
"""Every score, in the order of the table, and which way is better."""


@dataclass(frozen=True)
class Report:
    """Scores by model, in the order given, the real anchor last; and the settings behind them."""

    models: list[tuple[str, dict[str, float]]]
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Models with their scores, each with its value and its better direction."""
        return {
            "models": [
                {
                    "name": name,
                    "scores": {
                        score: {"value": value, "better": DIRECTIONS[score]}
                        for score, value in values.items()
                    },
                }
                for name, values in self.models
            ],
            "settings": self.settings,
        }


def score_models(request: Request) -> Report:
    """Score every run and file that was named, and the real anchor."""
    models, real = gather(request)
    units = request.tokenize or _units(models, real)
    split = splitter(units, lowercase=request.lowercase)
    samples = [[split(text) for text in model.texts] for model in models]
    references = [split(text) for text in real.references]
    window = request.window or _window(units, [tokens for group in samples for tokens in group], references)
    scored = [
        (model.name, _ngram_scores(tokens, references, window) | _text_scores(model.texts, real))
        for model, tokens in zip(models, samples, strict=True)
    ]
    anchor, against = (
        [split(text) for text in texts] for texts in (real.anchor.texts, real.anchor.references)
    )
    values = _ngram_scores(anchor, against, window) | _text_scores(real.anchor.texts, real)
    values.pop("copied", None)  # where the anchor is training text it would be 1 by construction
    scored.append((REAL, values))
    _warn(models)
    return Report(scored, _settings(request, models, real, units, window))


def _units(models: list[Model], real: Real) -> str:
    """Characters where the data or the runs are made of them, else words between white space."""
    signatures = {model.run.data["tokenizer"] for model in models if model.run is not None}
    if real.data is not None:
        signatures = {real.data.tokenizer_signature}
    return "char" if signatures and all(name.startswith("char") for name in signatures) else "whitespace"


def _window(units: str, samples: list[list[str]], references: list[list[str]]) -> int:
    """The longest reference; for characters, which are cut to a length, no more than the longest sample."""
    longest = max(map(len, references))
    return max(1, min(longest, max(map(len, samples))) if units == "char" else longest)


def _ngram_scores(samples: list[list[str]], references: list[list[str]], window: int) -> dict[str, float]:
    values = {f"js-{order}": value for order, value in scores.js(samples, references, window).items()}
    for name, each in (
        ("bleu", scores.bleu(samples, references)),
        ("self-bleu", scores.self_bleu(samples)),
    ):
        for order in range(2, 6):
            values[f"{name}-{order}"] = float(np.mean(each[order])) if samples else math.nan
    return values | {f"distinct-{order}": share for order, share in scores.distinct(samples).items()}


def _text_scores(texts: list[str], real: Real) -> dict[str, float]:
    values = {"distinct": scores.distinct_samples(texts)}
    if real.training is not None:
        values["copied"] = scores.copied(texts, real.training.texts())
    if real.grammar is not None:
        values |= _exact(texts, real.grammar)
    return values


def _exact(texts: list[str], grammar: Grammar) -> dict[str, float]:
    """Share of samples that the grammar can make, and the mean log-probability of those, in nats."""
    exact = [grammar.log_prob(text.split(" ")) for text in texts]
    possible = [value for value in exact if value > -math.inf]
    return {
        "grammatical": len(possible) / len(exact) if exact else math.nan,
        "log-probability": sum(possible) / len(possible) if possible else math.nan,
    }


def _warn(models: list[Model]) -> None:
    if len({len(model.texts) for model in models}) > 1:
        say("Warning: the models have different numbers of samples, on which every n-gram score depends.")
    for model in models:
        if empty := sum(not text.strip() for text in model.texts):
            say(
                f"Warning: {empty} of the {len(model.texts)} samples of {model.name} are empty; they score 0."
            )


def _settings(request: Request, models: list[Model], real: Real, units: str, window: int) -> dict[str, Any]:
    """All that the numbers depend on."""
    return {
        "tokenize": units,
        "lowercase": request.lowercase,
        "window": window,
        "samples": {model.name: len(model.texts) for model in models},
        "reference": real.name,
        "references": len(real.references),
        "training": real.training.name if real.training is not None else None,
        "data": real.data.signature if real.data is not None else None,
        "anchor": real.anchor.name,
        "seed": request.seed,
        "temperature": request.temperature,
        "smoothing": "method1",
        "version": __version__,
    }
