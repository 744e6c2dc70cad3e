"""Crops of images."""

import torch
from torch import Tensor


def crop(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The chosen rows and columns of each image.

    Args:
        images: (K, C, height, width).
        rows: (K, H) int64.
        columns: (K, W) int64.

    Returns:
        (K, C, H, W), in channels-last memory, because indexing then copies whole pixels.
    """
    which = torch.arange(len(images), device=images.device).view(-1, 1, 1)
    taken = images.permute(0, 2, 3, 1)[which, rows.unsqueeze(2), columns.unsqueeze(1)]
    return taken.permute(0, 3, 1, 2)
