"""MAUVE, computed with the library of its authors.

The library is an optional dependency, licensed under the GPL, version 3. It is imported only when `mauve` is
called.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np

from bgan_text.errors import UserError
from bgan_text.scores.embedding import Embeddings, matrices
from bgan_text.scores.score import Score

FEWEST = 20
"""Least number of rows on each side: there is one cluster per ten rows, and two clusters are needed."""


def mauve(samples: Embeddings, reals: Embeddings, seed: int = 0) -> Score:
    """Area under the divergence curve between the k-means cluster histograms of both sides.

    The settings are the library's defaults: normalised rows, principal components that explain 90 % of the
    variance, min(S, R) / 10 clusters and a scaling factor of 5.

    The value depends on S, on R, on the embedding and, slightly, on the seed. The authors recommend at least
    1,000 rows; with fewer the value is noisy and biased upwards. Compare only values with equal S, R and
    seed.

    Source: Pillutla et al., "MAUVE", 2021, section 2.

    Args:
        samples: (S, D) embeddings, see `bgan_text.scores.embedding`.
        reals: (R, D) embeddings.
        seed: Seed of the clustering, at least 0.

    Returns:
        A score in (0, 1], higher if samples resemble real texts, with an empty `each`. NaN for fewer than
        `FEWEST` rows on either side, or if all rows of both sides are equal.

    Raises:
        UserError: If the library is not installed.
        ValueError: If `embedding.matrices` rejects the arrays.
    """
    ours, theirs = (side.cpu().numpy() for side in matrices(samples, reals))
    try:
        import faiss
        from mauve import compute_mauve
    except ModuleNotFoundError as error:
        raise UserError("MAUVE needs an extra: pip install 'bgan-text[mauve]'") from error
    both = np.concatenate([ours, theirs])
    if min(len(ours), len(theirs)) < FEWEST or (both == both[0]).all():
        return Score(math.nan, np.empty(0))
    seed %= 2**31  # faiss takes 31-bit seeds
    with _quiet(faiss):
        result = compute_mauve(p_features=theirs, q_features=ours, seed=seed)
    # The library sorts the points of the curve by one coordinate. With equal histograms all points tie, their
    # order is arbitrary, and the library returns 0.75 although the area is 1.
    value = 1.0 if np.array_equal(result.p_hist, result.q_hist) else float(result.mauve)
    return Score(value, np.empty(0))


@contextmanager
def _quiet(faiss: Any) -> Iterator[None]:
    """Suppress the warning of k-means on stderr that clusters of ten rows are small."""
    with patch.object(faiss, "Kmeans", partial(faiss.Kmeans, min_points_per_centroid=1)):
        yield
