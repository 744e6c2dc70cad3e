"""The scores of text that need a network, as far as they were asked for."""

from collections.abc import Sequence
from typing import Any

from bgan_text.device import choose_device
from bgan_text.evaluation.causal_language_models import causal_scores
from bgan_text.evaluation.critics import critic_scores
from bgan_text.evaluation.embeddings import embedding_scores
from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.likelihoods import likelihood_scores
from bgan_text.evaluation.molecules import molecule_scores
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.evaluation.text_inputs import Real
from bgan_text.evaluation.token_rows import TokenRows
from bgan_text.reporter import Reporter
from bgan_text.scores.threads import one_thread


def network_scores(
    groups: Sequence[Group],
    real: Real,
    units: str,
    options: EvaluationOptions,
    judges: Judges,
    reporter: Reporter,
) -> tuple[list[Scores], dict[str, Any]]:
    """The scores of each group, and the settings of each kind of score."""
    found: list[Scores] = [{} for _ in groups]
    settings: dict[str, Any] = {}
    seed, device = options.seed, choose_device(options.device)
    likelihood = options.likelihood and real.grammar is None  # the grammar gives exact values
    rows = TokenRows(options, real, units, judges.vocabulary) if likelihood or options.critic else None
    with one_thread():
        if options.embed is not None:
            scores, settings["embed"] = embedding_scores(
                groups, real, options.embed, mauve=options.mauve, seed=seed, device=device, reporter=reporter
            )
            _add(found, scores)
        if options.perplexity is not None or options.mauve_features is not None:
            scores, more = causal_scores(groups, real, options, device, reporter)
            settings |= more
            _add(found, scores)
        if options.molecules:
            scores, settings["molecules"] = molecule_scores(
                groups, real, seed=seed, device=device, reporter=reporter
            )
            _add(found, scores)
        if rows is not None and likelihood:
            scores, settings["likelihood"] = likelihood_scores(groups, rows, seed, device, judges, reporter)
            _add(found, scores)
        if rows is not None and options.critic:
            scores, settings["critic"] = critic_scores(groups, rows, seed, device, judges, reporter)
            _add(found, scores)
    return found, settings


def _add(found: list[Scores], scores: list[Scores]) -> None:
    for one, more in zip(found, scores, strict=True):
        one |= more
