"""Bootstrap intervals of scores over samples of the same model (Efron and Tibshirani 1993).

The bootstrap resamples the contributions of the samples (`Score.shares`), not the samples. Sets of samples
drawn with replacement contain duplicates, which by themselves would raise Self-BLEU and lower every measure
of diversity.
"""

import math
from collections.abc import Sequence

import numpy as np

from bgan_text.scores.score import Floats, Score

BLOCKS = 10_000
"""Number of random blocks into which more samples are grouped, with no noticeable loss of precision."""

LEVEL = 0.95
RESAMPLES = 1000


def jackknife(value: float, without: Floats) -> Floats:
    """Jackknife pseudo-values (Tukey 1958) from leave-one-out values: S * value - (S - 1) * without[i]."""
    size = len(without)
    return np.asarray(size * value - (size - 1) * without)


def ratio(parts: Floats, wholes: Floats) -> Score:
    """Sum of `parts` divided by sum of `wholes`, with the linearised contribution of each sample."""
    if not wholes.sum():
        return Score(math.nan, np.full(len(wholes), np.nan))
    value = float(parts.sum() / wholes.sum())
    return Score(value, value + (parts - value * wholes) / wholes.mean())


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
    """95 % bootstrap interval of a score, from the quantiles of `deviations`.

    Args:
        score: A score of S samples.
        seed: Seed of the resamples.
        resamples: Number of resamples.

    Returns:
        The lower and the upper bound. NaN for a score with fewer than two contributions.
    """
    return bounds(score.value, deviations([score], seed, resamples)[0])


def bounds(value: float, moved: Floats) -> tuple[float, float]:
    """Compute the interval of a value from its bootstrap deviations."""
    low, high = np.quantile(moved, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return value + float(low), value + float(high)
