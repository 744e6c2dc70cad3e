"""Nearest training images of samples.

Shapes: S samples, R training images, D values per image.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from bgan_text.scores.score import SHARE, Score, mean

BLOCK_ELEMENTS = 1 << 24
"""Number of squared distances computed at a time: 64 MiB in float32."""


class Neighbours(NamedTuple):
    """The nearest training images of each sample, in order of increasing distance.

    Attributes:
        distances: (S, count) float64 root mean squared differences.
        places: (S, count) int64 indices of the training images.
    """

    distances: Tensor
    places: Tensor


def nearest(samples: Tensor, training: Tensor, count: int = 1) -> Neighbours:
    """Find the `count` nearest training images of each sample.

    Args:
        samples: (S, D) values in [0, 1], or uint8 values, which are divided by 255.
        training: (R, D) values as in `samples`.
        count: Number of neighbours, 1 to R.

    Returns:
        The distances and indices of the neighbours.

    Raises:
        ValueError: If the images differ in size or `count` is out of range.
    """
    if samples.shape[1] != training.shape[1]:
        raise ValueError(
            f"images of {samples.shape[1]} and of {training.shape[1]} values: equal sizes were expected"
        )
    if not 1 <= count <= len(training):
        raise ValueError(f"{count} neighbours among {len(training)} images: 1 up to all were expected")
    best = Neighbours(torch.empty(len(samples), 0), torch.empty(len(samples), 0, dtype=torch.int64))
    ours = _numbers(samples)
    rows = max(1, min(BLOCK_ELEMENTS // max(len(samples), samples.shape[1]), len(training)))
    for start in range(0, len(training), rows):
        block = _numbers(training[start : start + rows])
        squares = torch.addmm(block.square().sum(dim=1), ours, block.T, alpha=-2.0)
        squares, places = squares.topk(min(count, len(block)), largest=False)
        best = _merged(best, Neighbours(squares, places + start), count)
    return _exact(ours, training, best.places)


def _merged(one: Neighbours, other: Neighbours, count: int) -> Neighbours:
    squares, places = (torch.cat(sides, dim=1) for sides in zip(one, other, strict=True))
    squares, chosen = squares.topk(min(count, squares.shape[1]), largest=False)
    return Neighbours(squares, places.gather(1, chosen))


def _exact(samples: Tensor, training: Tensor, places: Tensor) -> Neighbours:
    """Recompute the distances without cancellation error, so that exact copies are at distance 0."""
    distances = [
        (_numbers(training[column]).double() - samples).square().mean(dim=1).sqrt() for column in places.T
    ]
    return Neighbours(torch.stack(distances, dim=1), places)


def _numbers(images: Tensor) -> Tensor:
    return images.float() / 255.0 if images.dtype == torch.uint8 else images.float()


def neighbour_distance(samples: Tensor, training: Tensor) -> Score:
    """Root mean squared difference to the nearest training image, mean over samples, in [0, 1].

    It is near 0 for a model that copies the training set. For a good model it is about that of held-out real
    images.

    Args:
        samples: See `nearest`.
        training: See `nearest`.

    Raises:
        ValueError: See `nearest`.
    """
    return mean(nearest(samples, training).distances[:, 0].numpy(), SHARE)
