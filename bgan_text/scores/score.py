"""What every score returns: its value, and what each sample contributes to it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """A score of S samples.

    Attributes:
        value: NaN if the score is not defined for what it was given.
        each: (S,) the samples' own scores if `value` is their mean. Otherwise the influence of each sample on
            the value: a jackknife pseudo-value, or the first-order change with the sample's weight, of which
            only differences matter. Empty if neither is known; the score then has no interval.
        influence: (S,) if the influence of a sample differs from its own score because samples affect each
            other.
        deviation: the standard deviation over seeds if `value` is a mean over them; NaN for a single seed.

    Example:
        >>> each = np.array([0.0, 1.0])
        >>> float(Score(each.mean(), each))
        0.5
    """

    value: float
    each: Floats = field(repr=False)
    influence: Floats | None = field(default=None, repr=False)
    deviation: float | None = None

    def __float__(self) -> float:
        return float(self.value)

    @property
    def shares(self) -> Floats:
        """(S,) what is resampled for an interval."""
        return self.each if self.influence is None else self.influence
