"""MAUVE, computed by the library of its authors.

That library is an optional dependency under the GPL, version 3. It is imported only when it is called.
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
"""Fewer rows on either side give NaN: there is one cluster per ten rows, and two clusters are needed."""


def mauve(samples: Embeddings, reals: Embeddings, seed: int = 0) -> Score:
    """Area under the divergence curve between the k-means cluster histograms of both sides.

    Pillutla et al. ("MAUVE", 2021, section 2), with the library's default settings: rows are normalised, the
    principal components that explain 90 % of the variance are kept, min(S, R) / 10 clusters, scaling 5.

    The value depends on S and R, on the embedding and, slightly, on the seed. Its authors recommend at least
    1,000 rows; with fewer it is noisy and biased upwards. Compare only values of equal S, R and seed.

    Args:
        samples: (S, D) embeddings, see `bgan_text.scores.embedding`.
        reals: (R, D) embeddings.
        seed: 0 or more, starts the clustering.

    Returns:
        A score above 0, up to 1, higher if samples resemble real texts, with an empty `each`. NaN for fewer
        than `FEWEST` rows on either side, or if all rows of both sides are equal.

    Raises:
        UserError: the library is not installed.
        ValueError: arrays that `embedding.matrices` refuses.
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
    seed %= 2**31  # faiss takes no larger one
    with _quiet(faiss):
        result = compute_mauve(p_features=theirs, q_features=ours, seed=seed)
    # The library sorts the points of the curve by one coordinate. With equal histograms all points tie and
    # may come out in any order: it then returns 0.75, although the area is 1.
    value = 1.0 if np.array_equal(result.p_hist, result.q_hist) else float(result.mauve)
    return Score(value, np.empty(0))


@contextmanager
def _quiet(faiss: Any) -> Iterator[None]:
    """Keep k-means from warning on stderr that clusters of ten rows are small."""
    with patch.object(faiss, "Kmeans", partial(faiss.Kmeans, min_points_per_centroid=1)):
        yield
