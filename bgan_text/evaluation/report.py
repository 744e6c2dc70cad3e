"""What `score` reports: a column of cells for each model, differences, and the settings behind them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bgan_text.evaluation.registry import ENTRIES
from bgan_text.scores.score import Floats, Score
from bgan_text.scores.uncertainty import bounds, deviations


@dataclass(frozen=True)
class Cell:
    """A score's value and its bootstrap interval; NaN where there is none.

    `deviation`: the standard deviation over seeds, where the value is a mean over them.
    """

    value: float
    low: float
    high: float
    deviation: float | None = None

    def to_json(self) -> dict[str, float]:
        """The numbers by name."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        return numbers if self.deviation is None else numbers | {"deviation": self.deviation}


@dataclass(frozen=True)
class Column:
    """One model. `moved`: for each score how far it moves from resample to resample."""

    name: str
    cells: dict[str, Cell]
    moved: dict[str, Floats] = field(repr=False)
    lengths: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Its scores, each with its interval and its better direction, and quantiles of its lengths."""
        return {
            "name": self.name,
            "scores": {
                name: cell.to_json() | {"better": ENTRIES[name].better} for name, cell in self.cells.items()
            },
            "lengths": self.lengths,
        }


@dataclass(frozen=True)
class Difference:
    """Of a score between two models: first minus second, its interval, and what follows from it.

    `verdict`: first better, second better, differs (where no direction is better), within noise, or
    unknown where there is no interval.
    """

    cell: Cell
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Two models of a report, score by score."""

    first: str
    second: str
    differences: dict[str, Difference]

    def to_json(self) -> dict[str, Any]:
        """The differences by score."""
        return {
            "first": self.first,
            "second": self.second,
            "differences": {
                name: difference.cell.to_json() | {"verdict": difference.verdict}
                for name, difference in self.differences.items()
            },
        }


@dataclass(frozen=True)
class Report:
    """Scores by model, in the order given, the real anchor last; and the settings behind them."""

    columns: list[Column]
    settings: dict[str, Any]
    comparison: Comparison | None = None

    def to_json(self) -> dict[str, Any]:
        """Models with their scores, the comparison if one was asked for, and the settings."""
        report: dict[str, Any] = {"models": [column.to_json() for column in self.columns]}
        if self.comparison is not None:
            report["comparison"] = self.comparison.to_json()
        return report | {"settings": self.settings}


def column(
    name: str,
    scores: dict[str, Score],
    *,
    deviation: dict[str, float],
    lengths: dict[str, float],
    seed: tuple[int, int],
    resamples: int,
) -> Column:
    """Scores of one model with their intervals.

    Args:
        name: the model's.
        scores: of its samples.
        deviation: over seeds, of the scores that are means over them.
        lengths: quantiles.
        seed: of the resamples; another one for each column, since sample i of one model has nothing to do
            with that of another.
        resamples: how many; 0 leaves the intervals out.
    """
    moved: Floats = np.full((len(scores), 1), np.nan)
    if resamples:
        moved = deviations(list(scores.values()), seed, resamples)
    cells = {
        name: Cell(score.value, *bounds(score.value, movement), deviation.get(name))
        for (name, score), movement in zip(scores.items(), moved, strict=True)
    }
    return Column(name, cells, dict(zip(scores, moved, strict=True)), lengths)


def compared(columns: list[Column], pair: tuple[str, str] | None) -> Comparison | None:
    """Two of the columns by their names, if any are to be compared."""
    if pair is None:
        return None
    named = {one.name: one for one in columns}
    return compare(*(named[name] for name in pair))


def compare(first: Column, second: Column) -> Comparison:
    """Whether two models differ by more than another draw of their samples would move them."""
    shared = [name for name in first.cells if name in second.cells]
    return Comparison(first.name, second.name, {name: _difference(first, second, name) for name in shared})


def _difference(first: Column, second: Column, name: str) -> Difference:
    value = first.cells[name].value - second.cells[name].value
    cell = Cell(value, *bounds(value, first.moved[name] - second.moved[name]))
    return Difference(cell, _verdict(cell, ENTRIES[name].better))


def _verdict(cell: Cell, better: str) -> str:
    if np.isnan(cell.low):
        return "unknown"
    if cell.low <= 0 <= cell.high:
        return "within noise"
    if better == "real":
        return "differs"
    return "first better" if (cell.value > 0) == (better == "higher") else "second better"
