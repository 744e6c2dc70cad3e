"""How far a training run is, as one line that fits a width."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bgan_text.training.loop import Training

GAP = "  "
EVALUATING, FIRST_STEP = "evaluating", "first step"
LEAST = 2
"""The share and the time left: what is never left out."""


@dataclass(frozen=True)
class ProgressLine:
    """How far a run is.

    Attributes:
        share: what is done, 0 to 1.
        left: the time left in seconds, evaluation included; None while it is unknown.
        rate: steps per second of training; None before the first step.
        step: the last step.
        numbers: what tells how it goes, the most important first.
        doing: `EVALUATING` or `FIRST_STEP`; empty for further steps.

    Example:
        >>> line = ProgressLine(0.374, 130.0, 12.34, 1234, ["bound 0.432", "js-4 0.324"])
        >>> line.text(48)
        '37 %  2:10 left  12.3/s  bound 0.432  js-4 0.324'
        >>> line.text(40)
        '37 %  2:10 left  12.3/s  bound 0.432'
    """

    share: float
    left: float | None
    rate: float | None
    step: int
    numbers: list[str]
    doing: str = ""

    def text(self, width: int, waited: float = 0.0) -> str:
        """The line for a width in characters, `waited` seconds after it was true.

        What matters least is left out first: the last of the numbers, then the step.
        """
        parts = [*self._parts(waited), *self.numbers[:2], f"step {self.step:,}", *self.numbers[2:]]
        while len(parts) > LEAST and len(GAP.join(parts)) > width:
            parts.pop()
        return GAP.join(parts)

    def line(self) -> str:
        """The whole line, for a log."""
        return ", ".join([*self._parts(0.0), f"step {self.step:,}", *self.numbers])

    def needs(self) -> int:
        """The width of the share, the time left, the rate and two numbers."""
        return len(GAP.join([*self._parts(0.0), *self.numbers[:2]]))

    def _parts(self, waited: float) -> list[str]:
        waited = 0.0 if self.doing == EVALUATING else waited  # how long that takes is not known
        left = "? left" if self.left is None else f"{clock(max(0.0, self.left - waited))} left"
        return [share_of(self.share), left, self.doing or speed(self.rate)]


def progress_line(training: Training, numbers: Mapping[str, float], doing: str = "") -> ProgressLine:
    """How far a training is.

    Args:
        training: a training that has begun.
        numbers: the newest metrics of a step by name; empty before the first.
        doing: `EVALUATING` while samples are evaluated.
    """
    training.pace.read(training.state.step, training.state.elapsed)
    config = training.config
    return ProgressLine(
        min(1.0, max(0.0, training.share_done())),
        training.pace.seconds_left(config.steps, config.minutes),
        training.pace.rate(),
        training.state.step,
        telling_numbers(numbers, training.evaluations.score, training.evaluations.last()),
        doing or ("" if training.state.step > training.first_step else FIRST_STEP),
    )


def telling_numbers(numbers: Mapping[str, float], score: str, value: float | None) -> list[str]:
    """The numbers that tell how a run goes, the most important first."""
    validation = [] if value is None else [f"{score} {value:.3f}"]
    if "bound" not in numbers:
        loss = numbers.get("generator_loss")
        return ([] if loss is None else [f"loss {loss:.3f}"]) + validation
    found = [f"bound {numbers['bound']:.3f}", *validation]
    found.append(f"score real {numbers['real_score']:+.2f} fake {numbers['fake_score']:+.2f}")
    for name, said in (
        ("effective_sample_size", "effective sample size"),
        ("penalty_gradient_norm", "gradient norm"),
    ):
        if name in numbers:
            found.append(f"{said} {numbers[name]:.1f}")
    return found


def share_of(share: float) -> str:
    """A share in whole per cent; 100 only when all is done."""
    return f"{100 if share >= 1.0 else min(99, round(100 * share))} %"


def clock(seconds: float) -> str:
    """A time as 0:05, 12:34 or 1:02:03."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def speed(rate: float | None) -> str:
    """Steps a second, or the seconds of a step where those are more telling."""
    if rate is None or rate <= 0.0:
        return "?/s"
    if rate >= 0.5:
        return f"{rate:,.1f}/s"
    return f"{1 / rate:,.1f} s/step"
