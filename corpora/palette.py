"""Pixels <-> tokens. A palette holds the colours that tokens stand for, and the size of the images.

Like a tokenizer, a palette is plain data: `content` gives the bytes of its file.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bgan_text.corpora.dataset_records import Colors
from bgan_text.corpora.images import Pixels
from bgan_text.errors import UserError
from bgan_text.files import read_json

BLOCK_DISTANCES = 1 << 20
"""Distances from pixels to colours that are in memory at a time, 4 MiB."""
KMEANS_UNDECIDED = 0.001
"""Pillow's k-means ends when no more than this share of the pixels change their colour in a round."""


@dataclass(frozen=True)
class Palette:
    """The colours of tokens 0, 1, ..., V - 1.

    Attributes:
        height, width: the size of the images in pixels.
        channels: 1 for grey levels, 3 for red, green and blue.
        colors: (V, channels) uint8; None for continuous images.
    """

    kind: ClassVar[str] = "palette"
    file: ClassVar[str] = "palette.json"

    height: int
    width: int
    channels: int
    colors: Pixels | None

    @property
    def vocabulary(self) -> int:
        """The number of colours; 256 for continuous images."""
        return 256 if self.colors is None else len(self.colors)

    def encode(self, pixels: Pixels) -> Pixels:
        """The nearest colours: (height, width, channels) -> (height * width,) uint8 tokens, row by row."""
        if self.colors is None:
            return pixels.reshape(-1)
        flat, colors = pixels.reshape(-1, self.channels), self.colors.astype(np.float32)
        nearest = np.empty(len(flat), dtype=np.uint8)
        # |pixel - colour|² without |pixel|², which is the same for all colours. Every number is whole and
        # below 2^24, so float32 is exact.
        ours, factors = np.square(colors).sum(axis=1), -2.0 * colors.T
        rows = max(1, BLOCK_DISTANCES // len(colors))
        for start in range(0, len(flat), rows):
            block = flat[start : start + rows].astype(np.float32)
            nearest[start : start + rows] = (block @ factors + ours).argmin(axis=1)
        return nearest

    def decode(self, sample: Iterable[int] | NDArray[Any]) -> Pixels:
        """Turn a sample into (height, width, channels) uint8 pixels.

        Args:
            sample: (height * width,) tokens, or (channels, height, width) pixels in -1 .. 1.
        """
        values = np.asarray(sample)
        if self.colors is not None:
            colours: Pixels = self.colors[values]
            return colours.reshape(self.height, self.width, self.channels)
        painted: Pixels = levels(torch.as_tensor(values)).permute(1, 2, 0).numpy()
        return painted

    def content(self) -> bytes:
        """The bytes of the palette's file."""
        colors = None if self.colors is None else self.colors.tolist()
        value = {"height": self.height, "width": self.width, "channels": self.channels, "colors": colors}
        return (json.dumps({"kind": self.kind, **value}) + "\n").encode()


def numbers(levels: Tensor) -> Tensor:
    """Bytes, 0 .. 255, as float32 numbers in -1 .. 1."""
    return levels.float() / 127.5 - 1.0


def levels(numbers: Tensor) -> Tensor:
    """Numbers in -1 .. 1 as the nearest bytes."""
    return ((numbers + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)


def load_palette(folder: Path) -> Palette:
    """The palette stored in a dataset directory or a run."""
    path = folder / Palette.file
    try:
        told = read_json(path, Colors)
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no palette file") from error
    if told.colors is not None and {len(color) for color in told.colors} != {told.channels}:
        raise UserError(f"{path} is damaged: colors: {told.channels} numbers each are needed")
    colors = None if told.colors is None else np.array(told.colors, dtype=np.uint8)
    return Palette(told.height, told.width, told.channels, colors)


def grey_levels(count: int) -> Pixels:
    """`count` evenly spaced levels from black to white: (count, 1) uint8."""
    return np.linspace(0, 255, count).round().astype(np.uint8)[:, None]


def fitted_colors(pixels: Pixels, count: int, quantizer: str) -> Pixels:
    """`count` colours that stand for a sample of pixels: (n, 3) -> (count, 3), dark to light.

    Pillow's median cut, for `kmeans` with its k-means after that.

    Raises:
        UserError: the pixels have fewer colours.
    """
    distinct = len(np.unique(pixels, axis=0))
    if distinct < count:
        raise UserError(
            f"`colors` {count}: the images have only {distinct} different colours; no more than that, or "
            "none, was expected"
        )
    image = Image.fromarray(pixels[None])
    undecided = 1 + int(KMEANS_UNDECIDED * len(pixels)) if quantizer == "kmeans" else 0
    quantized = image.quantize(count, method=Image.Quantize.MEDIANCUT, kmeans=undecided)
    colors = np.array(quantized.getpalette(), dtype=np.uint8).reshape(-1, 3)[:count]
    colors = np.unique(colors, axis=0)
    if len(colors) < count:
        raise UserError(
            f"`colors` {count}: the quantiser {quantizer} finds only {len(colors)} colours in the images; "
            "ask for fewer, or use the other quantiser"
        )
    return _dark_to_light(colors)


def exact_colors(pixels: Pixels) -> Pixels:
    """The different colours of pixels: (n, channels) -> (count, channels), dark to light."""
    colors = np.unique(pixels, axis=0)
    return colors if colors.shape[1] == 1 else _dark_to_light(colors)


def _dark_to_light(colors: Pixels) -> Pixels:
    luminance = colors @ np.array([0.299, 0.587, 0.114])
    return colors[np.argsort(luminance, kind="stable")]
