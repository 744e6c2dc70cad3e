"""When a run is validated: at steps that a resumed run, too, is validated at."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from bgan_text.interval import Interval
from bgan_text.training.evaluations import is_evaluation


class Schedule:
    """The steps at which a run is validated: multiples of an interval of steps, or of training time.

    Both are counted from the start of the run and are in its checkpoints, so an interruption moves none of
    them. A process that was killed may have logged more than its last checkpoint knows. Its validations are
    then made again at their steps, however fast the steps are now.

    Args:
        every: the interval.
        step: the step that training starts from.
        elapsed: training time until then, in seconds.
        logged: rows of metrics.jsonl of later steps, which are to be made again.

    Example:
        >>> schedule = Schedule(Interval(seconds=10), step=0, elapsed=0.0)
        >>> [schedule.due(step, elapsed=4.0 * step) for step in range(1, 6)]
        [False, False, True, False, True]
    """

    def __init__(
        self, every: Interval, step: int, elapsed: float, logged: Iterable[Mapping[str, Any]] = ()
    ) -> None:
        self._every, self._passed = every, self._count(every, step, elapsed)
        rows = list(logged) if every.seconds is not None else []
        self._again = {row["step"]: float(row.get("seconds", 0.0)) for row in rows if is_evaluation(row)}
        last = rows[-1]["step"] if rows else step
        # Whether a validation would have followed the last row is not known, unless it is one.
        self._known = last if last in self._again else last - 1

    def due(self, step: int, elapsed: float) -> bool:
        """Whether to validate after a step. It is asked once for each, in order."""
        if step <= self._known:
            if step not in self._again:
                return False
            elapsed = max(elapsed, self._again[step])
        passed = self._count(self._every, step, elapsed)
        due = passed > self._passed or step in self._again
        self._passed = max(passed, self._passed)
        return due

    @staticmethod
    def _count(every: Interval, step: int, elapsed: float) -> int:
        """How many intervals have passed."""
        if every.steps is not None:
            return step // every.steps
        return math.floor(elapsed / every.seconds) if every.seconds else 0
