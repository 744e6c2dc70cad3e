"""Batches of pictures with labels for a classifier, from a prepared folder of pictures that are numbers.

Pictures of the training split are mirrored left to right at random, and shifted by up to an eighth of a side,
what enters being a reflection: more pictures than there are make it harder to learn labels by heart.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from bgan_text.batch import Labelled
from bgan_text.errors import UserError
from bgan_text.space import Canvas, Labels
from bgan_text.windows import windows

from .prepared import SPLITS, Prepared

SHARE_OF_SHIFT = 8
"""A side is this many times the largest shift."""


def labels_space(prepared: Prepared) -> Labels:
    """The labels of a folder's pictures.

    Raises:
        UserError: the samples are no pictures whose pixels are numbers, or their labels do not fit.
    """
    if not isinstance(prepared.space, Canvas):
        what = "pictures in colours" if prepared.pictures else "text"
        raise UserError(
            f"{prepared.folder} holds {what}: a classifier labels pictures whose pixels are real numbers, so "
            "prepare pictures that have labels, such as cifar10, with --colors none"
        )
    labels = torch.cat([_labels(prepared, split) for split in SPLITS])
    if labels.min() < 0:
        raise UserError(f"{prepared.folder} has a label {int(labels.min())}: labels count from 0")
    return Labels(prepared.space, int(labels.max()) + 1)


def split_of(prepared: Prepared, name: str) -> Labelled:
    """All of a split whose size is bounded, its pictures as they are."""
    return Labelled(prepared.rows(name), _labels(prepared, name).unsqueeze(1))


def labelled_batches(
    prepared: Prepared, batch: int, seed: int, device: torch.device
) -> Callable[[int, int], Labelled]:
    """(step, index) -> N training pictures with their labels, drawn with replacement, shifted and mirrored.

    A batch follows from the seed, step and index alone.
    """
    data = prepared.split("train").with_format("numpy", columns=["tokens", "label"])

    def at(step: int, index: int) -> Labelled:
        rng = np.random.default_rng((seed, step, index))
        rows = data[rng.integers(0, len(data), batch)]
        pictures = varied(prepared.pixels(np.asarray(rows["tokens"])), rng)
        labels = torch.as_tensor(np.asarray(rows["label"])).long().unsqueeze(1)
        return Labelled(pictures.to(device), labels.to(device))

    return at


def varied(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Pictures shifted and mirrored at random: (N, channels, height, width) -> the same shape."""
    count, (height, width) = len(pictures), pictures.shape[2:]
    below, beside = height // SHARE_OF_SHIFT, width // SHARE_OF_SHIFT
    larger = pad(pictures, (beside, beside, below, below), mode="reflect")
    rows = _window(rng.integers(0, 2 * below + 1, count), height)
    columns = _window(rng.integers(0, 2 * beside + 1, count), width)
    mirrored = torch.as_tensor(rng.random(count) < 0.5)
    columns[mirrored] = columns[mirrored].flip(1)
    return windows(larger, rows, columns)


def _window(starts: np.ndarray, length: int) -> Tensor:
    """(N,) first indices -> (N, length) successive ones."""
    return torch.as_tensor(starts).unsqueeze(1) + torch.arange(length)


def _labels(prepared: Prepared, split: str) -> Tensor:
    labels = prepared.labels(split)
    if labels is None:
        raise UserError(
            f"{prepared.folder} has pictures without labels in {split}: a classifier learns from labels, "
            "which mnist, cifar10 and .npz files with `labels` have"
        )
    return labels
