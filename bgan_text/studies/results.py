"""What a comparison has found so far: means and deviations over seeds, method by method."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bgan_text.evaluation.registry import ENTRIES
from bgan_text.evaluation.report import Cell, Column, Report
from bgan_text.studies.compared_run import RunResult
from bgan_text.studies.methods import Method


@dataclass(frozen=True)
class Row:
    """One method with what came of its runs, seed by seed; `settings`: those of `train`, without seed."""

    method: Method
    settings: Mapping[str, Any]
    outcomes: list[RunResult]

    def worked(self) -> list[RunResult]:
        """The runs that did not fail."""
        return [outcome for outcome in self.outcomes if outcome.failed is None]

    def values(self, score: str) -> list[float]:
        """A score of each run that worked and has it."""
        return [outcome.scores[score] for outcome in self.worked() if score in outcome.scores]

    def cell(self, score: str) -> Cell | None:
        """Mean and deviation of a score over the runs that worked, NaN if it is of one of them."""
        return over_seeds(self.values(score))

    def steps(self) -> list[int]:
        """The steps of each run that worked."""
        return [outcome.steps for outcome in self.worked()]

    def to_json(self) -> dict[str, Any]:
        """The method, its runs, and every score of each."""
        names = self.worked()[0].scores if self.worked() else {}
        return {
            "name": self.method.name,
            "generator": self.method.generator,
            "objective": self.method.objective,
            "divergence": self.method.divergence,
            "credit": self.method.credit,
            "settings": dict(self.settings),
            "runs": [outcome.to_json() for outcome in self.outcomes],
            "seeds": [outcome.seed for outcome in self.worked()],
            "steps": _summary(self.steps()),
            "scores": {
                name: {"better": ENTRIES[name].better} | _summary(self.values(name)) for name in names
            },
        }


def over_seeds(values: Iterable[float]) -> Cell | None:
    """Mean and sample standard deviation (ddof 1), which one value does not have; None of no values."""
    numbers = np.array(list(values), dtype=np.float64)
    if not len(numbers):
        return None
    deviation = float(numbers.std(ddof=1)) if len(numbers) > 1 else None
    return Cell(float(numbers.mean()), np.nan, np.nan, deviation)


def _summary(values: list[float] | list[int]) -> dict[str, Any]:
    cell = over_seeds(values)
    return {
        "values": values,
        "mean": cell.value if cell is not None else None,
        "deviation": cell.deviation if cell is not None else None,
    }


@dataclass(frozen=True)
class ComparisonResults:
    """All rows. `columns`: scores to show; `training`: what all runs share; `missing`: runs not yet over."""

    rows: list[Row]
    columns: list[str]
    training: Mapping[str, Any]
    missing: int

    def failures(self) -> list[tuple[Method, RunResult]]:
        """The runs that failed."""
        return [(row.method, one) for row in self.rows for one in row.outcomes if one.failed is not None]

    def real(self) -> Mapping[str, float]:
        """The scores of real text, which every run was scored beside."""
        first = self._first()
        return first.real if first is not None else {}

    def settings(self) -> dict[str, Any]:
        """The settings of `score`; none as long as nothing was scored."""
        first = self._first()
        return dict(first.settings) if first is not None else {}

    def scoring(self) -> Report | None:
        """A report with those settings, for what `score` writes of them."""
        if self._first() is None:
            return None
        samples = {"each run": self.training["samples"]}
        return Report([Column("each run", {}, {}, {})], self.settings() | {"samples": samples})

    def _first(self) -> RunResult | None:
        return next((one for row in self.rows for one in row.worked()), None)

    def to_json(self) -> dict[str, Any]:
        """All of it, each run by itself too."""
        return {
            "methods": [row.to_json() for row in self.rows],
            "real": dict(self.real()),
            "missing": self.missing,
            "training": dict(self.training),
            "settings": self.settings(),
        }
