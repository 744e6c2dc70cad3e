"""What one may ask of a run that is explored, each within limits, so that no request takes long."""

from dataclasses import dataclass, fields
from typing import Any

from bgan_text.errors import UserError
from bgan_text.sampling_options import (
    CANDIDATES,
    CANDIDATES_HELP,
    CORRECT_HELP,
    CORRECTIONS,
    SAMPLES,
    STEP_HELP,
    WEIGHTS,
    SamplingOptions,
    checked_step,
)
from bgan_text.setting import check_all, setting

SPHERICAL, LINEAR = "spherical", "linear"
WAYS = (SPHERICAL, LINEAR)
MOST_SAMPLES = 200
MOST_CANDIDATES = 200
MOST_DRAWN = 5_000
"""Candidates of all samples together."""
MOST_PLACES, MOST_WALKING = 41, 16
MOST_TEXTS, MOST_CHARACTERS = 20, 10_000
SEEDS = 2**53
"""What a page sends as a number: larger integers are not exact there."""


@dataclass(frozen=True, kw_only=True)
class DrawOptions:
    """Which samples are drawn; see `SamplingOptions`.

    Raises:
        UserError: a value is out of range.

    Example:
        >>> DrawOptions(count=3, seed=1).sampling(12).step
        12
    """

    count: int = setting(10, "number of samples", minimum=1, below=MOST_SAMPLES + 1)
    seed: int = setting(0, "seed; the same seed gives the same samples", minimum=0, below=SEEDS)
    temperature: float = setting(1.0, "below 1 samples are more probable, above 1 more diverse")
    candidates: int = setting(CANDIDATES, CANDIDATES_HELP, minimum=1, below=MOST_CANDIDATES + 1)
    correct: str = setting(SAMPLES, CORRECT_HELP, choices=CORRECTIONS)
    weights: str = setting("average", "weights to sample from", choices=WEIGHTS)
    step: int | str | None = setting(None, STEP_HELP)

    def __post_init__(self) -> None:
        _check(self)
        if self.count * self.candidates > MOST_DRAWN:
            raise UserError(
                f"`candidates` {self.candidates} of {self.count} samples: at most {MOST_DRAWN:,} in all are "
                "drawn here; bgan-text sample draws any number"
            )

    def sampling(self, step: int) -> SamplingOptions:
        """The same as options of sampling, from the checkpoint of a step."""
        return SamplingOptions(**{**vars(self), "step": step})


@dataclass(frozen=True, kw_only=True)
class WalkOptions:
    """A walk between the noise of two seeds.

    Raises:
        UserError: a value is out of range.

    Example:
        >>> WalkOptions(first=3, second=8).places
        11
    """

    first: int = setting(0, "seed of the noise at which the walk begins", minimum=0, below=SEEDS)
    second: int = setting(1, "seed of the noise at which it ends", minimum=0, below=SEEDS)
    draw_seed: int | None = setting(
        None, "seed of the draws at every place (default: that of the first)", minimum=0, below=SEEDS
    )
    places: int = setting(11, "places, both ends among them", minimum=2, below=MOST_PLACES + 1)
    count: int = setting(
        5, "samples that walk, each between noise of its own", minimum=1, below=MOST_WALKING + 1
    )
    way: str = setting(SPHERICAL, "how the noise is interpolated", choices=WAYS)
    temperature: float = setting(1.0, "below 1 samples are more probable, above 1 more diverse")
    weights: str = setting("average", "weights to sample from", choices=WEIGHTS)
    step: int | str | None = setting(None, STEP_HELP)

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Texts that the discriminator scores.

    Raises:
        UserError: a value is out of range.

    Example:
        >>> ScoreOptions(texts=("a rose",)).texts
        ('a rose',)
    """

    texts: tuple[str, ...] = setting((), "the texts, each a sample")
    step: int | str | None = setting(None, STEP_HELP)

    def __post_init__(self) -> None:
        check_all(self)
        object.__setattr__(self, "texts", tuple(self.texts))
        object.__setattr__(self, "step", checked_step(self.step))
        characters = sum(map(len, self.texts))
        if not self.texts:
            raise UserError("there is no text: give at least one")
        if len(self.texts) > MOST_TEXTS:
            raise UserError(f"there are {len(self.texts)} texts: at most {MOST_TEXTS} are scored at a time")
        if characters > MOST_CHARACTERS:
            raise UserError(
                f"the texts have {characters:,} characters: at most {MOST_CHARACTERS:,} are scored at a time"
            )


def given(kind: type[Any], values: Any) -> Any:
    """Options of a kind from JSON values by name.

    Raises:
        UserError: there is no such option, or a value is out of range.

    Example:
        >>> given(DrawOptions, {"count": 3}).count
        3
    """
    if not isinstance(values, dict):
        raise UserError("an object of options by name is needed")
    known = [option.name for option in fields(kind)]
    for name in values:
        if name not in known:
            raise UserError(f"there is no option {name!r}: choose from {', '.join(known)}")
    return kind(**values)


def limits(kind: type[Any]) -> dict[str, dict[str, Any]]:
    """The default, least and largest value and the choices of each option, for the fields of a page.

    Example:
        >>> limits(DrawOptions)["count"]
        {'default': 10, 'least': 1, 'most': 200, 'choices': []}
    """
    return {
        option.name: {
            "default": option.default,
            "least": option.metadata["minimum"],
            "most": None if option.metadata["below"] is None else int(option.metadata["below"]) - 1,
            "choices": list(option.metadata["choices"]),
        }
        for option in fields(kind)
    }


def _check(options: Any) -> None:
    check_all(options)
    object.__setattr__(options, "step", checked_step(options.step))
    if not 0.0 < options.temperature < float("inf"):
        raise UserError(f"`temperature` {options.temperature}: a number above 0 is needed")
