"""The official files of MNIST and of CIFAR-10. Of pickles only numbers, names and arrays are read."""

import pickle
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
from numpy.typing import NDArray

from bgan_text.corpora.archives import member_name, tar_files
from bgan_text.corpora.image_arrays import image_rows
from bgan_text.corpora.image_labels import label_array
from bgan_text.corpora.images import Raw
from bgan_text.corpora.number_pickles import MOST_BYTES, read_numbers
from bgan_text.corpora.stored_arrays import idx_array
from bgan_text.errors import UserError, reason_of, shortened

BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
IMAGES, LABELS = 3, 1
"""Dimensions of the idx files."""


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An array of bytes in the idx format of MNIST, compressed or not, whole."""
    stored = idx_array(path)
    blocks = list(stored.blocks())
    return np.concatenate(blocks) if blocks else np.empty(stored.shape, np.uint8)


def read_mnist_files(folder: Path) -> Iterator[Raw]:
    """The four official files, t10k-* held out."""
    for stem, held_out in (("t10k", True), ("train", False)):
        images = idx_array(_official(folder, f"{stem}-images-idx3-ubyte"), IMAGES)
        labels = idx_array(_official(folder, f"{stem}-labels-idx1-ubyte"), LABELS)
        yield from image_rows(f"{folder}/{stem}", images, labels, held_out)


def _official(folder: Path, name: str) -> Path:
    spellings = [name, name.replace("-idx", ".idx")]
    for spelling in spellings:
        for candidate in (folder / spelling, folder / f"{spelling}.gz"):
            if candidate.is_file():
                return candidate
    raise UserError(f"{folder} has no {name}(.gz), one of the four official files of MNIST")


def read_cifar_files(path: Path) -> Iterator[Raw]:
    """The python batches of CIFAR-10: cifar-10-python.tar.gz, or the folder that it unpacks to."""
    batches = _folder_batches(path) if path.is_dir() else _tar_batches(path)
    found = set()
    for name, file in batches:
        found.add(PurePosixPath(name).name)
        shown = member_name(path, name)
        images, labels = _batch(shown, file.read(MOST_BYTES + 1))
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield Raw(f"{shown}[{index}]", image, int(label), "test_batch" in name)
    if missing := [name for name in BATCHES if name not in found]:
        raise UserError(f"{path} lacks {', '.join(missing)} of the python version of CIFAR-10")


def _batch(name: str, content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        batch = read_numbers(content)
        images, labels = batch[b"data"], batch[b"labels"]
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise ValueError("its data are no array of uint8")
        images = images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    except (pickle.UnpicklingError, EOFError, LookupError, ValueError, AttributeError, TypeError) as error:
        raise UserError(f"{name} is no batch of CIFAR-10: {shortened(reason_of(error), 300)}") from error
    return images, label_array(name, labels, len(images))


def _tar_batches(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    return ((name, file) for name, file in tar_files(path) if file is not None and _is_batch(name))


def _is_batch(name: str) -> bool:
    return PurePosixPath(name).name in BATCHES


def _folder_batches(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    for file in sorted(path.rglob("*_batch*")):
        if file.is_file() and _is_batch(file.name):
            with file.open("rb") as content:
                yield file.name, content
