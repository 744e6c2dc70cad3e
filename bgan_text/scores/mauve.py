"""MAUVE, computed by the library of its authors.

That library is licensed under the GPL, version 3, and an extra: it is imported only where it is called.
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

FEWEST = 20
"""Rows of either side below which MAUVE is not defined here: one cluster to ten rows, two clusters."""


def mauve(samples: Embeddings, reals: Embeddings, seed: int = 0) -> float:
    """Area under the divergence curve between the two sides' shares of k-means clusters.

    Pillutla et al. ("MAUVE", 2021, section 2), all settings the library's own: rows are normalised, the
    principal components that hold 90 % of the variance are kept, min(S, R) / 10 clusters, scaling 5.

    It depends on S and R, on the embedding and, slightly, on the seed. Its authors ask for 1,000 rows or
    more; with fewer it is noise and too high: compare only values of equal S and R and equal seed.

    Args:
        samples: (S, D) embeddings, see `bgan_text.scores.embedding`.
        reals: (R, D) embeddings.
        seed: 0 or more, starts the clustering.

    Returns:
        A value above 0, up to 1, high where samples resemble real texts; NaN for fewer than `FEWEST` rows
        on either side, or if all rows of both sides are equal, for then there is nothing to cluster.

    Raises:
        UserError: if the library is not installed.
        ValueError: for arrays that `embedding.matrices` refuses.
    """
    ours, theirs = (side.cpu().numpy() for side in matrices(samples, reals))
    try:
        import faiss
        from mauve import compute_mauve
    except ModuleNotFoundError as error:
        raise UserError("MAUVE needs an extra: pip install 'bgan-text[mauve]'") from error
    both = np.concatenate([ours, theirs])
    if min(len(ours), len(theirs)) < FEWEST or (both == both[0]).all():
        return math.nan
    seed %= 2**31  # faiss takes no larger one
    with _quiet(faiss):
        result = compute_mauve(p_features=theirs, q_features=ours, seed=seed)
    # The library sorts the points of the curve by one coordinate. With equal shares all points tie, and
    # any of their orders may come out: it then answers 0.75 where the area is 1.
    return 1.0 if np.array_equal(result.p_hist, result.q_hist) else float(result.mauve)


@contextmanager
def _quiet(faiss: Any) -> Iterator[None]:
    """Keep k-means from remarking, on the process's standard error, that clusters of ten rows are small."""
    with patch.object(faiss, "Kmeans", partial(faiss.Kmeans, min_points_per_centroid=1)):
        yield
