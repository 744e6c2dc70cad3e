"""Score models and real text in the same way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from bgan_text import __version__
from bgan_text.cli.console import say
from bgan_text.corpora.grammar import Grammar
from bgan_text.corpora.grammar_fit import fit
from bgan_text.errors import UserError
from bgan_text.evaluation.inputs import Model, Real, Request, gather
from bgan_text.evaluation.networks import net_scores
from bgan_text.evaluation.ngrams import (
    SACREBLEU,
    SACREBLEU_UNITS,
    Group,
    Numbered,
    Scores,
    anchor_group,
    corpus_bleu_scores,
    unknown_share,
)
from bgan_text.evaluation.report import Column, Report, column, compared
from bgan_text.scores.corpus_bleu import signature
from bgan_text.scores.distribution import memorised, unique
from bgan_text.scores.score import Score
from bgan_text.scores.sequences import Sequences
from bgan_text.scores.uncertainty import ratio

LEAST_GRAMMATICAL = 100
"""Samples that a grammar is estimated from at least: of fewer, smoothing decides more than they do."""
MANY_UNKNOWN = 0.2
"""How much more of a model's tokens than of real text's may be unknown before a warning."""
MOSTLY_UNKNOWN = 0.5
"""How much of real text may be unknown to other real text before a warning."""
QUANTILES = (5, 25, 50, 75, 95)


@dataclass
class Measured:
    """What was measured of one group; `deviation` where a score is a mean over seeds."""

    group: Group
    lengths: Sequences
    scores: Scores
    deviation: dict[str, float] = field(default_factory=dict)


def score_models(request: Request) -> Report:
    """Score every run and file that was named, and the real anchor."""
    if request.neighbours is not None:
        raise UserError(f"--neighbours {request.neighbours} has no meaning for text: it draws images")
    models, real = gather(request)
    groups = [*(Group(model.name, model.texts) for model in models), anchor_group(real.anchor)]
    units = units_of(request, models, real)
    numbered = Numbered.read(
        groups,
        real.references,
        real.training.texts if real.training is not None else None,
        units,
        request.window,
    )
    measured = _measure(request, groups, numbered, real)
    _warn(measured)
    _warn_of_leaks(request)
    with_nets, net_settings = net_scores(request, groups, real, units)
    for one, scores in zip(measured, with_nets, strict=True):
        one.scores |= scores.scores
        one.deviation = scores.deviation
    settings = settings_of(request, models, real, numbered) | net_settings
    columns = [_column(one, request, place) for place, one in enumerate(measured)]
    return Report(columns, settings, compared(columns[:-1], request.compare))


def _measure(request: Request, groups: list[Group], numbered: Numbered, real: Real) -> list[Measured]:
    measured = [
        Measured(group, lengths, scores | _text_scores(group, real))
        for (group, lengths), scores in zip(numbered.groups, numbered.scores(), strict=True)
    ]
    if numbered.units not in SACREBLEU:
        more = corpus_bleu_scores(groups, real.references)
        for one, scores in zip(measured, more, strict=True):
            one.scores |= scores
    return measured


def units_of(request: Request, models: list[Model], real: Real) -> str:
    """What was asked for, or characters where the data or runs are made of them, or words between spaces."""
    if request.tokenize is not None:
        return request.tokenize
    signatures = {model.run.data["tokenizer"] for model in models if model.run is not None}
    if real.data is not None:
        signatures = {real.data.tokenizer_signature}
    return "char" if signatures and all(name.startswith("char") for name in signatures) else "whitespace"


def _text_scores(group: Group, real: Real) -> Scores:
    scores = {"unique": unique(group.texts)}
    if real.training is not None and not group.trained:  # training text is copied by construction
        scores["memorised"] = memorised(group.texts, real.training.texts())
    if real.grammar is not None:
        scores |= grammar_scores(group.texts, real.grammar)
    return scores


def grammar_scores(texts: Sequence[str], grammar: Grammar) -> Scores:
    """What the grammar says of samples: how many it can make, how probable they are, what they imply."""
    sentences = [text.split(" ") for text in texts]
    exact = np.array([grammar.log_prob(words) for words in sentences])
    possible = np.isfinite(exact).astype(np.float64)
    fitted = fit(grammar, sentences)
    reverse = fitted.reverse if fitted.used >= LEAST_GRAMMATICAL else math.nan
    return {
        "grammatical": Score(float(possible.mean()) if len(texts) else math.nan, possible),
        "log-probability": ratio(np.where(possible > 0, exact, 0.0), possible),
        "reverse-log-probability": Score(reverse, fitted.each),
    }


def _column(measured: Measured, request: Request, place: int) -> Column:
    lengths = measured.lengths.lengths
    quantiles = np.percentile(lengths, QUANTILES).tolist() if len(lengths) else []
    return column(
        measured.group.name,
        measured.scores,
        deviation=measured.deviation,
        lengths={f"{quantile}%": value for quantile, value in zip(QUANTILES, quantiles, strict=False)},
        seed=(request.seed, place),
        resamples=request.resamples,
    )


def _warn(measured: list[Measured]) -> None:
    *models, anchor = measured
    if len({len(one.group.texts) for one in models}) > 1:
        say("Warning: the models have different numbers of samples, on which every n-gram score depends.")
    usual = unknown_share(anchor.scores)
    if usual > MOSTLY_UNKNOWN:
        say(
            f"Warning: {usual:.0%} of the tokens of real text stand in no other reference. If these texts "
            "have no spaces, use --tokenize char."
        )
    for one in models:
        name, size = one.group.name, len(one.group.texts)
        if empty := sum(not text.strip() for text in one.group.texts):
            say(f"Warning: {empty} of the {size} samples of {name} are empty; they score 0.")
        if size == 1:
            say(f"Warning: {name} has one sample: Self-BLEU and intervals are not defined for it.")
        if (unknown := unknown_share(one.scores)) > usual + MANY_UNKNOWN:
            say(
                f"Warning: {unknown:.0%} of the tokens of {name} stand in no reference (of real text "
                f"{usual:.0%}). If it is split or cased in another way than the reference, use --tokenize "
                "or --lowercase."
            )


def _warn_of_leaks(request: Request) -> None:
    """Files that stand on two sides."""
    real = [(f"--{name}", path) for name in ("reference", "train") if (path := getattr(request, name))]
    sides = [(name, Path(name)) for name in request.names()] + real
    for (one, path), (other, again) in combinations(sides, 2):
        if path.is_file() and again.is_file() and path.samefile(again):
            say(f"Warning: {one} and {other} are the same file, so what they share says nothing.")


def settings_of(request: Request, models: list[Model], real: Real, numbered: Numbered) -> dict[str, Any]:
    """All that the numbers depend on."""
    references = len(numbered.references)
    tokenizer = SACREBLEU.get(numbered.units, SACREBLEU_UNITS)
    return {
        "tokenize": numbered.units,
        "lowercase": request.lowercase,
        "window": numbered.window,
        "samples": {model.name: len(model.texts) for model in models},
        "reference": real.name,
        "references": references,
        "training": real.training.name if real.training is not None else None,
        "data": real.data.signature if real.data is not None else None,
        "anchor": real.anchor.title,
        "seed": request.seed,
        "temperature": request.temperature,
        "smoothing": "method1",
        "sacrebleu": signature(tokenizer, lowercase=request.lowercase, references=references),
        "resamples": request.resamples,
        "version": __version__,
    }
