"""The options of sampling a run. The module imports no torch, so that `bgan-text --help` answers at once."""

from dataclasses import dataclass
from typing import ClassVar

from bgan_text.errors import LONGEST_VALUE, UserError, shortened
from bgan_text.interval import COUNT
from bgan_text.setting import check_all, setting

WEIGHTS = ("average", "last")
TEXTS, IMAGES = 10, 64
"""How many samples are drawn unless a number is given."""
CANDIDATES = 1
MOST_CANDIDATES = 10_000
"""Candidates are drawn together, all those of a sample where prefixes are corrected."""
CANDIDATES_HELP = "candidates for each sample, of which the discriminator's weights keep one"
SAMPLES, PREFIXES = "samples", "prefixes"
CORRECTIONS = (SAMPLES, PREFIXES)
CORRECT_HELP = (
    "what the discriminator's weights correct: whole samples, or prefixes, so that candidates grow together, "
    "token by token; prefixes need credit token, which corrects each token even with 1 candidate, or prefix"
)
BEST = "best"
"""The step that stands for the best checkpoint by the run's `best_by`."""
STEP_HELP = "step of the checkpoint to sample from, or best (default: the last)"
MOST_PROCESSES = 1024
PROCESSES_HELP = (
    "processes that draw at the same time, with one thread each; any number gives the same samples "
    "(default: this process, with all its threads)"
)
TEMPERATURES = (0.5, 0.7, 0.85, 1.0, 1.15, 1.3)
"""The temperatures of a sweep unless some are given."""


@dataclass(frozen=True, kw_only=True)
class SamplingOptions:
    """Which samples are drawn from which weights of a run.

    `step`: the step of a checkpoint, "best", or None for the last one.

    Raises:
        UserError: a value is out of range.

    Example:
        >>> SamplingOptions(count=3, temperature=0.8).seed
        0
    """

    OPTION_TYPES: ClassVar[dict[str, type]] = {"step": str}

    count: int | None = setting(
        None, f"number of samples (default: {TEXTS}; images: {IMAGES})", minimum=1, flag="--n"
    )
    seed: int = setting(0, "seed; the same seed gives the same samples", minimum=0, below=2**63)
    temperature: float = setting(1.0, "below 1 samples are more probable, above 1 more diverse")
    candidates: int = setting(CANDIDATES, CANDIDATES_HELP, minimum=1, below=MOST_CANDIDATES + 1)
    correct: str = setting(SAMPLES, CORRECT_HELP, choices=CORRECTIONS)
    weights: str = setting("average", "weights to sample from", choices=WEIGHTS)
    step: int | str | None = setting(None, STEP_HELP, metavar="STEP|best")
    processes: int | None = setting(None, PROCESSES_HELP, minimum=1, below=MOST_PROCESSES + 1)

    def __post_init__(self) -> None:
        check_all(self)
        object.__setattr__(self, "step", checked_step(self.step))
        if not 0.0 < self.temperature < float("inf"):
            raise UserError(f"`temperature` {self.temperature}: a number above 0 is needed")


def temperatures_of(text: str | None) -> tuple[float, ...]:
    """The temperatures of a sweep; None for the usual ones.

    Raises:
        UserError: they are no numbers above 0 with commas between.

    Example:
        >>> temperatures_of("0.7,1,1.3")
        (0.7, 1.0, 1.3)
    """
    if text is None:
        return TEMPERATURES
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        given = shortened(text, LONGEST_VALUE)
        raise UserError(f"`temperatures` {given}: numbers above 0 with commas between are expected") from None


def checked_step(step: int | str | None) -> int | str | None:
    """The step of a checkpoint as a number, `BEST`, or None for the last one.

    Raises:
        UserError: it is something else.

    Example:
        >>> checked_step("12"), checked_step("best"), checked_step(None)
        (12, 'best', None)
    """
    if step is None or step == BEST:
        return step
    if not (isinstance(step, int) or COUNT.fullmatch(step)) or int(step) < 0:
        given = shortened(str(step), LONGEST_VALUE)
        raise UserError(f"`step` {given}: the step of a checkpoint, or {BEST}, is needed")
    return int(step)
