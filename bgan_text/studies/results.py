"""What a comparison has found: means and standard deviations over seeds, method by method."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bgan_text.evaluation.registry import ENTRIES
from bgan_text.evaluation.report import Cell, Column, Report
from bgan_text.files import finite
from bgan_text.studies.methods import Method
from bgan_text.training.drawing import PLAIN, Drawing

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class RunResult:
    """One run: how far it was trained, its scores, and those of real samples.

    `settings`: those of the scores. `failed`: the reason of a failure; such a run has no scores. `effective`:
    how many candidates carried the weight, if samples had several.
    """

    seed: int
    folder: Path
    steps: int
    seconds: float
    scores: Mapping[str, float] = field(default_factory=dict)
    real: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    failed: str | None = None
    effective: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The run without its scores."""
        return {
            "seed": self.seed,
            "folder": str(self.folder),
            "steps": self.steps,
            "seconds": self.seconds,
            "failed": self.failed,
            "effective candidates": self.effective,
        }


@dataclass(frozen=True)
class Row:
    """One method with its runs, seed by seed. `settings`: its full training settings without the seed.

    `drawing`: of the samples that are scored.
    """

    method: Method
    settings: Mapping[str, Any]
    outcomes: list[RunResult]
    drawing: Drawing = PLAIN

    @property
    def name(self) -> str:
        """What tables call the row."""
        return self.method.name if self.drawing.plain else f"{self.method.name}, {self.drawing.name}"

    def worked(self) -> list[RunResult]:
        """The runs that did not fail."""
        return [outcome for outcome in self.outcomes if outcome.failed is None]

    def values(self, score: str) -> list[float]:
        """A score of each run that did not fail and has it."""
        return [outcome.scores[score] for outcome in self.worked() if score in outcome.scores]

    def cell(self, score: str) -> Cell | None:
        """Mean and standard deviation of a score over runs; NaN if one of them is NaN."""
        return over_seeds(self.values(score))

    def steps(self) -> list[int]:
        """The generator steps of each run that did not fail."""
        return [outcome.steps for outcome in self.worked()]

    def score_names(self) -> list[str]:
        """The scores that the runs have."""
        return list(self.worked()[0].scores) if self.worked() else []

    def to_json(self) -> dict[str, Any]:
        """The method, its runs, and every score of each."""
        return self.method.to_json() | {
            "name": self.name,
            "candidates": self.drawing.candidates,
            "correct": self.drawing.correct,
            "settings": dict(self.settings),
            "runs": [outcome.to_json() for outcome in self.outcomes],
            "seeds": [outcome.seed for outcome in self.worked()],
            "steps": _summary(self.steps()),
            "scores": {
                name: {"better": ENTRIES[name].better} | _summary(self.values(name))
                for name in self.score_names()
            },
        }


def over_seeds(values: Iterable[float]) -> Cell | None:
    """Mean and sample standard deviation (ddof 1). One value has no deviation; no values give None."""
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
    """What is known of a comparison.

    Attributes:
        rows: the methods in the order given.
        columns: the scores that the table shows.
        training: what all runs have in common.
        missing: how many runs are not trained and scored yet.

    Example:
        >>> method = Method("importance (js)", {"objective": "importance"}, "importance")
        >>> scored = [RunResult(seed, Path("."), 9, 1.0, {"js-4": 0.2 + 0.1 * seed}) for seed in (0, 1)]
        >>> results = ComparisonResults([Row(method, {}, scored)], ["js-4"], {}, missing=0)
        >>> round(float(results.to_frame().loc["importance (js)", ("js-4", "mean")]), 3)
        0.25
    """

    rows: list[Row]
    columns: list[str]
    training: Mapping[str, Any]
    missing: int

    def failures(self) -> list[tuple[Method, RunResult]]:
        """The runs that failed."""
        rows = [row for row in self.rows if row.drawing.plain]  # the others are of the same runs
        return [(row.method, one) for row in rows for one in row.outcomes if one.failed is not None]

    @property
    def drawing(self) -> Drawing:
        """Of the samples of the rows that a discriminator adds."""
        return Drawing(self.training["candidates"], self.training["correct"])

    def without_drawing(self) -> list[str]:
        """The methods whose discriminator can't draw so, with the reason."""
        rows = [row for row in self.rows if row.drawing.plain]
        reasons = {row.name: self.drawing.obstacle(row.settings) for row in rows}
        return [f"{name}, since {reason}" for name, reason in reasons.items() if reason is not None]

    def real(self) -> Mapping[str, float]:
        """The scores of real samples, the anchor of every run; empty before a run is scored."""
        first = self._first()
        return first.real if first is not None else {}

    def settings(self) -> dict[str, Any]:
        """The settings of the scores; empty before a run is scored."""
        first = self._first()
        return dict(first.settings) if first is not None else {}

    def scoring(self) -> Report | None:
        """A report with these settings and no scores."""
        if self._first() is None:
            return None
        samples = {"each run": self.training["samples"]}
        return Report([Column("each run", {}, {})], self.settings() | {"samples": samples})

    def _first(self) -> RunResult | None:
        return next((one for row in self.rows for one in row.worked()), None)

    def to_json(self) -> dict[str, Any]:
        """Every score of every run, their means and deviations, and all settings; undefined is None."""
        return dict(
            finite(
                {
                    "methods": [row.to_json() for row in self.rows],
                    "real": dict(self.real()),
                    "missing": self.missing,
                    "training": dict(self.training),
                    "settings": self.settings(),
                }
            )
        )

    def to_markdown(self) -> str:
        """The table in GitHub's Markdown, with notes below."""
        from bgan_text.studies.comparison_table import to_markdown

        return to_markdown(self)

    def to_frame(self) -> "pandas.DataFrame":
        """A row per method; columns (score, "mean") and (score, "deviation"), for all scores and steps.

        The last row is "real", whose deviation is NaN as is that of a single run.
        """
        from bgan_text.studies.comparison_table import to_frame

        return to_frame(self)

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        from bgan_text.studies.comparison_table import to_html

        return to_html(self)
