"""Scores under a pretrained causal language model, of models and of the anchor."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import torch

from bgan_text.evaluation.inputs import drawn
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.evaluation.text_inputs import Real
from bgan_text.reporter import Reporter
from bgan_text.scores.causal_language_model import CausalLanguageModel, load_causal, perplexity
from bgan_text.scores.mauve import mauve


def causal_scores(
    groups: Sequence[Group],
    real: Real,
    options: EvaluationOptions,
    device: torch.device,
    reporter: Reporter,
) -> tuple[list[Scores], dict[str, Any]]:
    """Perplexity, and MAUVE on features, of each group as far as they were asked for, and the settings."""
    found: list[Scores] = [{} for _ in groups]
    settings: dict[str, Any] = {}
    loaded: dict[str, CausalLanguageModel] = {}
    for name in (options.perplexity, options.mauve_features):
        if name is not None and name not in loaded:
            with reporter.task(f"loading {name}"):
                loaded[name] = load_causal(name, device)
    if options.perplexity is not None:
        judge = loaded[options.perplexity]
        for group, scores in zip(groups, found, strict=True):
            with reporter.task(f"perplexity of {group.name}"):
                scores["perplexity"] = perplexity(group.texts, judge)
        cut = [judge.cut(group.texts) for group in groups]
        settings["perplexity"] = judge.settings() | {"texts cut": cut}
    if options.mauve_features is not None:
        judge = loaded[options.mauve_features]
        counts = []
        for group, scores in zip(groups, found, strict=True):
            references = islice(real.references(), 1, None, 2) if group.alternate else real.references()
            chosen = drawn(references, len(group.texts), options.seed)
            counts.append(len(chosen))
            with reporter.task(f"features of {group.name}"):
                if chosen:  # a single reference is the anchor itself
                    sides = (judge.features(group.texts), judge.features(chosen))
                    scores["language-model-mauve"] = mauve(*sides, options.seed)
        settings["mauve features"] = judge.settings() | {"references": counts}
    return found, settings
