"""Scores of embeddings: how far from real, how plausible, how complete, how diverse.

Arrays hold one embedding a row, in numpy or torch: samples (S, D), real texts (R, D). A tensor is scored
on the device that holds it. All is computed in float64. An array that is not two-dimensional, is empty
or holds a number that is not finite, and two arrays of different width, raise `ValueError`.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bgan_text.scores.score import Score

Embeddings = NDArray[Any] | Tensor

NEIGHBOURS = 3
"""k of the k-nearest-neighbour radius, as Kynkäänniemi et al. 2019 choose it."""

BLOCK_ELEMENTS = 1 << 20
"""Squared distances that are held at a time: 8 MiB in float64."""

ROUNDING = 1e-11
"""How much a squared distance, relative to the squares it is the difference of, may exceed another and
still count as equal. The embedding of one text differs by float32 rounding from batch to batch."""


def frechet(samples: Embeddings, reals: Embeddings) -> Score:
    """Fréchet distance between the Gaussians with the means m and covariances C of both sides:

        |m_s - m_r|^2 + tr C_s + tr C_r - 2 tr (C_s C_r)^(1/2)

    (Heusel et al. 2017, equation 6; on sentence embeddings Semeniuta et al. 2018 and de Masson d'Autume
    et al. 2019). Covariances are the unbiased ones. The distance itself is biased upwards, by more the
    fewer the texts: compare only values of equal S and equal R.

    Returns:
        A value of 0 or more, in squared units of the embedding, low where samples resemble real texts;
        NaN for fewer than two rows on either side. `each`: (S,) first-order influence of each sample.
    """
    ours, theirs = matrices(samples, reals)
    if min(len(ours), len(theirs)) < 2:
        return Score(math.nan, np.empty(0))
    shift = ours.mean(0) - theirs.mean(0)
    basis, factor = _square_root(ours)
    _, other = _square_root(theirs)
    # tr (C_s C_r)^(1/2) is the sum of the singular values of any square root of C_r times one of C_s.
    # No eigenvalue is rooted, so that the zeros of a covariance without full rank stay harmless.
    _, overlap, right = torch.linalg.svd(other @ factor.T, full_matrices=False)
    variance = factor.square().sum()
    value = shift.square().sum() + variance + other.square().sum() - 2 * overlap.sum()
    centred = ours - ours.mean(0)
    rows = len(ours)
    # The derivative of the last term in the covariance is T, the map of optimal transport between the
    # Gaussians. (x - m)' T (x - m) written in the orthonormal basis needs no inverse.
    spread = rows / (rows - 1) * centred.square().sum(1) - variance
    transport = rows * (basis @ right.T).square() @ overlap - overlap.sum()
    return _score(value.clamp(min=0.0), 2 * centred @ shift + spread - transport)


def _square_root(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Q (S, K) orthonormal and A (K, D) with A'A the covariance; Q A sqrt(S - 1) are the centred rows."""
    basis, factor = torch.linalg.qr((rows - rows.mean(0)) / math.sqrt(len(rows) - 1))
    return basis, factor


def precision(samples: Embeddings, reals: Embeddings, neighbours: int = NEIGHBOURS) -> Score:
    """Share of the samples that lie among the real texts (Kynkäänniemi et al. 2019, equations 1 and 2).

    A sample lies among them if some real text is as near to it as to its own `neighbours`-th nearest
    other real text, or nearer.

    Returns:
        A value in 0 .. 1, high where samples are plausible; NaN if R <= `neighbours`. `each`: (S,) 0 or 1.

    Raises:
        ValueError: for `neighbours` below 1.
    """
    ours, theirs = matrices(samples, reals)
    inside = _among(ours, theirs, neighbours)
    if inside is None:
        return Score(math.nan, np.empty(0))
    return _score(inside.mean(), inside)


def recall(samples: Embeddings, reals: Embeddings, neighbours: int = NEIGHBOURS) -> Score:
    """Share of the real texts that lie among the samples: `precision` with the sides exchanged.

    Returns:
        A value in 0 .. 1, high where samples cover what is real; it rises with S. NaN if
        S <= `neighbours`. `each` is empty, for the share of one sample is not known.

    Raises:
        ValueError: for `neighbours` below 1.
    """
    ours, theirs = matrices(samples, reals)
    inside = _among(theirs, ours, neighbours)
    return Score(math.nan if inside is None else float(inside.mean()), np.empty(0))


def _among(points: Tensor, centres: Tensor, neighbours: int) -> Tensor | None:
    """(P,) 1.0 where a point is in the ball of some centre; None if there are too few centres."""
    if neighbours < 1:
        raise ValueError(f"neighbours = {neighbours}: at least 1 is needed")
    if len(centres) <= neighbours:
        return None
    origin = centres.mean(0)  # distances do not depend on it, their rounding does
    points, centres = points - origin, centres - origin
    # Each centre is its own nearest, at distance 0.
    radius = _by_row(centres, centres, lambda block: block.topk(neighbours + 1, largest=False).values[:, -1])
    limit = radius + ROUNDING * (radius + centres.square().sum(1))
    return _by_row(points, centres, lambda block: (block <= limit).any(dim=1))


def _by_row(points: Tensor, centres: Tensor, reduce: Callable[[Tensor], Tensor]) -> Tensor:
    """(P,) of the (P, C) squared distances, reduced from (B, C) to (B,) a block of rows at a time.

    The result is made first: a small tensor kept from each block would lie between the large ones and
    keep the allocator from using their memory again.
    """
    norms = centres.square().sum(1)
    reduced = norms.new_empty(len(points))
    rows = max(1, BLOCK_ELEMENTS // len(centres))
    for block, part in zip(points.split(rows), reduced.split(rows), strict=True):
        distances = torch.addmm(norms, block, centres.T, alpha=-2.0)
        part.copy_(reduce(distances.add_(block.square().sum(1, keepdim=True))))
    return reduced


def vendi(samples: Embeddings) -> Score:
    """Vendi score of order 1 with the cosine kernel: the effective number of different samples.

    The exponential of the entropy of the eigenvalues of K / S, K the (S, S) cosine similarities
    (Friedman and Dieng 2023, definition 3.1). It grows with S: compare only values of equal S.

    Returns:
        A value in 1 .. min(S, D): 1 for samples all alike, S for orthogonal ones. NaN if a row is zero,
        for it has no cosine. `each`: (S,) first-order influence of each sample.
    """
    rows = _matrix("samples", samples)
    norms = rows.norm(dim=1, keepdim=True)
    if not bool((norms > 0).all()):
        return Score(math.nan, np.empty(0))
    # The squared singular values are the eigenvalues of either Gram matrix; the smaller is what counts.
    left, singular, _ = torch.linalg.svd(rows / norms / math.sqrt(len(rows)), full_matrices=False)
    information = -torch.special.xlogy(singular.square(), singular.square())
    value = information.sum().exp()
    surprise = len(rows) * left.square() @ information - information.sum()
    return _score(value, value * surprise)


def matrices(samples: Embeddings, reals: Embeddings) -> tuple[Tensor, Tensor]:
    """Both arrays in float64 on the device of `samples`; `ValueError` as the module says."""
    ours, theirs = _matrix("samples", samples), _matrix("reals", reals)
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(f"samples are {ours.shape[1]} wide, reals {theirs.shape[1]}: one width was expected")
    return ours, theirs.to(ours.device)


def _matrix(name: str, array: Embeddings) -> Tensor:
    if isinstance(array, Tensor):
        matrix = array.detach().double()
    else:
        matrix = torch.from_numpy(np.array(array, dtype=np.float64))  # a copy: torch wants it writable
    if matrix.ndim != 2 or not matrix.numel():
        raise ValueError(f"{name} have shape {tuple(matrix.shape)}: rows of embeddings were expected")
    if not bool(matrix.isfinite().all()):
        raise ValueError(f"{name} hold numbers that are not finite: finite embeddings were expected")
    return matrix


def _score(value: Tensor, each: Tensor) -> Score:
    return Score(float(value), each.cpu().numpy())
