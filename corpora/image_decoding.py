"""Bytes become an image, if they ask for no more memory or time than `limits` allow."""

import io
import struct
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from bgan_text.corpora.limits import (
    BYTES_PER_PIXEL,
    FREE_BYTES_OF_IMAGE,
    MOST_EXIF,
    MOST_SCANS,
    MOST_VALUES_OF_TAG,
)
from bgan_text.corpora.transparency import scaled_key
from bgan_text.errors import UserError, reason_of, shortened

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is decoded: formats that run nothing but Pillow's own code and say all by themselves."""
IMAGE_FORMATS = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
JPEG = b"\xff\xd8\xff"
SCAN = b"\xff\xda"
"""What each scan of a JPEG begins with. Within a scan 255 is always followed by 0."""
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BYTES_OF_TIFF = (1, 2, 6, 7)
"""Types of tags that hold bytes and text, and become no Python numbers."""
WRONG = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    LookupError,
    AttributeError,
    EOFError,
    ArithmeticError,
    RecursionError,
    struct.error,
    Image.DecompressionBombError,
)
"""What Pillow raises of damaged files."""
MOST_OF_REASON = 200


class CorruptImageError(Exception):
    """The bytes are no image, or not a whole one."""


def decoded(name: str, content: bytes, most_pixels: int) -> tuple[Image.Image, bool]:
    """An image, upright, and whether it has more frames than this first one.

    Args:
        name: what the image is called in messages.
        content: an encoded image.
        most_pixels: how many it may have.

    Raises:
        CorruptImageError: it cannot be decoded, or holds much that is no pixel of it.
        UserError: it has more pixels.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of what an image says beside its pixels
            _refuse_values(content)
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            refuse_huge(name, image.width * image.height, most_pixels)
            _refuse_rest(content, image)
            more = _has_more_frames(image)
            stored = str(image.tile[0][3]) if image.tile else ""
            image.load()
            _refuse_colors(image)
            scaled_key(image, stored)
            if len(image.info.get("exif") or b"") > MOST_EXIF:
                raise CorruptImageError(f"its EXIF has more than {MOST_EXIF:,} bytes")
            ImageOps.exif_transpose(image, in_place=True)
            return image, more
    except UnidentifiedImageError as error:
        raise CorruptImageError(f"no {IMAGE_FORMATS}") from error
    except WRONG as error:
        raise CorruptImageError(shortened(reason_of(error), MOST_OF_REASON)) from error


def refuse_huge(name: str, pixels: int, most: int) -> None:
    """Raise a `UserError` for an image of more pixels than are decoded."""
    if pixels > most:
        raise UserError(
            f"{name} has {pixels:,} pixels, more than the {most:,} that `max_image_pixels` of prepare allows"
        )


def _refuse_rest(content: bytes, image: Image.Image) -> None:
    """Refuse what takes more space, or more time, than the pixels explain."""
    pixels = image.width * image.height
    if len(content) > FREE_BYTES_OF_IMAGE + BYTES_PER_PIXEL * pixels:
        raise CorruptImageError(f"{len(content):,} bytes for {pixels:,} pixels")
    if content.startswith(JPEG) and (scans := content.count(SCAN)) > MOST_SCANS:
        raise CorruptImageError(f"{scans:,} scans: at most {MOST_SCANS} were expected")


def _refuse_values(content: bytes) -> None:
    """Refuse a TIFF whose tags hold very many numbers: Pillow makes Python objects of them."""
    if not content.startswith(TIFF):
        return
    order, big = "<" if content.startswith(b"II") else ">", b"+" in content[:4]
    (place,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", content, 8 if big else 4)
    (count,) = struct.unpack_from(f"{order}Q" if big else f"{order}H", content, place)
    if count > MOST_VALUES_OF_TAG:
        raise CorruptImageError(f"it has {count:,} tags")
    place += 8 if big else 2
    entry = f"{order}HHQ8x" if big else f"{order}HHI4x"
    for index in range(count):
        tag, kind, values = struct.unpack_from(entry, content, place + index * struct.calcsize(entry))
        if values > MOST_VALUES_OF_TAG and kind not in BYTES_OF_TIFF:
            raise CorruptImageError(f"tag {tag} has {values:,} values")


def _has_more_frames(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except WRONG:  # the second frame is damaged, which is not read
        return True


def _refuse_colors(image: Image.Image) -> None:
    """Refuse pixels without a colour in the palette of a PNG: Pillow makes some grey of them."""
    if image.mode == "P" and image.format == "PNG" and image.palette is not None:
        colors = len(image.palette.palette) // len(image.palette.mode)
        largest = image.getextrema()[1]
        if isinstance(largest, int | float) and largest >= colors:
            raise CorruptImageError(f"a pixel has colour {largest:.0f} of a palette of {colors}")
