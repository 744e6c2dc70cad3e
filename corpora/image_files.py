"""Images from files: folders, zip and tar archives, .npz, the official files of MNIST and CIFAR-10.

Only numbers, names and arrays are unpickled.
"""

import gzip
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bgan_text.corpora.folders import files_below
from bgan_text.corpora.image_kinds import (
    HEAD,
    MOST_BYTES_OF_IMAGE,
    NPZ,
    ONE,
    TAPE,
    UNZIPPED_WRONG,
    ZIP,
    hidden,
    is_image,
    kind_of,
    named_image,
)
from bgan_text.corpora.images import NAMED, Raw, others_of
from bgan_text.corpora.number_pickles import MOST_BYTES, read_numbers
from bgan_text.errors import UserError, reason_of

HELD_OUT_NAMES = ("test", "valid", "validation", "val")
"""Folders, files and arrays of an .npz whose images are kept apart for testing."""
IDX_UINT8 = 8
LARGEST_LABEL = 2**31 - 1
BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")


def read_images(path: Path) -> Iterator[Raw]:
    """The images of a folder, a zip or tar archive or an .npz, or one image.

    What a file is follows from its content. Files that are no images are given as such: their `image` is
    False. Hidden files are left out. What is called test or validation is held out: folders, files, and
    arrays of an .npz.

    Raises:
        UserError: the path is missing, damaged, or no collection of images.
    """
    if not path.exists():
        raise UserError(f"there is no file or folder {path}")
    readers = {NPZ: read_npz, ZIP: _zip, TAPE: _tar, ONE: _one}
    kind = kind_of(path)
    if kind is None and not path.is_dir():
        raise UserError(
            f"{path} is not a collection of images: a folder, .zip, .tar(.gz), .npz or an image was expected"
        )
    found, others, named = False, 0, list[str]()
    held_out = path.stem.lower() in HELD_OUT_NAMES
    for image in readers[kind](path) if kind is not None else _folder(path):
        found = found or image.image
        others += not image.image
        named += [image.name] if not image.image and others <= NAMED else []
        yield replace(image, held_out=True) if held_out else image
    if not found:
        raise UserError(f"{path} holds no images" + (f", but {others_of(others, named)}" if others else ""))


def is_collection(path: Path) -> bool:
    """Whether a path is that of images: a folder, an archive, an .npz or an image."""
    return path.is_dir() or kind_of(path) is not None


def _one(path: Path) -> Iterator[Raw]:
    with path.open("rb") as file:
        yield _taken(str(path), "", file)


def _taken(shown: str, name: str, file: IO[bytes]) -> Raw:
    """An image, or the first bytes of a file that is none; `name` in its folder or archive."""
    head = file.read(HEAD)
    held_out = _held_out(name)
    if is_image(head):
        content = file.read(MOST_BYTES_OF_IMAGE - HEAD + 1)
        if HEAD + len(content) > MOST_BYTES_OF_IMAGE:
            raise UserError(
                f"{shown} has more than {MOST_BYTES_OF_IMAGE // 2**20} MiB: it is not read as one image"
            )
        return Raw(shown, head + content, held_out=held_out)
    return Raw(shown, head, held_out=held_out, image=not name or named_image(name))


def _held_out(name: str) -> bool:
    return any(part.lower() in HELD_OUT_NAMES for part in PurePosixPath(name).parts[:-1])


def _folder(path: Path) -> Iterator[Raw]:
    for file in files_below(path):
        if file.is_file():
            with file.open("rb") as content:
                yield _taken(str(file), file.relative_to(path).as_posix(), content)


def _zip(path: Path) -> Iterator[Raw]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if not name.endswith("/") and not hidden(name):
                    yield _unzipped(archive, name, f"{path}:{name}")
    except UNZIPPED_WRONG as error:
        raise UserError(f"{path} is not a whole zip archive: {error}") from error


def _unzipped(archive: zipfile.ZipFile, name: str, shown: str) -> Raw:
    """A member; without content, which is no image, if it is damaged or cannot be unpacked."""
    try:
        with archive.open(name) as member:
            return _taken(shown, name, member)
    except UNZIPPED_WRONG:
        return Raw(shown, b"", held_out=_held_out(name))


def _tar(path: Path) -> Iterator[Raw]:
    for name, file in _members(path, lambda name: not hidden(name)):
        yield _taken(f"{path}:{name}", name, file)


def _members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    """Names and contents of the files of a tar archive, in its order."""
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                file = archive.extractfile(member) if member.isfile() and wanted(name) else None
                if file is not None:
                    yield name, file
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is not a whole tar archive: {error}") from error


def read_npz(path: Path, *, held_out: bool = False) -> Iterator[Raw]:
    """Images of an .npz in one of three layouts, with `labels` if there are any:

    images                    (count, height, width[, channels]) uint8, or 0 and 1 of any kind
    jpeg, offsets             image i is encoded in the bytes offsets[i] to offsets[i + 1]
    train, valid, test        (count, bits / 8) uint8, square images of packed bits (or validation, val)
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            named = dict(arrays)
    except (ValueError, TypeError) as error:  # numpy's words advise to unpickle it
        raise UserError(f"{path} is not a whole .npz of arrays of numbers") from error
    except UNZIPPED_WRONG as error:
        raise UserError(f"{path} is not a whole .npz of arrays: {error}") from error
    if "images" in named:
        images = named["images"]
        labels = _labels(path, named, len(images)) if images.ndim else None
        yield from _arrays(str(path), images, labels, held_out)
    elif {"jpeg", "offsets"} <= named.keys():
        yield from _encoded(path, named, held_out)
    elif named.keys() & {"train", "test"}:
        for key in (*HELD_OUT_NAMES, "train"):
            if key in named:
                bits = _unpacked(path, key, named[key])
                yield from _arrays(f"{path}:{key}", bits, None, key in HELD_OUT_NAMES)
    else:
        raise UserError(
            f"{path} holds {', '.join(named) or 'nothing'}: 'images', 'jpeg' with 'offsets', or "
            "'train' and 'test' were expected"
        )


def array_images(name: str, images: NDArray[Any], labels: NDArray[Any] | None) -> Iterator[Raw]:
    """Images of an array, with their labels.

    Args:
        name: what they are called in messages.
        images: (n, height, width[, channels]) uint8, or 0 and 1 of any type.
        labels: (n,) integers, or None.

    Raises:
        UserError: the shape or type of an array is another.
    """
    _checked(name, labels, len(images))
    yield from _arrays(name, images, labels, False)


def _labels(path: Path, named: dict[str, NDArray[Any]], count: int) -> NDArray[Any] | None:
    labels = named.get("labels")
    _checked(str(path), labels, count)
    return labels


def _checked(path: str, labels: NDArray[Any] | None, count: int) -> None:
    if labels is not None and (labels.shape != (count,) or labels.dtype.kind not in "iu"):
        raise UserError(
            f"{path} has {count} images and labels of shape {labels.shape} and type {labels.dtype}: an "
            "integer for each was expected"
        )
    if labels is not None and len(labels) and int(labels.max()) > LARGEST_LABEL:
        raise UserError(f"{path} has a label {labels.max()}: {LARGEST_LABEL} at most was expected")


def _encoded(path: Path, named: dict[str, NDArray[Any]], held_out: bool) -> Iterator[Raw]:
    offsets, content = named["offsets"], named["jpeg"].tobytes()
    if offsets.ndim != 1 or offsets.dtype.kind not in "iu":
        raise UserError(
            f"{path} has offsets of shape {offsets.shape} and type {offsets.dtype}: a row of integers"
        )
    labels = _labels(path, named, len(offsets) - 1)
    for index in range(len(offsets) - 1):
        label = None if labels is None else int(labels[index])
        yield Raw(f"{path}[{index}]", content[offsets[index] : offsets[index + 1]], label, held_out)


def _arrays(name: str, images: NDArray[Any], labels: NDArray[Any] | None, held_out: bool) -> Iterator[Raw]:
    if images.ndim not in (3, 4):
        raise UserError(
            f"{name} has an array of shape {images.shape}: (count, height, width) or "
            "(count, height, width, channels) was expected"
        )
    if not all(images.shape[1:]):
        raise UserError(f"{name} has an array of shape {images.shape}: images without a pixel")
    if images.dtype != np.uint8:
        if images.dtype.kind not in "biuf" or not np.isin(images, (0, 1)).all():
            raise UserError(f"{name} has pixels of type {images.dtype}: uint8, 0 to 255, was expected")
        images = images.astype(np.uint8)
    if images.size and images.max() <= 1:  # bits, or binary images stored as 0 and 1
        images = images * np.uint8(255)
    for index, image in enumerate(images):
        label = None if labels is None else int(labels[index])
        yield Raw(f"{name}[{index}]", image, label, held_out)


def _unpacked(path: Path, key: str, packed: NDArray[Any]) -> NDArray[np.uint8]:
    side = int(np.sqrt(8 * packed.shape[1])) if packed.ndim == 2 else 0
    if packed.dtype != np.uint8 or not side or side * side != 8 * packed.shape[1]:
        raise UserError(
            f"{path}:{key} has shape {packed.shape} and type {packed.dtype}: rows of packed bits that make a "
            "square were expected"
        )
    return np.unpackbits(packed, axis=1).reshape(-1, side, side)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An array of bytes in the idx format of MNIST, gzipped or not."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path} is not a whole gzip file: {error}") from error
    if len(content) < 4 or content[:3] != bytes([0, 0, IDX_UINT8]):
        raise UserError(f"{path} is no idx file of bytes")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise UserError(f"{path} is cut off: it ends inside its heading")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    data = np.frombuffer(content, np.uint8, offset=start)
    if data.size != np.prod(shape):
        raise UserError(f"{path} announces {np.prod(shape):,} bytes and has {data.size:,}: it is damaged")
    return data.reshape(shape)


def read_mnist_files(folder: Path) -> Iterator[Raw]:
    """The four official files, t10k-* held out."""
    for stem, held_out in (("t10k", True), ("train", False)):
        images, labels = (
            read_idx(_official(folder, f"{stem}-{kind}-ubyte")) for kind in ("images-idx3", "labels-idx1")
        )
        if images.ndim != 3 or labels.shape != (len(images),):
            raise UserError(f"{folder}: {stem} has images {images.shape} and labels {labels.shape}")
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield Raw(f"{folder}/{stem}[{index}]", image, int(label), held_out)


def _official(folder: Path, name: str) -> Path:
    spellings = [name, name.replace("-idx", ".idx")]
    for spelling in spellings:
        for candidate in (folder / spelling, folder / f"{spelling}.gz"):
            if candidate.exists():
                return candidate
    raise UserError(f"{folder} has no {name}(.gz), one of the four official files of MNIST")


def read_cifar_files(path: Path) -> Iterator[Raw]:
    """The python batches of CIFAR-10: cifar-10-python.tar.gz, or the folder that it unpacks to."""
    batches = _folder_batches(path) if path.is_dir() else _members(path, _is_batch)
    found = set()
    for name, file in batches:
        found.add(PurePosixPath(name).name)
        images, labels = _batch(f"{path}:{name}", file.read(MOST_BYTES + 1))
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield Raw(f"{path}:{name}[{index}]", image, int(label), "test_batch" in name)
    if missing := [name for name in BATCHES if name not in found]:
        raise UserError(f"{path} lacks {', '.join(missing)} of the python version of CIFAR-10")


def _batch(name: str, content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        batch = read_numbers(content)
        images = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        labels = np.asarray(batch[b"labels"])
    except (pickle.UnpicklingError, EOFError, LookupError, ValueError, AttributeError, TypeError) as error:
        raise UserError(f"{name} is no batch of CIFAR-10: {reason_of(error)}") from error
    if labels.shape != (len(images),) or images.dtype != np.uint8:
        raise UserError(f"{name} is no batch of CIFAR-10: {len(images)} images, labels {labels.shape}")
    return images, labels


def _is_batch(name: str) -> bool:
    return PurePosixPath(name).name in BATCHES


def _folder_batches(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    for file in sorted(path.rglob("*_batch*")):
        if file.is_file() and _is_batch(file.name):
            with file.open("rb") as content:
                yield file.name, content
