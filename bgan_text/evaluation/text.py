"""Score models that make text, and real text, in the same way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from bgan_text import __version__
from bgan_text.corpora.grammar import Grammar
from bgan_text.corpora.grammar_fit import fit
from bgan_text.corpora.ngram_units import WITHOUT_SPACES
from bgan_text.corpora.sacrebleu_tokenizers import fitting_tokenizer, sacrebleu_splitter
from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.evaluation.candidate_settings import candidate_settings
from bgan_text.evaluation.command_judge import judge_scores
from bgan_text.evaluation.custom import CustomScores
from bgan_text.evaluation.enough import noted
from bgan_text.evaluation.held_out import held_out_rows, held_out_scores
from bgan_text.evaluation.inputs import Inputs
from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.networks import network_scores
from bgan_text.evaluation.ngrams import (
    Group,
    Numbered,
    Scores,
    anchor_group,
    corpus_bleu_scores,
    unknown_share,
)
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.evaluation.oracle import oracle_scores
from bgan_text.evaluation.report import Column, Report, column
from bgan_text.evaluation.text_inputs import Model, Real, gather
from bgan_text.evaluation.translation import chrf_scores
from bgan_text.reporter import Reporter
from bgan_text.scores.chrf import signature as chrf_signature
from bgan_text.scores.corpus_bleu import signature
from bgan_text.scores.score import SHARE, Score, mean
from bgan_text.scores.sequences import Sequences
from bgan_text.scores.uncertainty import ratio

LEAST_GRAMMATICAL = 100
"""The least number of samples to estimate a grammar from: with fewer, smoothing decides the result."""
MANY_UNKNOWN = 0.2
"""A model's share of unknown tokens may exceed that of real text by this much without a warning."""
MOSTLY_UNKNOWN = 0.5
"""The share of real text that may be unknown to other real text without a warning."""
QUANTILES = (5, 25, 50, 75, 95)


@dataclass
class Measured:
    """The scores of one group."""

    group: Group
    lengths: Sequences
    scores: Scores


def score_texts(
    inputs: Inputs, options: EvaluationOptions, judges: Judges, custom: CustomScores, reporter: Reporter
) -> Report:
    """Score every run, file and list of texts, and the anchor."""
    if options.fid is not None:
        raise UserError(f"`fid` {options.fid} has no meaning for text: it belongs to scores of images")
    models, real = gather(inputs, options, reporter)
    groups = [*(Group(model.name, model.texts) for model in models), anchor_group(real.anchor)]
    units = units_of(options, models, real)
    tokenizer = bleu_tokenizer(options, units, real)
    # Before what takes long: a training may remove the checkpoint meanwhile.
    held_out = [_held_out(model, real, options) for model in models]
    # Likewise, since a program of the user's may fail.
    own = [custom.of(list(group.texts), group.name, reporter) for group in groups]
    numbered = Numbered.read(
        groups,
        real.references,
        real.training.texts if real.training is not None else None,
        units,
        tokenizer,
        options.window,
        options.seed,
    )
    measured = _measure(groups, numbered, real, reporter)
    if options.chrf:
        for one, scores in zip(measured, chrf_scores(groups, real.references, reporter), strict=True):
            one.scores |= scores
    for one, scores in zip(measured, held_out, strict=False):  # the last one measured is real text
        one.scores |= scores
    if real.oracle is not None and real.data is not None:
        exact = oracle_scores(groups, held_out_rows(real.data), real.oracle, reporter)
        for one, scores in zip(measured, exact, strict=True):
            one.scores |= scores
    _warn(measured, reporter)
    _warn_of_leaks(inputs, reporter)
    more, network_settings = network_scores(groups, real, units, options, judges, reporter)
    for one, scores, found in zip(measured, more, own, strict=True):
        one.scores |= scores | found
    trained = network_settings.get("likelihood", {}).get("real rows")
    for one in measured:
        references = len(numbered.references) // (2 if one.group.alternate else 1)
        counts = {"samples": len(one.group.texts), "references": references}
        one.scores = noted(one.scores, counts | ({} if trained is None else {"training texts": trained}))
    settings = settings_of(options, models, real, numbered) | network_settings
    columns = [_column(one, options, place) for place, one in enumerate(measured)]
    return Report(columns, settings, registry=custom.registry())


def _held_out(model: Model, real: Real, options: EvaluationOptions) -> Scores:
    """The scores of held-out data under the generator of a run."""
    if model.run is None or real.data is None:
        return {}
    return held_out_scores(
        model.run, real.data, replace(options, step=model.step), choose_device(options.device)
    )


def _measure(groups: list[Group], numbered: Numbered, real: Real, reporter: Reporter) -> list[Measured]:
    measured = []
    with reporter.task("n-grams", "models") as progress:
        for (group, lengths), scores in zip(numbered.groups, numbered.scores(), strict=True):
            if real.grammar is not None:
                scores |= grammar_scores(group.texts, real.grammar)
            measured.append(Measured(group, lengths, scores))
            progress(len(measured), len(groups))
    if not numbered.has_corpus_bleu:
        more = corpus_bleu_scores(groups, real.references, numbered.tokenizer)
        for one, scores in zip(measured, more, strict=True):
            one.scores |= scores
    return measured


def units_of(options: EvaluationOptions, models: list[Model], real: Real) -> str:
    """The units that were asked for; else those of the data or the runs without words, else words."""
    if options.tokenize is not None:
        return options.tokenize
    signatures = {model.run.data["tokenizer"] for model in models if model.run is not None}
    if real.data is not None:
        signatures = {real.data.tokenizer_signature}
    kinds = {name.partition(":")[0] for name in signatures}
    return kinds.pop() if len(kinds) == 1 and kinds <= set(WITHOUT_SPACES) else "whitespace"


def bleu_tokenizer(options: EvaluationOptions, units: str, real: Real) -> str:
    """The tokenizer of corpus BLEU, by sacrebleu's name: the one asked for, else the one that fits real text.

    Raises:
        UserError: something that it needs is absent.
    """
    name = options.sacrebleu_tokenize or fitting_tokenizer(units, real.anchor.texts)
    sacrebleu_splitter(name)
    return name


def grammar_scores(texts: Sequence[str], grammar: Grammar) -> Scores:
    """The share of grammatical samples, their probability, and the probability of real text they imply."""
    sentences = [text.split(" ") for text in texts]
    exact = np.array([grammar.log_prob(words) for words in sentences])
    possible = np.isfinite(exact).astype(np.float64)
    fitted = fit(grammar, sentences)
    few = f"{fitted.used} grammatical samples, at least {LEAST_GRAMMATICAL} are needed"
    enough = fitted.used >= LEAST_GRAMMATICAL
    reverse = fitted.reverse if enough else math.nan
    return {
        "grammatical": mean(possible, SHARE),
        "log-probability": ratio(np.where(possible > 0, exact, 0.0), possible),
        "reverse-log-probability": Score(reverse, fitted.each, note="" if enough else few),
    }


def _column(measured: Measured, options: EvaluationOptions, place: int) -> Column:
    lengths = measured.lengths.lengths
    quantiles = np.percentile(lengths, QUANTILES).tolist() if len(lengths) else []
    return column(
        measured.group.name,
        measured.scores,
        lengths={f"{quantile}%": value for quantile, value in zip(QUANTILES, quantiles, strict=False)},
        seed=(options.seed, place),
        resamples=options.resamples,
    )


def _warn(measured: list[Measured], reporter: Reporter) -> None:
    *models, anchor = measured
    if len({len(one.group.texts) for one in models}) > 1:
        reporter.warning("the models have different numbers of samples, on which every n-gram score depends.")
    usual = unknown_share(anchor.scores)
    if usual > MOSTLY_UNKNOWN:
        reporter.warning(
            f"{usual:.0%} of the tokens of real text occur in no other reference. If these texts have no "
            "spaces, use `tokenize` char."
        )
    for one in models:
        _warn_of(one, usual, reporter)


def _warn_of(model: Measured, usual: float, reporter: Reporter) -> None:
    name, texts = model.group.name, model.group.texts
    if empty := sum(not text.strip() for text in texts):
        reporter.warning(f"{empty} of the {len(texts)} samples of {name} are empty; they score 0.")
    if len(texts) == 1:
        reporter.warning(f"{name} has one sample: Self-BLEU and intervals are not defined for it.")
    if (unknown := unknown_share(model.scores)) > usual + MANY_UNKNOWN:
        reporter.warning(
            f"{unknown:.0%} of the tokens of {name} occur in no reference (of real text {usual:.0%}). If it "
            "is tokenized or cased in another way than the reference, use `tokenize` or `lowercase`; else "
            "the model has learned little."
        )


def _warn_of_leaks(inputs: Inputs, reporter: Reporter) -> None:
    """Warn of the same file in two roles."""
    files = [(source.name, source.content) for source in inputs.models]
    files += [("`reference`", inputs.reference or ""), ("`train`", inputs.train or "")]
    paths = [(name, Path(file)) for name, file in files if isinstance(file, str) and file]
    for (one, path), (other, again) in combinations(paths, 2):
        if path.is_file() and again.is_file() and path.samefile(again):
            reporter.warning(f"{one} and {other} are the same file, so what they share says nothing.")


def settings_of(
    options: EvaluationOptions, models: list[Model], real: Real, numbered: Numbered
) -> dict[str, Any]:
    """Everything that the numbers depend on."""
    references = len(numbered.references)
    return {
        "tokenize": numbered.units,
        "lowercase": real.lowercase,
        "column": options.column,
        "encoding": options.encoding,
        "window": numbered.window,
        "samples": {model.name: len(model.texts) for model in models},
        "reference": real.name,
        "references": references,
        "training": real.training.name if real.training is not None else None,
        "data": real.data.signature if real.data is not None else None,
        "anchor": real.anchor.title,
        "seed": options.seed,
        "temperature": options.temperature,
        **candidate_settings(
            options,
            {model.name: model.step for model in models},
            {model.name: model.effective for model in models},
            {model.name: model.obstacle for model in models},
        ),
        "smoothing": "method1",
        "sacrebleu": signature(numbered.tokenizer, lowercase=real.lowercase, references=references),
        "chrf": chrf_signature(lowercase=real.lowercase, references=references) if options.chrf else None,
        "judge": {name: score.about for name, score in judge_scores(options.judge).items()},
        "resamples": options.resamples,
        "version": __version__,
    }
