"""Images side by side in one PNG, or one after the other in an animation."""

import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bgan_text.corpora.images import Pixels
from bgan_text.files import write_atomically

GAP = 2
WIDEST = 1024
"""Small images are enlarged, pixel by pixel, as long as the grid stays below so many pixels."""
FRAME_MILLISECONDS = 200


def grid(images: Sequence[Pixels], columns: int | None = None) -> Image.Image:
    """(height, width, channels) images in rows, with a grey gap between them."""
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = -(-len(images) // columns)
    height, width, channels = images[0].shape
    canvas = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, channels), 128, np.uint8)
    for index, pixels in enumerate(images):
        row, column = divmod(index, columns)
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        canvas[top : top + height, left : left + width] = pixels
    image = Image.fromarray(canvas[..., 0] if channels == 1 else canvas)
    factor = max(1, WIDEST // max(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def write_png(path: Path, image: Image.Image) -> None:
    """Write an image; the name never stands for half of it."""
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    write_atomically(path, file.getvalue())


def write_animation(path: Path, frames: Iterable[Path]) -> None:
    """Write PNG files as an animated GIF that stands still on the last."""
    images = [Image.open(frame).convert("RGB") for frame in frames]
    file = io.BytesIO()
    durations = [FRAME_MILLISECONDS] * (len(images) - 1) + [10 * FRAME_MILLISECONDS]
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)
    write_atomically(path, file.getvalue())
