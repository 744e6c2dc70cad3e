"""Images in arrays: of an .npz, of the idx files of MNIST, or in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bgan_text.corpora.image_kinds import HELD_OUT_NAMES
from bgan_text.corpora.image_labels import check_labels, check_labels_fit
from bgan_text.corpora.images import Raw
from bgan_text.corpora.limits import BLOCK, MOST_BYTES_OF_IMAGE
from bgan_text.corpora.stored_arrays import StoredArray, npz_arrays, read_most
from bgan_text.errors import UserError, shortened


class Rows(Protocol):
    """An array that is read in pieces along its first index."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def blocks(self) -> Iterator[NDArray[Any]]: ...


class Held:
    """An array in memory."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def blocks(self) -> Iterator[NDArray[Any]]:
        """The whole of it."""
        yield self._array


def read_npz(path: Path, *, held_out: bool = False) -> Iterator[Raw]:
    """Images of an .npz in one of three layouts, with `labels` if there are any:

    images                    (count, height, width[, channels]) uint8, or 0 and 1 of any kind
    jpeg, offsets             image i is encoded in the bytes offsets[i] to offsets[i + 1]
    train, valid, test        (count, bits / 8) uint8, square images of packed bits (or validation, val)

    Other arrays are not read. What is read is checked against its heading, and in memory a block at a time.

    Raises:
        UserError: it is damaged, has none of these layouts, or unpacks to more than `limits` allow.
    """
    with npz_arrays(path) as (names, array):
        if "images" in names:
            labels = array("labels") if "labels" in names else None
            yield from image_rows(str(path), array("images"), labels, held_out)
        elif {"jpeg", "offsets"} <= set(names):
            labels = array("labels") if "labels" in names else None
            yield from _encoded(path, array("jpeg"), array("offsets"), labels, held_out)
        elif {"train", "test"} & set(names):
            for key in (*HELD_OUT_NAMES, "train"):
                if key in names:
                    bits = _Unpacked(f"{path}:{key}", array(key))
                    yield from image_rows(f"{path}:{key}", bits, None, key in HELD_OUT_NAMES)
        else:
            raise UserError(
                f"{path} holds {shortened(', '.join(names)) or 'nothing'}: 'images', 'jpeg' with 'offsets', "
                "or 'train' and 'test' were expected"
            )


def image_rows(name: str, images: Rows, labels: Rows | None, held_out: bool) -> Iterator[Raw]:
    """Images of an array, with their labels.

    Args:
        name: what they are called in messages.
        images: (n, height, width[, channels]) uint8, or 0 and 1 of any type.
        labels: (n,) integers, or None.
        held_out: whether they are kept apart for testing.

    Raises:
        UserError: the shape or type of an array is another, or a label is no class.
    """
    if len(images.shape) not in (3, 4):
        raise UserError(
            f"{name} has an array of shape {shortened(str(images.shape))}: (count, height, width) or "
            "(count, height, width, channels) was expected"
        )
    if not all(images.shape[1:]):
        raise UserError(f"{name} has an array of shape {images.shape}: images without a pixel")
    if labels is not None:
        check_labels_fit(name, images.shape[0], labels.shape, labels.dtype)
    binary = _is_binary(name, images)
    classes = _classes(name, labels)
    index = 0
    for block in images.blocks():
        for image in block:
            pixels = image.astype(np.uint8) * np.uint8(255) if binary else image
            yield Raw(f"{name}[{index}]", pixels, None if labels is None else next(classes), held_out)
            index += 1


def _classes(name: str, labels: Rows | None) -> Iterator[int]:
    for block in labels.blocks() if labels is not None else ():
        check_labels(name, block)
        yield from map(int, block)


def _is_binary(name: str, images: Rows) -> bool:
    """Whether all numbers are 0 and 1, as of bits, or of binary images."""
    if images.dtype == np.uint8:
        return all(block.max(initial=0) <= 1 for block in images.blocks())
    numbers = images.dtype.kind in "biuf"
    if not numbers or not all(np.isin(block, (0, 1)).all() for block in images.blocks()):
        raise UserError(f"{name} has pixels of type {images.dtype}: uint8, 0 to 255, was expected")
    return True


class _Unpacked:
    """Square images of packed bits."""

    dtype = np.dtype(np.uint8)

    def __init__(self, name: str, packed: StoredArray) -> None:
        side = int(np.sqrt(8 * packed.shape[1])) if len(packed.shape) == 2 else 0
        if packed.dtype != np.uint8 or not side or side * side != 8 * packed.shape[1]:
            raise UserError(
                f"{name} has shape {shortened(str(packed.shape))} and type {packed.dtype}: rows of packed "
                "bits that make a square were expected"
            )
        self._packed, self.shape = packed, (packed.shape[0], side, side)

    def blocks(self) -> Iterator[NDArray[np.uint8]]:
        for block in self._packed.blocks():
            yield np.unpackbits(block, axis=1).reshape(-1, *self.shape[1:])


def _encoded(
    path: Path, content: StoredArray, offsets: StoredArray, labels: StoredArray | None, held_out: bool
) -> Iterator[Raw]:
    if len(offsets.shape) != 1 or offsets.dtype.kind not in "iu":
        raise UserError(
            f"{path} has offsets of shape {shortened(str(offsets.shape))} and type {offsets.dtype}: a row of "
            "integers"
        )
    if len(content.shape) != 1 or content.dtype != np.uint8:
        raise UserError(
            f"{path} has a jpeg of shape {shortened(str(content.shape))} and type {content.dtype}: a row of "
            "uint8 was expected"
        )
    if labels is not None:
        check_labels_fit(str(path), max(0, offsets.shape[0] - 1), labels.shape, labels.dtype)
    classes = _classes(str(path), labels)
    with content.open() as file:
        place = 0
        for index, (start, stop) in enumerate(_spans(path, offsets, content.shape[0])):
            image = read_most(file, stop - place)[start - place :]
            place = stop
            yield Raw(f"{path}[{index}]", image, None if labels is None else next(classes), held_out)
        while file.read(BLOCK):  # the checksum is behind the end
            pass


def _spans(path: Path, offsets: StoredArray, most: int) -> Iterator[tuple[int, int]]:
    """Where images begin and end."""
    before, first = 0, True
    for block in offsets.blocks():
        for offset in map(int, block):
            if not before <= offset <= most:
                raise UserError(
                    f"{path} has an offset {offset:,} after {before:,}, of {most:,} bytes: none before the "
                    "one before it, and none beyond the end, was expected"
                )
            if offset - before > MOST_BYTES_OF_IMAGE:
                raise UserError(
                    f"{path} has an image of {offset - before:,} bytes: at most {MOST_BYTES_OF_IMAGE:,} were "
                    "expected"
                )
            if not first:
                yield before, offset
            before, first = offset, False
