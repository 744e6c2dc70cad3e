"""Forward and reverse likelihood by the project's recurrent net, trained by maximum likelihood."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bgan_text.cli.progress import Work
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.evaluation.token_rows import TokenRows
from bgan_text.scores.language_model import LanguageModel
from bgan_text.scores.language_model_fit import LanguageModelSettings, fit_language_model
from bgan_text.scores.likelihood import log_likelihood
from bgan_text.scores.score import Score

SETTINGS = LanguageModelSettings()


def fitted(
    title: str, rows: Tensor, space_of: TokenRows, seed: int, device: torch.device, work: Work
) -> LanguageModel:
    """A model of these rows, at the budget of all."""
    with work.part(title) as progress:
        return fit_language_model(
            rows, space_of.space, settings=SETTINGS, seed=seed, device=device, progress=progress
        )


class Likelihoods:
    """Judges samples; the model of real text is trained once."""

    def __init__(self, rows: TokenRows, seed: int, device: torch.device, work: Work) -> None:
        self.rows, self.seed, self.device, self.work = rows, seed, device, work
        self._forward = self._fit("a model of real text", rows.training)

    def of(self, group: Group) -> Scores:
        """Both likelihoods of samples: how plausible they are, and how much of real text they imply."""
        samples = self.rows.of(group.texts)
        model = self._fit(f"a model of {group.name}", samples)
        return self._scores(log_likelihood(self._forward, samples, self.rows.vocabulary), model)

    def of_real(self, count: int) -> Scores:
        """The same of real text: held-out text, and as many training rows as there are samples."""
        model = self._fit("a model of as much real text", self.rows.some_training(count))
        forward = log_likelihood(self._forward, self.rows.held_out, self.rows.vocabulary)
        return self._scores(Score(forward.value, np.empty(0)), model)

    def _scores(self, forward: Score, model: LanguageModel) -> Scores:
        reverse = log_likelihood(model, self.rows.held_out, self.rows.vocabulary).value
        # The shares in it are those of real rows, which are not what is resampled.
        return {"forward-likelihood": forward, "reverse-likelihood": Score(reverse, np.empty(0))}

    def _fit(self, title: str, rows: Tensor) -> LanguageModel:
        return fitted(title, rows, self.rows, self.seed, self.device, self.work)

    def settings(self) -> dict[str, Any]:
        """What the numbers depend on."""
        return budget(self.rows) | {"held-out rows": len(self.rows.held_out)}


def budget(rows: TokenRows) -> dict[str, Any]:
    """What every model is and gets."""
    return {
        "real rows": len(rows.training),
        "vocabulary": rows.space.vocabulary,
        "unknown stands for": rows.vocabulary.others,
        "positions": rows.space.positions,
        "texts cut": rows.cut,
        "width": SETTINGS.width,
        "batch": SETTINGS.batch,
        "steps": SETTINGS.steps,
    }


def likelihood_scores(
    groups: Sequence[Group], rows: TokenRows, seed: int, device: torch.device, work: Work
) -> tuple[list[Scores], dict[str, Any]]:
    """Likelihoods of every group, the real anchor last; and the settings."""
    judge = Likelihoods(rows, seed, device, work)
    *models, _ = groups
    measured = [judge.of(group) for group in models]
    return [*measured, judge.of_real(max(len(group.texts) for group in models))], judge.settings()
