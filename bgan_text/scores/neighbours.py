"""The nearest training images of samples.

Shapes: S samples, R training images, D numbers of an image.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from bgan_text.scores.score import Score

BLOCK_ELEMENTS = 1 << 24
"""Squared distances that are held at a time: 64 MiB."""


class Neighbours(NamedTuple):
    """The nearest images of each sample, near ones first.

    `distances`: (S, count) float64, root mean squared difference of the numbers. `places`: (S, count) int64.
    """

    distances: Tensor
    places: Tensor


def nearest(samples: Tensor, training: Tensor, count: int = 1) -> Neighbours:
    """The `count` nearest training images of each sample.

    Args:
        samples: (S, D) numbers in 0 .. 1; bytes are taken as 255ths.
        training: (R, D) likewise.
        count: at most R.

    Raises:
        ValueError: images of different size, or fewer than `count`.
    """
    if samples.shape[1] != training.shape[1]:
        raise ValueError(f"images of {samples.shape[1]} and of {training.shape[1]} numbers")
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
    """Distances without the rounding of a difference of large squares, which would give copies a distance."""
    distances = [
        (_numbers(training[column]).double() - samples).square().mean(dim=1).sqrt() for column in places.T
    ]
    return Neighbours(torch.stack(distances, dim=1), places)


def _numbers(images: Tensor) -> Tensor:
    return images.float() / 255.0 if images.dtype == torch.uint8 else images.float()


def neighbour_distance(samples: Tensor, training: Tensor) -> Score:
    """Root mean squared difference to the nearest training image, the mean over samples, 0 .. 1.

    Near 0 for a model that copies; for a good one about what new real images have.
    """
    each = nearest(samples, training).distances[:, 0]
    return Score(float(each.mean()), each.numpy())
