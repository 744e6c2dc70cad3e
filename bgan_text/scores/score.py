"""What every score returns: its value, and what each sample contributes to it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """A score of S samples.

    `value`: NaN where the score is not defined for what it was given. `each`: (S,) the samples' own
    scores where `value` is their mean, else each sample's influence on the value (a jackknife
    pseudo-value, or the first-order change with the sample's weight), of which only the differences
    count; empty where none is known, and the score then has no interval. `influence`: (S,) where it is
    more than the sample's own score, because samples matter to each other.
    """

    value: float
    each: Floats = field(repr=False)
    influence: Floats | None = field(default=None, repr=False)

    def __float__(self) -> float:
        return self.value

    @property
    def shares(self) -> Floats:
        """(S,) what is resampled for an interval."""
        return self.each if self.influence is None else self.influence
