"""Scores of embeddings: Fréchet distance, precision, recall, density, coverage and the Vendi score.

Arguments are numpy arrays or torch tensors with one embedding per row: (S, D) samples and (R, D) real texts.
A tensor is scored on its own device. All computations are in float64. Arrays that are not two-dimensional,
are empty or contain nonfinite values raise `ValueError`, as do two arrays of different width.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bgan_text.scores.score import SHARE, Score, mean
from bgan_text.scores.uncertainty import jackknife

Embeddings = NDArray[Any] | Tensor

NEIGHBOURS = 3
"""k of the k-nearest-neighbour radius, as in Kynkäänniemi et al. 2019."""

DENSITY_NEIGHBOURS = 5
"""k of `density_and_coverage`, as in Naeem et al. 2020."""

BLOCK_ELEMENTS = 1 << 20
"""Number of squared distances computed at a time: 8 MiB in float64."""

ROUNDING = 1e-11
"""Tolerance of comparisons of squared distances, relative to the squares that they are differences of.

The embedding of a text differs between batches by float32 rounding.
"""


def frechet(samples: Embeddings, reals: Embeddings) -> Score:
    """Fréchet distance between Gaussians fitted to the embeddings of samples and of real texts.

    With means m and unbiased covariances C:

        |m_s - m_r|^2 + tr C_s + tr C_r - 2 tr (C_s C_r)^(1/2)

    The estimate is biased upwards, more so for fewer texts. Compare only values with equal S and equal R.

    Source: Heusel et al. 2017, equation 6; for sentence embeddings, Semeniuta et al. 2018 and de Masson
    d'Autume et al. 2019.

    Args:
        samples: (S, D) embeddings.
        reals: (R, D) embeddings.

    Returns:
        A score of at least 0, in squared units of the embedding; lower if samples resemble real texts. `each`
        (S,) is the first-order influence of each sample. NaN for fewer than two rows on either side.

    Raises:
        ValueError: If an array is invalid or the widths differ.
    """
    ours, theirs = matrices(samples, reals)
    if min(len(ours), len(theirs)) < 2:
        return Score(math.nan, np.empty(0))
    shift = ours.mean(0) - theirs.mean(0)
    basis, factor = _square_root(ours)
    _, other = _square_root(theirs)
    # tr (C_s C_r)^(1/2) is the sum of the singular values of a square root of C_r times one of C_s. This
    # takes no square roots of eigenvalues, so the zero eigenvalues of a rank-deficient covariance do no harm.
    _, overlap, right = torch.linalg.svd(other @ factor.T, full_matrices=False)
    variance = factor.square().sum()
    value = shift.square().sum() + variance + other.square().sum() - 2 * overlap.sum()
    centred = ours - ours.mean(0)
    rows = len(ours)
    # The derivative of the last term with respect to the covariance is T, the optimal transport map between
    # the Gaussians. In the orthonormal basis, (x - m)' T (x - m) needs no inverse.
    spread = rows / (rows - 1) * centred.square().sum(1) - variance
    transport = rows * (basis @ right.T).square() @ overlap - overlap.sum()
    return _score(value.clamp(min=0.0), 2 * centred @ shift + spread - transport)


def _square_root(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return orthonormal Q (S, K) and A (K, D) with covariance A'A; the centred rows are Q A sqrt(S - 1)."""
    basis, factor = torch.linalg.qr((rows - rows.mean(0)) / math.sqrt(len(rows) - 1))
    return basis, factor


def precision(samples: Embeddings, reals: Embeddings, neighbours: int = NEIGHBOURS) -> Score:
    """Share of the samples on the manifold of real texts (Kynkäänniemi et al. 2019, equations 1 and 2).

    A sample is on the manifold if its distance to some real text is at most the distance of that text to its
    `neighbours`-th nearest other real text.

    Args:
        samples: (S, D) embeddings.
        reals: (R, D) embeddings.
        neighbours: k of the k-nearest-neighbour radius, at least 1.

    Returns:
        A score in [0, 1]; higher if samples are plausible. `each` (S,) is 0 or 1. NaN if R <= `neighbours`.

    Raises:
        ValueError: If `neighbours` is below 1, an array is invalid or the widths differ.
    """
    ours, theirs = matrices(samples, reals)
    inside = _among(ours, theirs, neighbours)
    if inside is None:
        return Score(math.nan, np.empty(0))
    return mean(inside.cpu().numpy(), SHARE)


def recall(samples: Embeddings, reals: Embeddings, neighbours: int = NEIGHBOURS) -> Score:
    """Share of the real texts on the manifold of the samples: `precision` with the sides swapped.

    Args:
        samples: (S, D) embeddings.
        reals: (R, D) embeddings.
        neighbours: k of the k-nearest-neighbour radius, at least 1.

    Returns:
        A score in [0, 1]; higher if samples cover the real texts. It increases with S. `each` is empty
        because the contribution of a single sample is not known. NaN if S <= `neighbours`.

    Raises:
        ValueError: If `neighbours` is below 1, an array is invalid or the widths differ.
    """
    ours, theirs = matrices(samples, reals)
    inside = _among(theirs, ours, neighbours)
    return Score(math.nan if inside is None else float(inside.mean()), np.empty(0))


def density_and_coverage(
    samples: Embeddings, reals: Embeddings, neighbours: int = DENSITY_NEIGHBOURS
) -> tuple[Score, Score]:
    """Density and coverage (Naeem et al. 2020, equations 3 and 4), which outliers of real text do not move.

    Around each real text is a ball that ends before its `neighbours`-th nearest other real text. Density is
    the number of balls that a sample lies in, over `neighbours`, the mean over samples. Coverage is the share
    of the real texts whose ball holds a sample. As in the authors' package prdc, the surface of a ball is not
    part of it, so the ball of a text that occurs more than `neighbours` times is empty.

    Args:
        samples: (S, D) embeddings.
        reals: (R, D) embeddings.
        neighbours: k of the k-nearest-neighbour radius, at least 1.

    Returns:
        Density, at least 0, about 1 for real texts, above if samples are where real texts are densest, with
        `each` (S,) that of every sample. Coverage, in [0, 1], with `each` (S,) jackknife pseudo-values. NaN
        if R <= `neighbours`.

    Raises:
        ValueError: If `neighbours` is below 1, an array is invalid or the widths differ.
    """
    ours, theirs = matrices(samples, reals)
    radius = _radius(theirs, neighbours)
    if radius is None:
        return Score(math.nan, np.empty(0)), Score(math.nan, np.empty(0))
    origin = theirs.mean(0)
    ours, theirs = ours - origin, theirs - origin
    limit = radius - ROUNDING * (radius + theirs.square().sum(1))
    inside = _by_row(ours, theirs, lambda block: (block < limit).sum(dim=1))
    found = torch.stack(_by_row(theirs, ours, _nearest_two, 3).unbind(1))
    covered, shared = found[:2] < limit
    value = covered.double().mean()
    # Leaving out a sample uncovers the real texts that no other sample covers.
    alone = torch.zeros_like(inside)
    alone.index_add_(0, found[2, covered & ~shared].long(), torch.ones_like(found[2, covered & ~shared]))
    without = value - alone / len(theirs)
    shares = jackknife(float(value), without.cpu().numpy())
    return _score(inside.mean() / neighbours, inside / neighbours), Score(float(value), shares, limits=SHARE)


def _nearest_two(block: Tensor) -> Tensor:
    """(B, C) squared distances -> (B, 3): the two smallest, infinite where there is none, and where."""
    values, places = block.topk(min(2, block.shape[1]), largest=False)
    missing = torch.full_like(values[:, :1], math.inf)
    return torch.cat([values, missing, places[:, :1].to(values)], dim=1)[:, [0, 1, -1]]


def _radius(centres: Tensor, neighbours: int) -> Tensor | None:
    """(C,) squared distance of each centre to its k-th nearest other; None if there are too few."""
    if neighbours < 1:
        raise ValueError(f"neighbours = {neighbours}: at least 1 is needed")
    if len(centres) <= neighbours:
        return None
    centres = centres - centres.mean(0)  # the distances are invariant to it, their rounding is not
    # Each centre is its own nearest neighbour, at distance 0.
    return _by_row(centres, centres, lambda block: block.topk(neighbours + 1, largest=False).values[:, -1])


def _among(points: Tensor, centres: Tensor, neighbours: int) -> Tensor | None:
    """(P,) 1.0 for points in the ball of some centre, else 0.0; `None` if there are too few centres."""
    radius = _radius(centres, neighbours)
    if radius is None:
        return None
    origin = centres.mean(0)
    points, centres = points - origin, centres - origin
    limit = radius + ROUNDING * (radius + centres.square().sum(1))
    return _by_row(points, centres, lambda block: (block <= limit).any(dim=1))


def _by_row(points: Tensor, centres: Tensor, reduce: Callable[[Tensor], Tensor], *width: int) -> Tensor:
    """Reduce the (P, C) squared distances to (P, *width), in blocks of (B, C) -> (B, *width).

    The result is allocated first. Small tensors kept from each block would fragment the memory between the
    large ones and prevent its reuse.
    """
    norms = centres.square().sum(1)
    reduced = norms.new_empty(len(points), *width)
    rows = max(1, BLOCK_ELEMENTS // len(centres))
    for block, part in zip(points.split(rows), reduced.split(rows), strict=True):
        distances = torch.addmm(norms, block, centres.T, alpha=-2.0)
        part.copy_(reduce(distances.add_(block.square().sum(1, keepdim=True))))
    return reduced


def vendi(samples: Embeddings) -> Score:
    """Vendi score of order 1 with the cosine kernel: the effective number of distinct samples.

    The exponential of the entropy of the eigenvalues of K / S, where K holds the (S, S) cosine similarities
    (Friedman and Dieng 2023, definition 3.1). It grows with S. Compare only values with equal S.

    Args:
        samples: (S, D) embeddings.

    Returns:
        A score in [1, min(S, D)]: 1 for identical samples, S for orthogonal ones. `each` (S,) is the
        first-order influence of each sample. NaN if a row is zero, as its cosine similarity is undefined.

    Raises:
        ValueError: If the array is invalid.
    """
    rows = _matrix("samples", samples)
    norms = rows.norm(dim=1, keepdim=True)
    if not bool((norms > 0).all()):
        return Score(math.nan, np.empty(0))
    # The squared singular values are the eigenvalues of the smaller of the two Gram matrices.
    left, singular, _ = torch.linalg.svd(rows / norms / math.sqrt(len(rows)), full_matrices=False)
    information = -torch.special.xlogy(singular.square(), singular.square())
    value = information.sum().exp()
    surprise = len(rows) * left.square() @ information - information.sum()
    most = float(min(rows.shape))
    return replace(_score(value, value * surprise), limits=(1.0, most) if most > 1 else None)


def matrices(samples: Embeddings, reals: Embeddings) -> tuple[Tensor, Tensor]:
    """Convert both arrays to float64 tensors on the device of `samples`.

    Raises:
        ValueError: If an array is not two-dimensional, is empty or has nonfinite values, or the widths
            differ.
    """
    ours, theirs = _matrix("samples", samples), _matrix("reals", reals)
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(
            f"samples are {ours.shape[1]} wide, reals {theirs.shape[1]}: equal widths were expected"
        )
    return ours, theirs.to(ours.device)


def _matrix(name: str, array: Embeddings) -> Tensor:
    if isinstance(array, Tensor):
        matrix = array.detach().double()
    else:
        matrix = torch.from_numpy(np.array(array, dtype=np.float64))  # a copy: torch needs a writable array
    if matrix.ndim != 2 or not matrix.numel():
        raise ValueError(f"{name} have shape {tuple(matrix.shape)}: a non-empty (rows, width) was expected")
    if not bool(matrix.isfinite().all()):
        raise ValueError(f"{name} contain values that are not finite: finite embeddings were expected")
    return matrix


def _score(value: Tensor, each: Tensor) -> Score:
    return Score(float(value), each.cpu().numpy())
