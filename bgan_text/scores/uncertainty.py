"""How far a score would move with other samples of the same model: bootstrap over samples.

Efron and Tibshirani (1993). What is resampled are the samples' shares in the score
(`Score.shares`), not the samples: sample sets drawn with replacement hold duplicates, which would raise
Self-BLEU and lower every measure of variety by themselves.
"""

import math
from collections.abc import Sequence

import numpy as np

from bgan_text.scores.score import Floats, Score

BLOCKS = 10_000
"""More samples than these are resampled in as many random blocks, which costs no precision that shows."""

LEVEL = 0.95
RESAMPLES = 1000


def jackknife(value: float, without: Floats) -> Floats:
    """Pseudo-values from the score without each sample (Tukey 1958): S * value - (S - 1) * without[i]."""
    size = len(without)
    return np.asarray(size * value - (size - 1) * without)


def ratio(parts: Floats, wholes: Floats) -> Score:
    """The sum of parts over the sum of wholes, with the linearised share of each sample in it."""
    if not wholes.sum():
        return Score(math.nan, np.full(len(wholes), np.nan))
    value = float(parts.sum() / wholes.sum())
    return Score(value, value + (parts - value * wholes) / wholes.mean())


def deviations(scores: Sequence[Score], seed: int | Sequence[int], resamples: int = RESAMPLES) -> Floats:
    """How far each score moves when its samples are drawn again.

    Args:
        scores: scores of the same S samples; all move together, as they do in truth.
        seed: of the resamples; different ones for models that are to be compared.
        resamples: how many.

    Returns:
        (scores, resamples); NaN for a score without shares, and where there is one sample only.
    """
    moved = np.full((len(scores), resamples), np.nan)
    known = [place for place, score in enumerate(scores) if len(score.shares) > 1]
    if not known:
        return moved
    shares = np.stack([scores[place].shares for place in known], axis=1)
    rng = np.random.default_rng(seed)
    blocks = _blocks(shares - shares.mean(axis=0), rng)
    for resample in range(resamples):
        drawn = rng.integers(len(blocks), size=len(blocks))
        times = np.bincount(drawn, minlength=len(blocks)).astype(float)
        moved[known, resample] = times @ blocks
    return moved / len(shares)


def _blocks(shares: Floats, rng: np.random.Generator) -> Floats:
    """(S, K) -> (S or `BLOCKS`, K): sums over random blocks of equal size to within one."""
    if len(shares) <= BLOCKS:
        return shares
    order = rng.permutation(len(shares))
    return np.add.reduceat(shares[order], np.arange(BLOCKS) * len(shares) // BLOCKS)


def interval(score: Score, seed: int = 0, resamples: int = RESAMPLES) -> tuple[float, float]:
    """The 95 % bootstrap interval of a score: its value and the quantiles of `deviations`."""
    return bounds(score.value, deviations([score], seed, resamples)[0])


def bounds(value: float, moved: Floats) -> tuple[float, float]:
    """The interval around a value that moves so."""
    low, high = np.quantile(moved, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return value + float(low), value + float(high)
