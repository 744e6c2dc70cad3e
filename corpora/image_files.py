"""Images from files: folders, zip and tar archives, .npz, and single images.

A file may come from a stranger; `limits` says how much of it is read.
"""

import io
import shlex
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO

from bgan_text.corpora.archives import UNZIPPED_WRONG, member_name, opened_zip, tar_files
from bgan_text.corpora.folders import files_below
from bgan_text.corpora.image_arrays import read_npz
from bgan_text.corpora.image_kinds import (
    HEAD,
    HELD_OUT_NAMES,
    NPZ,
    ONE,
    TAPE,
    ZIP,
    hidden,
    is_image,
    kind_of,
    named_image,
)
from bgan_text.corpora.images import Named, Raw, others_of
from bgan_text.corpora.limits import FREE_UNPACKED, MOST_BYTES_OF_IMAGE, Allowance
from bgan_text.errors import UserError

PIECE = 1 << 20
"""Bytes that are unpacked at a time."""


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
    found, others = False, Named()
    held_out = path.stem.lower() in HELD_OUT_NAMES
    for image in readers[kind](path) if kind is not None else _folder(path):
        found = found or image.image
        if not image.image:
            others.add(image.name)
        yield replace(image, held_out=True) if held_out else image
    if not found:
        if path.is_dir() and any(path.glob("*idx3-ubyte*")):
            command = shlex.join(["bgan-text", "prepare", "mnist", "--path", str(path)])
            raise UserError(f"{path} holds the idx files of MNIST, or of its form: {command} reads them")
        raise UserError(f"{path} holds no images" + (f", but {others_of(others)}" if others.count else ""))


def is_collection(path: Path) -> bool:
    """Whether a path is that of images: a folder, an archive, an .npz or an image."""
    return path.is_dir() or kind_of(path) is not None


def _one(path: Path) -> Iterator[Raw]:
    with path.open("rb") as file:
        yield _taken(str(path), "", file)


def _taken(shown: str, name: str, file: IO[bytes], allowance: Allowance | None = None) -> Raw:
    """An image, or the first bytes of a file that is none; `name` in its folder or archive."""
    content = io.BytesIO()
    content.write(file.read(HEAD))
    held_out = _held_out(name)
    if not is_image(content.getvalue()):
        return Raw(shown, content.getvalue(), held_out=held_out, image=not name or named_image(name))
    while piece := file.read(PIECE):
        if content.tell() + len(piece) > MOST_BYTES_OF_IMAGE:
            raise _large(shown)
        if allowance is not None:
            allowance.use(len(piece))
        content.write(piece)
    return Raw(shown, content.getvalue(), held_out=held_out)


def _large(shown: str) -> UserError:
    return UserError(f"{shown} has more than {MOST_BYTES_OF_IMAGE // 2**20} MiB: it is not read as one image")


def _held_out(name: str) -> bool:
    return any(part.lower() in HELD_OUT_NAMES for part in PurePosixPath(name).parts[:-1])


def _folder(path: Path) -> Iterator[Raw]:
    for file in files_below(path):
        if file.is_file():
            with file.open("rb") as content:
                yield _taken(str(file), file.relative_to(path).as_posix(), content)
        else:  # a link to nothing, a pipe or a device, which may have no end
            yield Raw(str(file), b"", image=False)


def _zip(path: Path) -> Iterator[Raw]:
    allowance = Allowance(str(path), path.stat().st_size, FREE_UNPACKED)
    with opened_zip(path) as (archive, members):
        for info in members:
            if not hidden(info.filename):
                yield _unzipped(archive, info, member_name(path, info.filename), allowance)


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, shown: str, allowance: Allowance) -> Raw:
    """A member; without content, which is no image, if it is damaged or cannot be unpacked."""
    try:
        with archive.open(info) as member:
            return _taken(shown, info.filename, member, allowance)
    except UNZIPPED_WRONG:
        return Raw(shown, b"", held_out=_held_out(info.filename))


def _tar(path: Path) -> Iterator[Raw]:
    for name, file in tar_files(path):
        if hidden(name):
            continue
        if file is None:
            yield Raw(member_name(path, name), b"", image=False)
        else:
            yield _taken(member_name(path, name), name, file)
