"""Intervals of scores over samples of the same model.

Scores without limits have bootstrap intervals (Efron and Tibshirani 1993), scores between limits those of
`bgan_text.scores.proportion`.

The bootstrap resamples the contributions of the samples (`Score.shares`), not the samples. Sets of samples
drawn with replacement contain duplicates, which by themselves would raise Self-BLEU and lower every measure
of diversity.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from bgan_text.scores.proportion import LEVEL, QUANTILE, bounded, degrees_of_freedom
from bgan_text.scores.score import Floats, Score

BLOCKS = 10_000
"""Number of random blocks into which more samples are grouped, with no noticeable loss of precision."""

RESAMPLES = 1000


def jackknife(value: float, without: Floats) -> Floats:
    """Jackknife pseudo-values (Tukey 1958) from leave-one-out values: S * value - (S - 1) * without[i]."""
    size = len(without)
    return np.asarray(size * value - (size - 1) * without)


def ratio(parts: Floats, wholes: Floats, limits: tuple[float, float] | None = None) -> Score:
    """Sum of `parts` divided by sum of `wholes`, with the linearised contribution of each sample."""
    if not wholes.sum():
        return Score(math.nan, np.full(len(wholes), np.nan))
    value = float(parts.sum() / wholes.sum())
    return Score(value, value + (parts - value * wholes) / wholes.mean(), limits=limits)


def deviations(scores: Sequence[Score], seed: int | Sequence[int], resamples: int = RESAMPLES) -> Floats:
    """Bootstrap deviations of scores from their values.

    Args:
        scores: Scores of the same S samples, or of other things, such as held-out rows. Those of equally many
            share resamples, which preserves their correlation.
        seed: Seed of the resamples. Use different seeds for models that are compared.
        resamples: Number of resamples.

    Returns:
        (len(scores), resamples) float64. NaN for a score with fewer than two contributions.
    """
    moved = np.full((len(scores), resamples), np.nan)
    for size in {len(score.shares) for score in scores} - {0, 1}:
        known = [place for place, score in enumerate(scores) if len(score.shares) == size]
        shares = np.stack([scores[place].shares for place in known], axis=1)
        moved[known] = _resampled(shares, seed, resamples)
    return moved


def _resampled(shares: Floats, seed: int | Sequence[int], resamples: int) -> Floats:
    """(S, K) -> (K, resamples): deviations of the means."""
    rng = np.random.default_rng(seed)
    moved = np.empty((shares.shape[1], resamples))
    blocks = _blocks(shares - shares.mean(axis=0), rng)
    for resample in range(resamples):
        drawn = rng.integers(len(blocks), size=len(blocks))
        times = np.bincount(drawn, minlength=len(blocks)).astype(float)
        moved[:, resample] = times @ blocks
    return moved / len(shares)


def _blocks(shares: Floats, rng: np.random.Generator) -> Floats:
    """(S, K) -> (min(S, `BLOCKS`), K): sums over random blocks whose sizes differ by at most one."""
    if len(shares) <= BLOCKS:
        return shares
    order = rng.permutation(len(shares))
    return np.add.reduceat(shares[order], np.arange(BLOCKS) * len(shares) // BLOCKS)


def interval(score: Score, seed: int = 0, resamples: int = RESAMPLES) -> tuple[float, float]:
    """95 % interval of a score: what the same model would score with other samples. See `intervals`.

    Args:
        score: A score of S samples.
        seed: Seed of the resamples.
        resamples: Number of resamples.

    Returns:
        The lower and the upper bound. NaN for a score of which neither two contributions nor a standard error
        are known.
    """
    return intervals([score], seed, resamples)[0]


def intervals(
    scores: Sequence[Score], seed: int | Sequence[int], resamples: int = RESAMPLES
) -> list[tuple[float, float]]:
    """95 % intervals of scores of the same S samples.

    A score with `limits` has the interval of `bounded`, which need not be symmetric. A score with a
    `standard_error` and no limits is taken to be normally distributed. Every other one has a bootstrap
    interval, from the quantiles of `deviations`.

    Args:
        scores: Scores of the same S samples.
        seed: Seed of the resamples.
        resamples: Number of resamples; 0 for no intervals.

    Returns:
        The lower and the upper bound of each score. NaN where there is none.
    """
    if not resamples:
        return [(math.nan, math.nan)] * len(scores)
    resampled = [score for score in scores if score.limits is None and score.standard_error is None]
    moved = iter(deviations(resampled, seed, resamples))
    return [_interval(score, moved) for score in scores]


def _interval(score: Score, moved: Iterator[Floats]) -> tuple[float, float]:
    if score.limits is None and score.standard_error is None:
        return bounds(score.value, next(moved))
    error = standard_error(score)
    if score.limits is None:
        return score.value - QUANTILE * error, score.value + QUANTILE * error
    own = score.standard_error is not None
    freedom = math.inf if own else degrees_of_freedom(score.shares)
    return bounded(score.value, error, len(score.shares), score.limits, freedom)


def standard_error(score: Score) -> float:
    """Standard error of a score: the one it gives, else that of the mean of its contributions, else NaN."""
    if score.standard_error is not None:
        return score.standard_error
    size = len(score.shares)
    return float(np.std(score.shares, ddof=1)) / math.sqrt(size) if size > 1 else math.nan


def bounds(value: float, moved: Floats) -> tuple[float, float]:
    """Compute the interval of a value from its bootstrap deviations."""
    low, high = np.quantile(moved, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return value + float(low), value + float(high)


def difference(
    first: float, of_first: tuple[float, float], second: float, of_second: tuple[float, float]
) -> tuple[float, float]:
    """95 % interval of the difference of two independent scores, from the interval of each.

    The distances from each value to its bounds add up in squares, side by side (Newcombe 1998, method 10; Zou
    and Donner 2008). For symmetric intervals this is the usual interval of a difference.

    Args:
        first: The first score.
        of_first: Its interval.
        second: The second score.
        of_second: Its interval.

    Returns:
        The lower and the upper bound of first - second. NaN if one of the intervals is.
    """
    value = first - second
    down = math.hypot(first - of_first[0], of_second[1] - second)
    up = math.hypot(of_first[1] - first, second - of_second[0])
    return value - down, value + up
