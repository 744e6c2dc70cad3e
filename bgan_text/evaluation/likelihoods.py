"""Forward and reverse likelihood under recurrent language models trained by maximum likelihood."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.evaluation.token_rows import TokenRows
from bgan_text.reporter import Reporter
from bgan_text.scores.language_model import LanguageModel
from bgan_text.scores.language_model_fit import LanguageModelSettings, fit_language_model
from bgan_text.scores.likelihood import log_likelihood
from bgan_text.scores.score import Score


class LanguageModels:
    """Trains language models of rows over one vocabulary, all with the same budget."""

    def __init__(
        self,
        rows: TokenRows,
        settings: LanguageModelSettings,
        seed: int,
        device: torch.device,
        reporter: Reporter,
    ) -> None:
        self.rows, self.settings, self.seed, self.device = rows, settings, seed, device
        self._reporter = reporter

    def fit(self, title: str, rows: Tensor, *, seed: int | None = None) -> LanguageModel:
        """A language model of (S, L) rows. `title`: what it is a model of, for the progress."""
        with self._reporter.task(title, "steps") as progress:
            return fit_language_model(
                rows,
                self.rows.space,
                settings=self.settings,
                seed=self.seed if seed is None else seed,
                device=self.device,
                progress=progress,
            )

    def budget(self) -> dict[str, Any]:
        """The size and the training of every model."""
        return {
            "real rows": len(self.rows.training),
            "vocabulary": self.rows.space.vocabulary,
            "unknown stands for": self.rows.vocabulary.others,
            "positions": self.rows.space.positions,
            "texts cut": self.rows.cut,
            "width": self.settings.width,
            "batch": self.settings.batch,
            "steps": self.settings.steps,
        }


class Likelihoods:
    """Judges samples by language models. That of real text is trained once."""

    def __init__(self, models: LanguageModels) -> None:
        self.models, self.rows = models, models.rows
        self._forward = models.fit("language model of real text", self.rows.training)

    def of(self, group: Group) -> Scores:
        """How plausible samples are (forward), and how well they cover real text (reverse)."""
        samples = self.rows.of(group.texts)
        model = self.models.fit(f"language model of {group.name}", samples)
        return self._scores(log_likelihood(self._forward, samples, self.rows.vocabulary), model)

    def of_real(self, count: int) -> Scores:
        """Forward likelihood of held-out text, and reverse likelihood of `count` training rows."""
        model = self.models.fit("language model of as much real text", self.rows.some_training(count))
        forward = log_likelihood(self._forward, self.rows.held_out, self.rows.vocabulary)
        return self._scores(Score(forward.value, np.empty(0)), model)

    def _scores(self, forward: Score, model: LanguageModel) -> Scores:
        reverse = log_likelihood(model, self.rows.held_out, self.rows.vocabulary).value
        # Its shares are those of real rows, but samples are what is resampled.
        return {"forward-likelihood": forward, "reverse-likelihood": Score(reverse, np.empty(0))}

    def settings(self) -> dict[str, Any]:
        """Everything that the numbers depend on."""
        return self.models.budget() | {"held-out rows": len(self.rows.held_out)}


def likelihood_scores(
    groups: Sequence[Group],
    rows: TokenRows,
    seed: int,
    device: torch.device,
    judges: Judges,
    reporter: Reporter,
) -> tuple[list[Scores], dict[str, Any]]:
    """The likelihoods of each group, the anchor last, and the settings."""
    judge = Likelihoods(LanguageModels(rows, judges.language_model, seed, device, reporter))
    *models, _ = groups
    measured = [judge.of(group) for group in models]
    return [*measured, judge.of_real(max(len(group.texts) for group in models))], judge.settings()
