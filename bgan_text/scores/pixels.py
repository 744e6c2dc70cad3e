"""Scores that compare the distributions of single pixels in samples and in real images.

Shapes: S samples, R real images, L pixels, V colours, C channels. The interval of each score is based on the
first-order influence of each sample.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bgan_text.scores.score import SHARE, Floats, Score

RANGE = 2.0
"""Width of the interval [-1, 1] of continuous pixels."""
BLOCK_ELEMENTS = 1 << 22


def colour_distance(samples: Tensor, references: Tensor, vocabulary: int) -> Score:
    """Total variation distance between the colour distributions of a pixel, mean over pixels.

    Args:
        samples: (S, L) int64 tokens, S at least 1.
        references: (R, L) int64 tokens, R at least 1.
        vocabulary: Number of colours V.

    Returns:
        A score in [0, 1].

    Raises:
        ValueError: If a side is empty or the images differ in size.
    """
    _alike(samples, references)
    shares = [_shares(rows, vocabulary) for rows in (samples, references)]
    difference = shares[0] - shares[1]
    pull = 0.5 * difference.sign()
    each = _by_block(samples, lambda block: pull.T.gather(0, block.to(torch.int64)).mean(dim=1))
    return Score(0.5 * float(difference.abs().sum(dim=1).mean()), each.numpy(), limits=SHARE)


def _shares(rows: Tensor, vocabulary: int) -> Tensor:
    """(L, V) float64 share of each colour at each pixel."""
    pixels = rows.shape[1]
    counts = torch.zeros(pixels * vocabulary, dtype=torch.int64)
    for block in rows.split(_rows_of(pixels)):
        codes = block.to(torch.int64) + vocabulary * torch.arange(pixels)
        counts += torch.bincount(codes.flatten(), minlength=len(counts))
    return counts.view(pixels, vocabulary).double() / len(rows)


def mean_distance(samples: Tensor, references: Tensor) -> Score:
    """Mean absolute difference between the mean images, relative to the pixel range.

    The mean is over pixels and channels.

    Args:
        samples: (S, C, height, width) float32 in [-1, 1], S at least 1.
        references: (R, C, height, width) float32 in [-1, 1], R at least 1.

    Returns:
        A score in [0, 1].

    Raises:
        ValueError: If a side is empty or the images differ in size.
    """
    _alike(samples, references)
    difference = _moments(samples)[0] - _moments(references)[0]
    pull = difference.sign() / RANGE
    each = _mean_product(samples, lambda block: block * pull)
    return Score(float(difference.abs().mean()) / RANGE, each, limits=SHARE)


def deviation_distance(samples: Tensor, references: Tensor) -> Score:
    """Like `mean_distance`, but for the standard deviations of the pixels (divisor S, not S - 1).

    Args:
        samples: See `mean_distance`.
        references: See `mean_distance`.

    Returns:
        A score in [0, 1/2].

    Raises:
        ValueError: If a side is empty or the images differ in size.
    """
    _alike(samples, references)
    (mean, deviation), (_, other) = _moments(samples), _moments(references)
    difference = deviation - other
    # The influence on the variance is (x - mean)^2 - variance; on the deviation, that over 2 * deviation.
    pull = torch.where(deviation > 0, difference.sign() / (RANGE * 2.0 * deviation), 0.0)
    each = _mean_product(samples, lambda block: ((block - mean).square() - deviation.square()) * pull)
    return Score(float(difference.abs().mean()) / RANGE, each, limits=(0.0, 0.5))


def _moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of every pixel and channel: (C * height * width,) float64 each."""
    flat = images.flatten(1)
    blocks = flat.split(_rows_of(flat.shape[1]))
    mean = torch.stack([block.double().sum(dim=0) for block in blocks]).sum(dim=0) / len(flat)
    squares = torch.stack([(block.double() - mean).square().sum(dim=0) for block in blocks]).sum(dim=0)
    return mean, (squares / len(flat)).sqrt()


def _mean_product(images: Tensor, change: Callable[[Tensor], Tensor]) -> Floats:
    changes = _by_block(images.flatten(1), lambda block: change(block.double()).mean(dim=1))
    return np.asarray(changes.numpy())


def _by_block(rows: Tensor, reduce: Callable[[Tensor], Tensor]) -> Tensor:
    """Reduce (S, n) rows to (S,) float64 in blocks."""
    return torch.cat([reduce(block) for block in rows.split(_rows_of(rows.shape[1]))])


def _rows_of(numbers: int) -> int:
    return max(1, BLOCK_ELEMENTS // numbers)


def _alike(samples: Tensor, references: Tensor) -> None:
    if samples.shape[1:] != references.shape[1:] or not len(samples) or not len(references):
        raise ValueError(
            f"images {tuple(samples.shape)} and {tuple(references.shape)}: at least one on each side, all of "
            "equal size, were expected"
        )
