"""How fast training goes, and how long it will take."""

import math
from collections import deque

WINDOW = 120
"""Over how many readings the rate is averaged."""
FEW = 50
"""Fewer steps than these teach next to nothing."""


class Pace:
    """The clock of a run since it was started or resumed: training apart from validation and saving.

    Args:
        step: the step that training starts from.
        elapsed: training time before it, in seconds.

    Attributes:
        step: the last step.
        elapsed: training time since the start of the run, in seconds.
        off_clock: seconds since then that were not training: validation, saving and their hooks.

    Example:
        >>> pace = Pace(step=10, elapsed=5.0)
        >>> pace.read(step=30, elapsed=9.0)
        >>> pace.rate(), pace.seconds_left(steps=50, minutes=None)
        (5.0, 4.0)
    """

    def __init__(self, step: int, elapsed: float) -> None:
        self.step, self.elapsed, self.off_clock = step, elapsed, 0.0
        self.begun = elapsed
        self._readings: deque[tuple[int, float]] = deque([(step, elapsed)], maxlen=WINDOW)

    def read(self, step: int, elapsed: float) -> None:
        """Take in how far training is."""
        self.step, self.elapsed = step, elapsed
        self._readings.append((step, elapsed))

    def rate(self) -> float | None:
        """Steps per second of training, over the last readings; None before the first step."""
        (first, start), (last, end) = self._readings[0], self._readings[-1]
        return (last - first) / (end - start) if last > first and end > start else None

    def seconds_left(self, steps: int | None, minutes: float | None) -> float | None:
        """The time left, in seconds, with as much validation and saving as there was so far.

        Args:
            steps: the total number of steps, or None.
            minutes: the total training time, or None.

        Returns:
            The expected time, at least 0; None where it is not known yet.
        """
        rate = self.rate()
        if minutes is not None:
            training = 60.0 * minutes - self.elapsed
        elif steps is None or rate is None:
            return None
        else:
            training = (steps - self.step) / rate
        trained = self.elapsed - self.begun
        return max(0.0, training) * (1.0 + (self.off_clock / trained if trained > 0.0 else 0.0))


def few_steps(seconds: float, minutes: float, elapsed: float) -> str | None:
    """The line that warns of a step so long that the time is over after a few of them; None if it is not.

    Args:
        seconds: what one step takes.
        minutes: the total training time of the run.
        elapsed: training time before the run was resumed, in seconds; else 0.

    Example:
        >>> few_steps(80.0, minutes=5.0, elapsed=0.0).partition(":")[0]
        'one step takes 80 s, so 5 minutes are 4 steps'
    """
    left = 60.0 * minutes - elapsed
    if seconds <= 0.0 or not 0.0 < left / seconds < FEW:
        return None
    count = math.ceil(left / seconds)
    budget = f"the {left / 60:.2g} minutes left are"
    if elapsed == 0.0:
        budget = "1 minute is" if minutes == 1.0 else f"{minutes:g} minutes are"
    step = f"{seconds:.0f} s" if seconds >= 10.0 else f"{seconds:.2g} s"
    return (
        f"one step takes {step}, so {budget} {count} step{'s' * (count > 1)}: raise `minutes`, or lower "
        "`batch` or `width`"
    )
