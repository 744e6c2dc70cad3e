"""The result of an evaluation: the scores of each model, their differences, and the settings behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas

from bgan_text.errors import choose
from bgan_text.evaluation import formats
from bgan_text.evaluation.registry import REGISTRY, Registry, ScoreInfo
from bgan_text.evaluation.verdict import verdict
from bgan_text.files import finite
from bgan_text.scores.score import Score
from bgan_text.scores.uncertainty import difference, intervals


@dataclass(frozen=True)
class Cell:
    """The value of a score and its 95 % interval, NaN if there is none. It need not be symmetric.

    `deviation`: the standard deviation over seeds, if the value is a mean over them; `seeds`: their number.
    `note`: why the value is undefined, or what makes it questionable.
    """

    value: float
    low: float
    high: float
    deviation: float | None = None
    note: str = ""
    seeds: int | None = None

    def to_json(self) -> dict[str, float | str]:
        """The numbers by name, and the note if there is one."""
        found: dict[str, float | str] = {"value": self.value, "low": self.low, "high": self.high}
        if self.deviation is not None:
            found["deviation"] = self.deviation
        if self.seeds is not None:
            found["seeds"] = self.seeds
        return found | ({"note": self.note} if self.note else {})


@dataclass(frozen=True)
class Column:
    """One model. `lengths`: quantiles."""

    name: str
    cells: dict[str, Cell]
    lengths: dict[str, float]


@dataclass(frozen=True)
class Difference:
    """The difference of a score between two models, first minus second, with its interval.

    `verdict`: "first better", "second better", "differs" (if no direction is better), "within noise", or
    "unknown" if there is no interval.
    """

    cell: Cell
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Two models of a report, score by score.

    `verdict`: one line that says which is better at quality, which at variety, and by which score.
    """

    first: str
    second: str
    differences: dict[str, Difference]
    verdict: str = ""

    def to_json(self) -> dict[str, Any]:
        """The differences by score, as JSON values."""
        return {
            "first": self.first,
            "second": self.second,
            "differences": {
                name: difference.cell.to_json() | {"verdict": difference.verdict}
                for name, difference in self.differences.items()
            },
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Report:
    """Scores by model, in the order given, with the anchor of real samples last.

    Attributes:
        columns: one per model.
        settings: everything that the numbers depend on.
        comparison: two of the models score by score, see `with_comparison`.
        registry: the scores that may occur, by group, in the order in which they are shown.

    Example:
        >>> report = evaluate("samples.txt", reference="real.txt")
        >>> report.to_frame().query("score == 'bleu-3'")["model"].tolist()
        ['samples.txt', 'real']
        >>> report.to_markdown().splitlines()[0]
        '| score | samples | real |'
    """

    columns: list[Column]
    settings: dict[str, Any]
    comparison: Comparison | None = None
    registry: Registry = field(default_factory=lambda: REGISTRY, repr=False)

    @property
    def entries(self) -> Mapping[str, ScoreInfo]:
        """The scores that may occur, by name."""
        return {name: entry for group in self.registry.values() for name, entry in group.items()}

    def compare(self, first: str, second: str) -> Comparison:
        """Whether two models differ by more than another draw of their samples would move them.

        Raises:
            UserError: there is no model of one of the names.
        """
        named = {column.name: column for column in self.columns}
        one, other = (choose("model", name, named) for name in (first, second))
        shared = [name for name in one.cells if name in other.cells]
        entries = self.entries
        differences = {name: _difference(one, other, name, entries[name].better) for name in shared}
        comparison = Comparison(first, second, differences)
        return replace(comparison, verdict=verdict(self, comparison))

    def with_comparison(self, first: str, second: str) -> "Report":
        """The same report, with `compare` of two models in every format."""
        return replace(self, comparison=self.compare(first, second))

    def to_json(self) -> dict[str, Any]:
        """Models with their scores, the comparison if there is one, and the settings; undefined is None."""
        entries = self.entries
        report: dict[str, Any] = {
            "models": [
                {
                    "name": column.name,
                    "scores": {
                        name: cell.to_json() | entries[name].to_json() for name, cell in column.cells.items()
                    },
                    "lengths": column.lengths,
                }
                for column in self.columns
            ]
        }
        if self.comparison is not None:
            report["comparison"] = self.comparison.to_json()
        return dict(finite(report | {"settings": self.settings}))

    def to_csv(self) -> str:
        """A line per model and score, each with all settings as JSON."""
        return formats.to_csv(self)

    def to_markdown(self) -> str:
        """A table in GitHub's Markdown, followed by the notes."""
        return formats.to_markdown(self)

    def to_latex(self) -> str:
        """A tabular for the booktabs package, preceded by the notes as comments."""
        return formats.to_latex(self)

    def to_frame(self) -> pandas.DataFrame:
        """A row per model and score: model, score, value, low, high, better."""
        entries = self.entries
        rows = [
            (column.name, name, cell.value, cell.low, cell.high, entries[name].better)
            for column in self.columns
            for name, cell in column.cells.items()
        ]
        return pandas.DataFrame(rows, columns=["model", "score", "value", "low", "high", "better"])

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        return formats.to_html(self)


def column(
    name: str,
    scores: Mapping[str, Score],
    *,
    lengths: dict[str, float],
    seed: tuple[int, int],
    resamples: int,
) -> Column:
    """The scores of one model with their intervals.

    Args:
        name: of the model.
        scores: of its samples.
        lengths: quantiles.
        seed: of the resamples; another one for each column, since sample i of one model has nothing to do
            with sample i of another.
        resamples: how many; 0 omits the intervals.
    """
    found = intervals(list(scores.values()), seed, resamples)
    cells = {
        name: Cell(score.value, low, high, score.deviation, score.note, score.seeds)
        for (name, score), (low, high) in zip(scores.items(), found, strict=True)
    }
    return Column(name, cells, lengths)


def _difference(first: Column, second: Column, name: str, better: str) -> Difference:
    one, other = first.cells[name], second.cells[name]
    bounds = difference(one.value, (one.low, one.high), other.value, (other.low, other.high))
    cell = Cell(one.value - other.value, *bounds)
    return Difference(cell, _verdict(cell, better))


def _verdict(cell: Cell, better: str) -> str:
    if np.isnan(cell.low):
        return "unknown"
    if cell.low <= 0 <= cell.high:
        return "within noise"
    if better == "real":
        return "differs"
    return "first better" if (cell.value > 0) == (better == "higher") else "second better"
