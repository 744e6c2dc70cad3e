"""The result of a score: its value and the contribution of each sample."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


SHARE = 0.0, 1.0
"""The limits of a share, of a mean of shares, and of a divergence in bits."""


@dataclass(frozen=True)
class Score:
    """A score of S samples.

    Attributes:
        value: NaN if the score is undefined for the given input.
        each: (S,) the samples' own scores if `value` is their mean. Otherwise the influence of each sample on
            the value: a jackknife pseudo-value, or the derivative with respect to the sample's weight, of
            which only differences matter. Empty if neither is known; the score then has no interval.
        influence: (S,) influence of each sample, if it differs from `each` because samples affect the scores
            of other samples.
        deviation: Standard deviation over seeds if `value` is a mean over seeds; NaN for a single seed.
        note: Why the value is undefined, or what makes it questionable.
        limits: The least and the greatest possible value, if both are known, such as (0.0, 1.0) for a share.
            The interval then stays within them and has a positive width at them: see
            `bgan_text.scores.proportion.bounded`.
        standard_error: Standard error of `value`, if it does not follow from the contributions.
        seeds: Number of seeds if `value` is a mean over seeds.

    Example:
        >>> each = np.array([0.0, 1.0])
        >>> float(Score(each.mean(), each))
        0.5
    """

    value: float
    each: Floats = field(repr=False)
    influence: Floats | None = field(default=None, repr=False)
    deviation: float | None = field(default=None, repr=False)
    note: str = field(default="", repr=False)
    limits: tuple[float, float] | None = field(default=None, repr=False)
    standard_error: float | None = field(default=None, repr=False)
    seeds: int | None = field(default=None, repr=False)

    def __float__(self) -> float:
        return float(self.value)

    @property
    def shares(self) -> Floats:
        """(S,) contributions that the bootstrap resamples: `influence` if given, otherwise `each`."""
        return self.each if self.influence is None else self.influence


def mean(each: Floats, limits: tuple[float, float] | None = None) -> Score:
    """The mean of (S,) scores of samples, which lies between the limits; NaN without samples.

    Example:
        >>> float(mean(np.array([0.0, 1.0]), SHARE))
        0.5
    """
    return Score(float(each.mean()) if len(each) else math.nan, each, limits=limits)
