"""The validations of a run: which is the best, and for how long none was better."""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from bgan_text.interval import Interval
from bgan_text.validation_scores import LOWER, VALIDATION_SCORES

FROZEN = "frozen"
"""What the row of a validation is marked with if the generator had yet to learn."""
INTERRUPTED = "interrupted"
"""What the row of a validation is marked with that was made because the run was stopped."""


class Evaluations:
    """The values of one validation score over a run.

    Args:
        rows: rows of metrics.jsonl, those of steps among them.
        score: the name of the score, one of `VALIDATION_SCORES`.
        every: how often the run is validated. Validations between, as a run makes that is extended, do not
            count towards early stopping.

    Attributes:
        score: its name.
        values: its values by step, ascending.
        frozen: those of its steps at which the generator had yet to learn. None of them is the best, and they
            do not count towards early stopping: they differ by nothing but their step.
        interrupted: the steps of validations that an interruption made. They go as soon as the run goes on.

    Example:
        >>> rows = [{"step": step, "samples": [], "js-4": value} for step, value in ((2, 0.5), (4, 0.7))]
        >>> evaluations = Evaluations(rows, "js-4", Interval(steps=2))
        >>> evaluations.best(), evaluations.without_improvement()
        (2, 1)
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]], score: str, every: Interval) -> None:
        self.score, self.every = score, every
        self.values: dict[int, float] = {}
        self.frozen: set[int] = set()
        self.interrupted: set[int] = set()
        for row in rows:
            if is_evaluation(row):
                self.add(row["step"], row)

    def add(self, step: int, values: Mapping[str, Any]) -> None:
        """Take in a validation, its row of metrics.jsonl; one without a finite number is left out."""
        value = values.get(self.score)
        if isinstance(value, int | float) and math.isfinite(value):
            self.values[step] = float(value)
            if values.get(FROZEN):
                self.frozen.add(step)
            if values.get(INTERRUPTED):
                self.interrupted.add(step)

    def best(self, steps: Collection[int] | None = None, *, interrupted: bool = True) -> int | None:
        """The step with the best value, the first of equals; None if there is none.

        Args:
            steps: those among which it is chosen; None for all.
            interrupted: whether validations that an interruption made are among them.
        """
        known = [step for step in self._counted() if steps is None or step in steps]
        known = [step for step in known if interrupted or step not in self.interrupted]
        sign = 1.0 if VALIDATION_SCORES[self.score] == LOWER else -1.0
        return min(known, key=lambda step: (sign * self.values[step], step), default=None)

    def last(self) -> float | None:
        """The newest value; None if there is none."""
        return next(reversed(self.values.values()), None)

    def without_improvement(self) -> int:
        """How many of the last validations were not better than the best one before them."""
        every = self.every.steps
        regular = [step for step in self._counted() if step not in self.interrupted]
        regular = [step for step in regular if every is None or step % every == 0]
        best = self.best(regular)
        return 0 if best is None else sum(step > best for step in regular)

    def _counted(self) -> list[int]:
        return [step for step in self.values if step not in self.frozen]


def is_evaluation(row: Mapping[str, Any]) -> bool:
    """Whether a row of metrics.jsonl is that of a validation, and not that of a step."""
    return "samples" in row
