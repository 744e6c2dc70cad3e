"""A batch of data: samples, and for labels what they are conditioned on."""

from typing import NamedTuple

from torch import Tensor


class Labelled(NamedTuple):
    """N labels with their pictures.

    `pictures`: (N, channels, height, width) float32. `labels`: (N, 1) int64, rows of one token.
    """

    pictures: Tensor
    labels: Tensor


Batch = Tensor | Labelled
"""N samples: (N, L) int64 tokens, (N, channels, height, width) float32 pictures, or labels of pictures."""


def samples_of(batch: Batch) -> Tensor:
    """The samples of a batch, without what they are conditioned on."""
    return batch.labels if isinstance(batch, Labelled) else batch
