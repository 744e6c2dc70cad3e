"""95 % intervals of shares, and of other scores that cannot leave known limits.

A symmetric interval of a share has a width of 0 where all samples agree, and is too narrow where nearly all
do.
"""

import math
from statistics import NormalDist

LEVEL = 0.95
QUANTILE = NormalDist().inv_cdf((1 + LEVEL) / 2)

FEW = 0.0, 0.0513, 0.3554, 0.8177, 1.5555
"""Lower bounds of an expected number of events of which 0, 1, 2, 3 or 4 are seen.

Up to 3, the 5 % quantiles of gamma distributions of these shapes, since Wilson's lower bound is then too high
(Brown, Cai and DasGupta 2001, section 4.1.1). From 4 on, Wilson's.
"""

ROUNDING = 1e-9
"""A standard error below it, relative to the range of a score, stands for no spread at all."""


def wilson(share: float, size: float) -> tuple[float, float]:
    """95 % interval of a proportion by the score method (Wilson 1927).

    Args:
        share: Observed proportion, in [0, 1].
        size: Number of independent observations, above 0; an effective number need not be an integer.

    Returns:
        The lower and the upper bound, within [0, 1] and around the share. They differ even for a share of 0
        or 1.

    Example:
        >>> [round(bound, 4) for bound in wilson(1.0, 100)]
        [0.963, 1.0]
    """
    square = QUANTILE**2 / size
    centre = (share + square / 2) / (1 + square)
    half = math.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def bounded(value: float, error: float, size: int, limits: tuple[float, float]) -> tuple[float, float]:
    """95 % interval of a score between limits: Wilson's, with an effective number of samples.

    The effective number is that of independent indicators whose mean has this value and this standard error.
    For a share of S samples it is S; for other means of S samples it is larger. Near a limit the interval is
    that of a count of rare events of the size that is observed. With no observed spread, it is what samples
    of another kind could change that S samples are expected not to show: about 3.84 / S of the range.

    Args:
        value: The score.
        error: Its standard error.
        size: Number S of samples, or 0 if unknown; a score without spread then has no interval.
        limits: The least and the greatest possible value.

    Returns:
        The lower and the upper bound, within the limits. NaN if the value or its standard error is.

    Example:
        >>> [round(bound, 4) for bound in bounded(1.0, 0.0, 100, (0.0, 1.0))]
        [0.963, 1.0]
    """
    if math.isnan(value) or math.isnan(error):
        return math.nan, math.nan
    least, greatest = limits
    width = greatest - least
    share = min(1.0, max(0.0, (value - least) / width))
    low, high = _bounds(share, error / width, size)
    return min(value, least + width * low), max(value, least + width * high)


def _bounds(share: float, error: float, size: int) -> tuple[float, float]:
    unseen = wilson(0.0, size)[1] if size else math.nan
    if error < ROUNDING:
        return share * (1 - unseen), share + (1 - share) * unseen
    effective = share * (1 - share) / error**2
    if not effective:  # at a limit, with some spread
        beyond = max(QUANTILE * error, unseen if size else 0.0)
        return max(0.0, share - beyond), min(1.0, share + beyond)
    low, high = wilson(share, effective)
    low = min(low, _few(share * effective) / effective)
    high = max(high, 1.0 - _few((1 - share) * effective) / effective)
    return low, high


def _few(events: float) -> float:
    """Lower bound of the expected number of events, from `FEW`; infinite if there are more."""
    whole = int(events)
    if whole + 1 >= len(FEW):
        return math.inf
    return FEW[whole] + (events - whole) * (FEW[whole + 1] - FEW[whole])
