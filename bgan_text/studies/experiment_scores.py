"""Scores of the runs of an experiment, over seeds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean, variance
from typing import Any

from bgan_text.cli.console import number
from bgan_text.cli.progress import RichReporter
from bgan_text.evaluation.evaluate import evaluate
from bgan_text.evaluation.formats import formatted
from bgan_text.evaluation.inputs import REAL
from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.evaluation.report import Report
from bgan_text.studies.experiment import lower
from bgan_text.studies.results import over_seeds
from bgan_text.studies.runner import Runner

Scores = Mapping[str, float]
SCORES = "scores.json"
ERRORS = 2.0
"""Standard errors that two means over seeds have to be apart to be told apart."""


class Scored:
    """The scores of every run that did not fail, and of real samples."""

    def __init__(self, bench: Runner, *, critic: bool = False) -> None:
        names = {str(attempt.folder): key for key, attempt in bench.finished().items()}
        options = EvaluationOptions(
            count=bench.scale.samples, critic=critic, resamples=0, device=bench.device
        )
        self.report = (
            bench.measured(SCORES, lambda: _report(bench, list(names), options).to_json()) if names else {}
        )
        self.failed = {method for method, _ in bench.attempts.keys() - bench.finished().keys()}
        columns = {
            column["name"]: {name: number(cell["value"]) for name, cell in column["scores"].items()}
            for column in self.report.get("models", [])
        }
        self.real: Scores = columns.pop(REAL, {})
        self.runs = {names[name]: scores for name, scores in columns.items()}

    def of(self, method: str, score: str) -> list[float]:
        """A score of a method's runs, of those that did not fail, seed by seed."""
        return [
            scores[score] for (name, _), scores in self.runs.items() if name == method and score in scores
        ]

    def mean(self, method: str, score: str) -> float:
        """Its mean over seeds; NaN if no run has it, or one has failed."""
        values = self.of(method, score)
        return math.nan if method in self.failed or not values else fmean(values)

    def nearer(self, ours: str, theirs: str, score: str) -> bool | None:
        """Whether a method's mean over seeds is lower than another's; None where it cannot be told.

        That is where one is not known, or they are less than `ERRORS` apart; one seed each has no error.
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
        return {"runs": runs, "real": dict(self.real), "settings": self.report.get("settings", {})}


def _within_noise(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    squares = [variance(values) / len(values) for values in (ours, theirs) if len(values) > 1]
    return abs(fmean(ours) - fmean(theirs)) < ERRORS * math.sqrt(sum(squares))


def _report(bench: Runner, folders: list[str], options: EvaluationOptions) -> Report:
    judges = Judges.quick() if bench.scale.quick else Judges()
    return evaluate(
        folders,
        data=bench.prepared,
        options=options,
        judges=replace(judges, critics=bench.scale.critics),
        reporter=RichReporter(),
    )
