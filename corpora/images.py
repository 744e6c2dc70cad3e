"""Images as they come: bytes of a file or an array, and what becomes of them on the way to pixels.

A source gives `Raw` images, one after the other; `Shape.pixels` decodes one and brings it to the mode and
size asked for, or raises `CorruptImageError`. What is transparent shows a background. Images stream past.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bgan_text.corpora.image_decoding import IMAGE_FORMATS, CorruptImageError, decoded, refuse_huge
from bgan_text.corpora.limits import FREE_PIXELS, MOST_PIXELS, PIXELS_PER_BYTE, REMEDY_OF_PIXELS, Allowance
from bgan_text.corpora.transparency import WHITE, color_of, opaque
from bgan_text.errors import UserError

logging.getLogger("PIL").addHandler(logging.NullHandler())  # what is wrong is said here, in one line

Pixels = NDArray[np.uint8]
"""(height, width, channels); 1 channel is grey, 3 are red, green and blue."""

GREY, RGB = "L", "RGB"
CHANNELS = {GREY: 1, RGB: 3}
MODES = {"1": GREY, "L": GREY, "RGB": RGB, "P": RGB}
"""Modes of Pillow that are taken as they are."""
DEEP = {"I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
NAMED = 3
"""Files that are no images are counted, and the first of them named."""
TO_ONE_MODE = "`grey` True turns every image into grey levels, `grey` False into red, green and blue"


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
class Named:
    """Counts files, and keeps the first of their names."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one."""
        self.count += 1
        if len(self.first) < NAMED:
            self.first.append(name)

    def __str__(self) -> str:
        return ", ".join(self.first) + (", ..." if self.count > len(self.first) else "")


@dataclass
class Shape:
    """Brings images to one size and mode without transparency, and refuses those that do not fit in.

    Args:
        size: pixels of a side; an image is cut to its central square and scaled. None: as it is.
        grey: whether colours are turned into grey levels. None: as the first image is.
        background: the colour that transparent parts show, a name or #rrggbb.
        most_pixels: the largest image that is decoded.

    `animated` has those of which only the first frame was read.
    """

    size: int | None = None
    grey: bool | None = None
    background: str = WHITE
    most_pixels: int = MOST_PIXELS
    first: str = field(default="", init=False)
    found: tuple[int, int, int] | None = field(default=None, init=False)
    animated: Named = field(default_factory=Named, init=False)
    _allowance: Allowance = field(init=False)

    def __post_init__(self) -> None:
        self._allowance = Allowance("the images", 0, FREE_PIXELS, PIXELS_PER_BYTE, "pixels", REMEDY_OF_PIXELS)

    def pixels(self, raw: Raw) -> Pixels:
        """An image's pixels, (height, width, channels) uint8.

        Raises:
            CorruptImageError: it cannot be decoded.
            UserError: its mode or size is not that of the first one, and was not asked to be changed; or it
                has more pixels than are decoded.
        """
        image, more = _opened(raw, self.most_pixels)
        if isinstance(raw.content, bytes):
            self._allowance.name = f"the set of images up to {raw.name}"
            self._allowance.size += len(raw.content)
            self._allowance.use(image.width * image.height)
        if image.mode in DEEP:
            raise UserError(f"{raw.name} has mode {image.mode}: images of 8 bits a channel were expected")
        image = _opaque(image, self.background)
        if self.grey is None and image.mode not in MODES:
            raise UserError(
                f"{raw.name} has mode {image.mode}: grey (L) or colour (RGB) was expected; " + TO_ONE_MODE
            )
        mode = MODES.get(image.mode, RGB) if self.grey is None else (GREY if self.grey else RGB)
        try:
            image = _squared(image if image.mode == mode else image.convert(mode), self.size)
        except (OSError, ValueError) as error:  # a file that is cut off fails only here
            raise CorruptImageError(str(error)) from error
        self._check(raw.name, image)
        if more:
            self.animated.add(raw.name)
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


def _opened(raw: Raw, most_pixels: int) -> tuple[Image.Image, bool]:
    """An image, and whether it has more frames than this first one."""
    if isinstance(raw.content, bytes):
        return decoded(raw.name, raw.content, most_pixels)
    array = raw.content
    refuse_huge(raw.name, array.shape[0] * array.shape[1], most_pixels)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3):
        return Image.fromarray(array), False
    channels = array.shape[2] if array.ndim == 3 else array.ndim
    raise UserError(f"{raw.name} has {channels} channels: 1 (grey) or 3 (red, green, blue) were expected")


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
    others: Named = field(default_factory=Named)

    def note(self, name: str, error: CorruptImageError) -> None:
        """Name one; a `UserError` if that is one too many."""
        self.count += 1
        if self.count > self.most:
            raise UserError(
                f"{name} cannot be read ({error}); that is one more than the {self.most} unreadable images "
                "that `corrupt` allows"
            )
        self.say(f"Skipped {name}: {error}")

    def conclude(self, animated: Named) -> None:
        """Name the first of the files that are no images, and of those that were read in part."""
        if self.others.count:
            self.say(f"Left out {others_of(self.others)}")
        if animated.count:
            several = f"{animated.count:,} image{'s' * (animated.count > 1)}"
            self.say(f"Read only the first frame of {several} with more: {animated}")


def others_of(others: Named) -> str:
    """How many files are no images, the first of them by name."""
    return f"{others.count:,} file{'s' * (others.count > 1)} without {IMAGE_FORMATS} content: {others}"


def read(images: Iterable[Raw], shape: Shape, corrupt: Corrupt) -> Iterator[tuple[Raw, Pixels]]:
    """Each image with its pixels; those that cannot be read, and other files, are counted and left out."""
    for raw in images:
        if not raw.image:
            corrupt.others.add(raw.name)
            continue
        try:
            pixels = shape.pixels(raw)
        except CorruptImageError as error:
            corrupt.note(raw.name, error)
        else:
            yield raw, pixels
    corrupt.conclude(shape.animated)
