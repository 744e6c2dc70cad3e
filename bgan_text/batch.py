"""A batch of data: samples, or labels together with their images."""

from typing import NamedTuple

from torch import Tensor


class LabelledImages(NamedTuple):
    """N images with their labels.

    Attributes:
        images: (N, channels, height, width) float32.
        labels: (N, 1) int64, rows of one token.
    """

    images: Tensor
    labels: Tensor


Batch = Tensor | LabelledImages
"""N samples: (N, L) int64 tokens, (N, channels, height, width) float32 images, or labels of images."""


def samples_of(batch: Batch) -> Tensor:
    """The samples of a batch, without what they are conditioned on."""
    return batch.labels if isinstance(batch, LabelledImages) else batch
