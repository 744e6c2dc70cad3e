"""Scores of the runs of an experiment, over seeds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean, variance
from typing import Any

from bgan_text.evaluation.formats import formatted
from bgan_text.evaluation.judges import Judges
from bgan_text.studies.experiment import lower
from bgan_text.studies.experiment_runs import ExperimentRuns, Key
from bgan_text.studies.results import over_seeds
from bgan_text.studies.scoring import Scoring, scores_of

STANDARD_ERRORS = 2.0
"""How many standard errors two means over seeds must differ by."""


class Scored:
    """The scores of every run that did not fail, and of real samples.

    Attributes:
        runs: scores by method and seed.
        real: scores of real samples.
        failed: the methods of which a run failed.
        settings: what the scores depend on.
    """

    def __init__(self, runs: ExperimentRuns, *, critic: bool = False) -> None:
        scale = runs.scale
        judges = replace(Judges.quick() if scale.quick else Judges(), critics=scale.critics)
        scoring = Scoring(samples=scale.samples, critic=critic, judges=judges)
        found = scores_of(runs.runner, runs.runner.runs, scoring)
        keys = {run: key for key, run in runs.planned.items()}
        first = next(iter(found.values()), None)
        self.runs: dict[Key, Mapping[str, float]] = {keys[run]: one.scores for run, one in found.items()}
        self.real: Mapping[str, float] = first.real if first is not None else {}
        self.settings: Mapping[str, Any] = first.settings if first is not None else {}
        self.failed = runs.failed()

    def of(self, method: str, score: str) -> list[float]:
        """A score of the runs of a method that did not fail, seed by seed."""
        return [
            scores[score] for (name, _), scores in self.runs.items() if name == method and score in scores
        ]

    def mean(self, method: str, score: str) -> float:
        """Its mean over seeds; NaN if no run has the score, or one has failed."""
        values = self.of(method, score)
        return math.nan if method in self.failed or not values else fmean(values)

    def nearer(self, ours: str, theirs: str, score: str) -> bool | None:
        """Whether the mean of a method over seeds is lower than that of another.

        None if that is inconclusive: a mean is unknown, or they differ by less than `STANDARD_ERRORS`
        standard errors. A single seed has none.
        """
        known = lower(self.mean(ours, score), self.mean(theirs, score))
        return None if known is None or _within_noise(self.of(ours, score), self.of(theirs, score)) else known

    def cells(self, method: str, scores: Iterable[str]) -> list[str]:
        """Mean and deviation of each score over the runs that did not fail, as a table shows them."""
        return [formatted(over_seeds(self.of(method, score))) for score in scores]

    def real_cells(self, scores: Iterable[str]) -> list[str]:
        """The same of real samples."""
        return [formatted(over_seeds([self.real[score]] if score in self.real else [])) for score in scores]

    def to_json(self) -> dict[str, Any]:
        """Every score of every run, and what they depend on."""
        runs = {f"{method}, seed {seed}": dict(scores) for (method, seed), scores in self.runs.items()}
        return {"runs": runs, "real": dict(self.real), "settings": dict(self.settings)}


def _within_noise(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    squares = [variance(values) / len(values) for values in (ours, theirs) if len(values) > 1]
    return abs(fmean(ours) - fmean(theirs)) < STANDARD_ERRORS * math.sqrt(sum(squares))
