"""A small convolutional image classifier whose features are used by other scores.

Shapes: K images, C channels, D features. Samples are (K, L) tokens of quantised images or (K, C, height,
width) pixels of continuous images.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bgan_text.errors import UserError
from bgan_text.space import PixelSpace, TokenSpace

FEATURES = 64
SMALLEST = 8
"""Side in pixels down to which feature maps are halved."""
WIDEST = 4
"""Largest number of channels, as a multiple of `width`."""
CHUNK = 256


class Classified(NamedTuple):
    """Output of the classifier: (K, classes) logits and (K, D) features, float32."""

    logits: Tensor
    features: Tensor


class FeatureClassifier(nn.Module):
    """Strided convolutions with batch normalisation, a dense layer of `FEATURES` features, and logits.

    Args:
        space: Space of the images.
        classes: Number of classes.
        colours: (V, C) float32 colours of the tokens of a `TokenSpace`, in [-1, 1]. `None` for a
            `PixelSpace`.
        width: Channels of the first layer. They double with every halving, up to `WIDEST` times `width`.
    """

    colours: Tensor | None

    def __init__(
        self, space: TokenSpace | PixelSpace, classes: int, colours: Tensor | None, *, width: int
    ) -> None:
        super().__init__()
        self.space = space
        self.register_buffer("colours", colours)
        channels, height, side = _size(space, colours)
        layers: list[nn.Module] = []
        level = 0
        while max(height, side) > SMALLEST or level == 0:
            stride = 2 if max(height, side) > SMALLEST else 1
            wide = width * min(2**level, WIDEST)
            layers += _convolution(channels, wide, 5 if level == 0 else 3, stride)
            channels, level = wide, level + 1
            height, side = -(-height // stride), -(-side // stride)
        layers += _convolution(channels, channels, 3, 1)
        self.layers = nn.Sequential(*layers)
        self.dense = nn.Linear(channels * height * side, FEATURES)
        self.last = nn.Linear(FEATURES, classes)

    def pixels(self, samples: Tensor) -> Tensor:
        """Convert samples to (K, C, height, width) float32 pixels in channels-last memory format."""
        if isinstance(self.space, PixelSpace):
            return samples.contiguous(memory_format=torch.channels_last)
        assert self.colours is not None
        assert self.space.shape is not None
        pixels: Tensor = self.colours[samples].unflatten(1, self.space.shape).permute(0, 3, 1, 2)
        return pixels

    def forward(self, pixels: Tensor) -> Classified:
        """(K, C, height, width) pixels -> logits, and the features that are the input of the last layer."""
        features = self.dense(self.layers(pixels).flatten(1)).relu()
        return Classified(self.last(features), features)

    @torch.no_grad()
    def classified(self, samples: Tensor, turns: int = 0) -> Classified:
        """Classify samples in chunks. The result is on the CPU.

        Args:
            samples: Samples of the space, on any device.
            turns: Number of quarter turns by which the samples are rotated first.
        """
        parts = list(self._parts(samples, turns))
        return Classified(*(torch.cat(side) for side in zip(*parts, strict=True)))

    def _parts(self, samples: Tensor, turns: int) -> Iterator[tuple[Tensor, Tensor]]:
        self.eval()
        device = self.last.weight.device
        for part in samples.split(CHUNK):
            logits, features = self(self.pixels(part.to(device)).rot90(turns, (2, 3)))
            yield logits.cpu(), features.cpu()


def _size(space: TokenSpace | PixelSpace, colours: Tensor | None) -> tuple[int, int, int]:
    """Return channels, height and width."""
    if isinstance(space, PixelSpace):
        return space.channels, space.height, space.width
    if space.shape is None:
        raise UserError("an image classifier was asked for sequences: a space with a shape is needed")
    if colours is None or colours.ndim != 2 or len(colours) != space.vocabulary:
        given = "none" if colours is None else f"{tuple(colours.shape)}"
        raise UserError(f"colours {given} for {space.vocabulary} tokens: one row per token is needed")
    return colours.shape[1], *space.shape


def _convolution(narrow: int, wide: int, kernel: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(narrow, wide, kernel, stride=stride, padding=kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(wide), nn.ReLU(inplace=True)]
