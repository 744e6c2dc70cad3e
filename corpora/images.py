"""Images as they come: bytes of a file or an array, and what becomes of them on the way to pixels.

A source gives `Raw` images, one after the other; `Shape.pixels` decodes one and brings it to the mode and
size asked for, or raises `CorruptImageError`. What is transparent shows a background. Images stream past;
only the arrays of an .npz are held in memory.
"""

import io
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bgan_text.corpora.image_kinds import MOST_PIXELS
from bgan_text.corpora.transparency import WHITE, color_of, opaque, scaled_key
from bgan_text.errors import UserError, reason_of

logging.getLogger("PIL").addHandler(logging.NullHandler())  # what is wrong is said here, in one line

Pixels = NDArray[np.uint8]
"""(height, width, channels); 1 channel is grey, 3 are red, green and blue."""

GREY, RGB = "L", "RGB"
CHANNELS = {GREY: 1, RGB: 3}
MODES = {"1": GREY, "L": GREY, "RGB": RGB, "P": RGB}
"""Modes of Pillow that are taken as they are."""
DEEP = {"I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is decoded: formats that run nothing but Pillow's own code and say all by themselves."""
IMAGE_FORMATS = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
NAMED = 3
"""Files that are no images are counted, and the first of them named."""
TO_ONE_MODE = "`grey` True turns every image into grey levels, `grey` False into red, green and blue"


class CorruptImageError(Exception):
    """The bytes are no image, or not a whole one."""


@dataclass(frozen=True)
class Raw:
    """An image as a source gives it.

    `content` is the bytes of an encoded image or an array (height, width[, channels]); `label` the class,
    if the corpus has any; `held_out` whether the corpus itself keeps it apart for testing; `name` where it
    came from. `image` is False for a file that is found among images and is none.
    """

    name: str
    content: bytes | Pixels
    label: int | None = None
    held_out: bool = False
    image: bool = True


@dataclass
class Shape:
    """Brings images to one size and mode without transparency, and refuses those that do not fit in.

    Args:
        size: pixels of a side; an image is cut to its central square and scaled. None: as it is.
        grey: whether colours are turned into grey levels. None: as the first image is.
        background: the colour that transparent parts show, a name or #rrggbb.
        most_pixels: the largest image that is decoded.
    """

    size: int | None = None
    grey: bool | None = None
    background: str = WHITE
    most_pixels: int = MOST_PIXELS
    first: str = field(default="", init=False)
    found: tuple[int, int, int] | None = field(default=None, init=False)

    def pixels(self, raw: Raw) -> Pixels:
        """An image's pixels, (height, width, channels) uint8.

        Raises:
            CorruptImageError: it cannot be decoded.
            UserError: its mode or size is not that of the first one, and was not asked to be changed; or it
                has more pixels than are decoded.
        """
        image = _opened(raw, self.most_pixels)
        if image.mode in DEEP:
            raise UserError(f"{raw.name} has mode {image.mode}: images of 8 bits a channel were expected")
        image = _opaque(image, self.background)
        if self.grey is None and image.mode not in MODES:
            raise UserError(
                f"{raw.name} has mode {image.mode}: grey (L) or colour (RGB) was expected; " + TO_ONE_MODE
            )
        mode = MODES.get(image.mode, RGB) if self.grey is None else (GREY if self.grey else RGB)
        try:
            image = _squared(image.convert(mode), self.size)
        except (OSError, ValueError) as error:  # a file that is cut off fails only here
            raise CorruptImageError(str(error)) from error
        self._check(raw.name, image)
        return np.asarray(image).reshape(image.height, image.width, CHANNELS[mode])

    def _check(self, name: str, image: Image.Image) -> None:
        shape = image.height, image.width, CHANNELS[image.mode]
        if self.found is None:
            self.first, self.found = name, shape
        if shape == self.found:
            return
        if shape[:2] != self.found[:2]:
            raise UserError(
                f"images of mixed sizes: {self.first} has {_times(self.found)} pixels, {name} has "
                f"{_times(shape)}; `size` scales them all to one"
            )
        raise UserError(
            f"images of mixed modes: {self.first} has {_channels(self.found)}, {name} has "
            f"{_channels(shape)}; {TO_ONE_MODE}"
        )


def _times(shape: tuple[int, int, int]) -> str:
    return f"{shape[1]} x {shape[0]}"


def _channels(shape: tuple[int, int, int]) -> str:
    return "grey levels" if shape[2] == 1 else "colours"


def _opened(raw: Raw, most_pixels: int) -> Image.Image:
    if isinstance(raw.content, bytes):
        try:
            with warnings.catch_warnings(action="ignore"):  # of what an image says beside its pixels
                image = Image.open(io.BytesIO(raw.content), formats=FORMATS)
                _refuse_huge(raw.name, image.width * image.height, most_pixels)
                stored = str(image.tile[0][3]) if image.tile else ""
                image.load()
                scaled_key(image, stored)
                return ImageOps.exif_transpose(image)
        except UnidentifiedImageError as error:
            raise CorruptImageError(f"no {IMAGE_FORMATS}") from error
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise CorruptImageError(reason_of(error)) from error
    array = raw.content
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3):
        return Image.fromarray(array)
    channels = array.shape[2] if array.ndim == 3 else array.ndim
    raise UserError(f"{raw.name} has {channels} channels: 1 (grey) or 3 (red, green, blue) were expected")


def _refuse_huge(name: str, pixels: int, most: int) -> None:
    if pixels > most:
        raise UserError(
            f"{name} has {pixels:,} pixels, more than the {most:,} that `max_image_pixels` of prepare allows"
        )


def _opaque(image: Image.Image, background: str) -> Image.Image:
    color = color_of(background)
    try:
        return opaque(image, color)
    except (OSError, ValueError, TypeError) as error:  # of a palette or an alpha channel that is damaged
        raise CorruptImageError(str(error)) from error


def _squared(image: Image.Image, size: int | None) -> Image.Image:
    """The central square, scaled by Pillow's antialiasing filter."""
    if size is None or image.size == (size, size):
        return image
    side = min(image.size)
    left, upper = (image.width - side) // 2, (image.height - side) // 2
    # Cut first: `resize` with a box would look across its edges.
    square = image.crop((left, upper, left + side, upper + side))
    return square.resize((size, size), Image.Resampling.LANCZOS)


@dataclass
class Corrupt:
    """Counts images that cannot be read, and gives up after too many; and other files among the images."""

    most: int
    say: Callable[[str], None]
    count: int = 0
    others: int = 0
    named: list[str] = field(default_factory=list)

    def note(self, name: str, error: CorruptImageError) -> None:
        """Name one; a `UserError` if that is one too many."""
        self.count += 1
        if self.count > self.most:
            raise UserError(
                f"{name} cannot be read ({error}); that is one more than the {self.most} unreadable images "
                "that `corrupt` allows"
            )
        self.say(f"Skipped {name}: {error}")

    def leave_out(self, name: str) -> None:
        """Count a file that is no image."""
        self.others += 1
        if len(self.named) < NAMED:
            self.named.append(name)

    def conclude(self) -> None:
        """Name the first of the files that are no images."""
        if self.others:
            self.say(f"Left out {others_of(self.others, self.named)}")


def others_of(count: int, named: Sequence[str]) -> str:
    """How many files are no images, the first of them by name."""
    more = ", ..." if count > len(named) else ""
    return f"{count:,} file{'s' * (count > 1)} without {IMAGE_FORMATS} content: {', '.join(named)}{more}"


def read(images: Iterable[Raw], shape: Shape, corrupt: Corrupt) -> Iterator[tuple[Raw, Pixels]]:
    """Each image with its pixels; those that cannot be read, and other files, are counted and left out."""
    for raw in images:
        if not raw.image:
            corrupt.leave_out(raw.name)
            continue
        try:
            pixels = shape.pixels(raw)
        except CorruptImageError as error:
            corrupt.note(raw.name, error)
        else:
            yield raw, pixels
    corrupt.conclude()
