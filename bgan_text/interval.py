"""Intervals in steps or in seconds."""

import math
import re
from dataclasses import dataclass

from bgan_text.errors import UserError, shown

DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)")
COUNT = re.compile(r"\d{1,18}")
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Interval:
    """How often something is done: every so many steps, or every so many seconds."""

    steps: int | None = None
    seconds: float | None = None

    def due(self, steps: int, seconds: float) -> bool:
        """Whether it is time again, so many steps and seconds after the last time."""
        if self.steps is not None:
            return steps >= self.steps
        return self.seconds is not None and seconds >= self.seconds


def interval(name: str, text: str) -> Interval:
    """Read '30s', '5m' or '1h' as a time, and '500' as a number of steps.

    Args:
        name: the option's name, for the message.
        text: its value.
    """
    match = DURATION.fullmatch(text)
    if match and 0.0 < (seconds := float(match.group(1)) * SECONDS[match.group(2)]) < math.inf:
        return Interval(seconds=seconds)
    if COUNT.fullmatch(text) and int(text) > 0:
        return Interval(steps=int(text))
    raise UserError(f"`{name}` {shown(text)}: give a time such as 30s, 5m or 1h, or a number of steps")
