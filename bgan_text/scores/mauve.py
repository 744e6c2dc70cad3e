"""MAUVE, computed with the library of its authors.

The library is an optional dependency, licensed under the GPL, version 3. It is imported only when `mauve` is
called.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import fmean, stdev
from typing import Any
from unittest.mock import patch

import numpy as np

from bgan_text.errors import UserError, needs_extra
from bgan_text.scores.embedding import Embeddings, matrices
from bgan_text.scores.score import SHARE, Floats, Score

FEWEST = 20
"""Least number of rows on each side: there is one cluster per ten rows, and two clusters are needed."""


SEEDS = 5
"""Clusterings of which the mean is taken."""

SCALE, POINTS = 5.0, 25
"""The library's scaling factor and number of points of the divergence curve."""


def mauve(samples: Embeddings, reals: Embeddings, seed: int = 0, seeds: int = SEEDS) -> Score:
    """Area under the divergence curve between the k-means histograms of both sides, a mean over seeds.

    The settings are the library's defaults: normalised rows, principal components that explain 90 % of the
    variance, min(S, R) / 10 clusters and a scaling factor of 5.

    The value depends on S, on R, on the embedding and on the seed of the clustering: single values of equal
    rows differ by several per cent, see docs/scores.md. The authors recommend at least 1,000 rows; with fewer
    the value is noisy and biased upwards. Compare only values with equal S and R.

    The standard error adds that of the mean over seeds, and that of other samples in the same clusters: the
    jackknife over the S samples.

    Source: Pillutla et al., "MAUVE", 2021, section 2.

    Args:
        samples: (S, D) embeddings, see `bgan_text.scores.embedding`.
        reals: (R, D) embeddings.
        seed: The first seed of the clusterings, at least 0; the others follow.
        seeds: Number of clusterings, at least 1.

    Returns:
        A score in (0, 1], higher if samples resemble real texts, with an empty `each`, its standard error and
        the deviation over seeds. NaN for fewer than `FEWEST` rows on either side, or if all rows of both
        sides are equal.

    Raises:
        UserError: If the library is not installed.
        ValueError: If `embedding.matrices` rejects the arrays.
    """
    ours, theirs = (side.cpu().numpy() for side in matrices(samples, reals))
    try:
        import faiss
        from mauve import compute_mauve
    except ModuleNotFoundError as error:
        raise UserError(needs_extra("MAUVE needs", "mauve")) from error
    both = np.concatenate([ours, theirs])
    if min(len(ours), len(theirs)) < FEWEST or (both == both[0]).all():
        return Score(math.nan, np.empty(0))
    values, variances = [], []
    for clustering in range(seed, seed + seeds):
        with _quiet(faiss):  # faiss takes 31-bit seeds
            result = compute_mauve(p_features=theirs, q_features=ours, seed=clustering % 2**31)
        # The library sorts the points of the curve by one coordinate. With equal histograms all points tie,
        # their order is arbitrary, and the library returns 0.75 although the area is 1.
        equal = np.array_equal(result.p_hist, result.q_hist)
        values.append(1.0 if equal else float(result.mauve))
        variances.append(_jackknife_variance(result.p_hist, result.q_hist, len(ours)))
    deviation = stdev(values) if seeds > 1 else math.nan
    over_seeds = deviation**2 / seeds if seeds > 1 else 0.0
    return Score(
        fmean(values),
        np.empty(0),
        deviation=deviation,
        limits=SHARE,
        standard_error=math.sqrt(fmean(variances) + over_seeds),
        seeds=seeds,
    )


def _jackknife_variance(p: Floats, q: Floats, size: int) -> float:
    """Variance of the area by leaving out one of `size` samples, whose histogram is q. Real text's is p."""
    counts = size * q
    held = counts > 0.5
    without = area(p, (counts - np.eye(len(q))[held]) / (size - 1))
    weight = counts[held] / size
    return float((size - 1) * weight @ (without - weight @ without) ** 2)


def area(p: Floats, q: Floats) -> Floats:
    """(K,) and (N, K) histograms -> (N,) areas under the divergence curves, as the library computes them."""
    curve = []
    for weight in np.linspace(1e-6, 1 - 1e-6, POINTS):
        mixture = weight * p + (1 - weight) * q
        curve.append([np.exp(-SCALE * _kl(side, mixture)) for side in (q, p)])
    ends = np.broadcast_to(np.array([[1.0], [0.0]]), (2, len(q)))
    x, y = np.stack([ends, *curve, ends[::-1]]).transpose(1, 0, 2)
    return np.asarray(((x[:-1] - x[1:]) * (y[:-1] + y[1:]) / 2).sum(axis=0))


def _kl(p: Floats, q: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(p > 0, p * np.log(p / q), 0.0).sum(axis=-1))


@contextmanager
def _quiet(faiss: Any) -> Iterator[None]:
    """Suppress the warning of k-means on stderr that clusters of ten rows are small."""
    with patch.object(faiss, "Kmeans", partial(faiss.Kmeans, min_points_per_centroid=1)):
        yield
