"""Batches of images with labels for a classifier, from a dataset directory of images that are numbers.

Images of the training split are mirrored left to right at random, and shifted by up to an eighth of a side,
what enters being a reflection: more images than there are make it harder to learn labels by heart.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from bgan_text.batch import LabelledImages
from bgan_text.corpora.dataset_directory import ALL, SPLITS, DatasetDirectory
from bgan_text.corpora.feeding import Parts, fed
from bgan_text.crops import crop
from bgan_text.errors import UserError
from bgan_text.space import LabelSpace, PixelSpace

SHARE_OF_SHIFT = 8
"""A side is this many times the largest shift."""


def labels_space(dataset: DatasetDirectory) -> LabelSpace:
    """The labels of a folder's images.

    Raises:
        UserError: the samples are no continuous images, or their labels do not fit.
    """
    if not isinstance(dataset.space, PixelSpace):
        what = "images in colours" if dataset.images else "text"
        raise UserError(
            f"{dataset.folder} holds {what}: a classifier labels images whose pixels are real numbers, so "
            "prepare images that have labels, such as cifar10, with `colors` none"
        )
    labels = torch.cat([_labels(dataset, split) for split in SPLITS])
    if labels.min() < 0:
        raise UserError(f"{dataset.folder} has a label {int(labels.min())}: labels count from 0")
    return LabelSpace(dataset.space, int(labels.max()) + 1)


def labelled_split(dataset: DatasetDirectory, name: str) -> LabelledImages:
    """All of a split whose size is bounded, its images as they are."""
    return LabelledImages(dataset.rows(name), _labels(dataset, name).unsqueeze(1))


def labelled_batches(
    dataset: DatasetDirectory,
    batch: int,
    seed: int,
    device: torch.device,
    own: slice = ALL,
    each_step: int = 1,
) -> Callable[[int, int], LabelledImages]:
    """(step, index) -> N training images with their labels, drawn with replacement, shifted and mirrored.

    A batch follows from the seed, step and index alone. The arguments are as of `DatasetDirectory.batches`.
    """
    data, labels = dataset.tokens("train"), _labels(dataset, "train")
    assert isinstance(dataset.space, PixelSpace)
    sides = dataset.space.height, dataset.space.width

    def choose(step: int, index: int) -> tuple[NDArray[np.int64], *Parts]:
        rng = np.random.default_rng((seed, step, index))
        places = rng.integers(0, len(data), batch)
        rows, columns = _windows(batch, sides, rng)
        return places[own], labels[places[own]].unsqueeze(1), rows[own], columns[own]

    def make(pixels: Tensor, labels: Tensor, rows: Tensor, columns: Tensor) -> LabelledImages:
        return LabelledImages(_moved(dataset.pixels(pixels), rows, columns), labels)

    return fed(data, choose, make, device, each_step)


def augment(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Images shifted and mirrored at random: (N, channels, height, width) -> the same shape."""
    height, width = images.shape[2:]
    return _moved(images, *_windows(len(images), (height, width), rng))


def _windows(count: int, sides: tuple[int, int], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The rows and columns that are kept of images with a margin: (N, height) and (N, width) int64."""
    height, width = sides
    rows = _window(rng.integers(0, 2 * (height // SHARE_OF_SHIFT) + 1, count), height)
    columns = _window(rng.integers(0, 2 * (width // SHARE_OF_SHIFT) + 1, count), width)
    mirrored = torch.as_tensor(rng.random(count) < 0.5)
    columns[mirrored] = columns[mirrored].flip(1)
    return rows, columns


def _moved(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Those rows and columns of images whose margin is their reflection."""
    below, beside = (side // SHARE_OF_SHIFT for side in images.shape[2:])
    return crop(pad(images, (beside, beside, below, below), mode="reflect"), rows, columns)


def _window(starts: np.ndarray, length: int) -> Tensor:
    """(N,) first indices -> (N, length) successive ones."""
    return torch.as_tensor(starts).unsqueeze(1) + torch.arange(length)


def _labels(dataset: DatasetDirectory, split: str) -> Tensor:
    labels = dataset.labels(split)
    if labels is None:
        raise UserError(
            f"{dataset.folder} has images without labels in {split}: a classifier learns from labels, "
            "which mnist, cifar10 and .npz files with `labels` have"
        )
    return labels
