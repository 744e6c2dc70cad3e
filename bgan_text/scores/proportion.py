"""95 % intervals of shares, and of other scores that cannot leave known limits.

A symmetric interval of a share has a width of 0 where all samples agree, and is too narrow where nearly all
do.
"""

import math
from statistics import NormalDist

from bgan_text.scores.score import Floats

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


def bounded(
    value: float,
    error: float,
    size: int,
    limits: tuple[float, float],
    freedom: float = math.inf,
) -> tuple[float, float]:
    """95 % interval of a score between limits: Wilson's, with an effective number of samples.

    The effective number is that of independent indicators whose mean has this value and this standard error.
    For a share of S samples it is S; for other means of S samples it is larger. Near a limit the interval is
    that of a count of rare events of the size that is observed. With no observed spread, it is what samples
    of another kind could change that S samples are expected not to show: about 3.84 / S of the range.

    Args:
        value: The score.
        error: Its standard error.
        size: Number S of samples, or 0 if unknown. The interval is then symmetric, cut at the limits, as it
            is where the standard error is well above that of a share.
        limits: The least and the greatest possible value.
        freedom: Degrees of freedom of the standard error, see `degrees_of_freedom`. Few of them widen the
            interval, at most to that of a share.

    Returns:
        The lower and the upper bound, within the limits. NaN if the value or its standard error is, or if
        there is no spread and the number of samples is not known.

    Example:
        >>> [round(bound, 4) for bound in bounded(1.0, 0.0, 100, (0.0, 1.0))]
        [0.963, 1.0]
    """
    least, greatest = limits
    width = greatest - least
    unknown = not size and error / width < ROUNDING
    if math.isnan(value) or math.isnan(error) or unknown:
        return math.nan, math.nan
    share = min(1.0, max(0.0, (value - least) / width))
    low, high = _bounds(share, error / width, size, freedom)
    return min(value, least + width * low), max(value, least + width * high)


def _bounds(share: float, error: float, size: int, freedom: float) -> tuple[float, float]:
    unseen = wilson(0.0, size)[1] if size else math.nan
    if error < ROUNDING:
        return share * (1 - unseen), share + (1 - share) * unseen
    effective = share * (1 - share) / error**2
    if size - 1.01 < effective < size:  # a share, whose variance was divided by S - 1
        effective = size
    if not size or effective < size / 2:
        half = QUANTILE * error if effective or not size else max(QUANTILE * error, unseen)
        return max(0.0, share - half), min(1.0, share + half)
    effective = max(min(effective, size), effective * (QUANTILE / t_quantile(freedom)) ** 2)
    low, high = wilson(share, effective)
    low = min(low, _few(share * effective) / effective)
    high = max(high, 1.0 - _few((1 - share) * effective) / effective)
    return low, high


def degrees_of_freedom(each: Floats) -> float:
    """Degrees of freedom of the standard error of a mean, at least 2, from (S,) contributions.

    The relative variance of a sample variance is about (kurtosis - 1) / S (Satterthwaite 1946). They are
    about S for a normal distribution, and twice the number of events where nearly all samples are equal.
    """
    if not len(each):
        return 2.0
    squares = (each - each.mean()) ** 2
    variance = float(squares.mean())
    if not variance > 0:
        return 2.0
    excess = float((squares**2).mean()) / variance**2 - 1
    return max(2.0, 2 * len(each) / excess) if excess > 0 else math.inf


def t_quantile(freedom: float) -> float:
    """97.5 % quantile of Student's t distribution, to 1 % from 2 degrees of freedom on.

    The expansion of Abramowitz and Stegun 1964, 26.7.5.
    """
    z = QUANTILE
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


def _few(events: float) -> float:
    """Lower bound of the expected number of events, from `FEW`; infinite if there are more."""
    whole = int(events)
    if whole + 1 >= len(FEW):
        return math.inf
    return FEW[whole] + (events - whole) * (FEW[whole + 1] - FEW[whole])
