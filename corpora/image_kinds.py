"""What a file holds, told by its first bytes: an image, an archive of images, an .npz, or none of them."""

import re
from pathlib import Path, PurePosixPath

from bgan_text.corpora.archives import is_tar, opened_zip
from bgan_text.errors import UserError

HEAD = 512
"""Bytes that tell what a file is."""
HELD_OUT_NAMES = ("test", "valid", "validation", "val")
"""Folders, files and arrays of an .npz whose images are kept apart for testing."""
ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
"""Names that claim to be images. One whose content is none is an unreadable image, not another file."""
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
IMAGE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP|II[*+]\0|MM\0[*+]"
    rb"|BM....\0\0\0\0....[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"  # the reserved bytes, the size of the heading
    rb"|P[1-6]\s(?:\s*#[^\n]*\n)*\s*\d+\s+\d+\s",  # a kind, width and height
    re.DOTALL,
)
ARCHIVE = re.compile(rb"PK\x03\x04|PK\x05\x06")
COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
NPZ, ZIP, TAPE, ONE = "npz", "zip", "tar", "one"
"""The kinds of files that hold images."""


def is_image(head: bytes) -> bool:
    """Whether a file begins as an image of a format that is decoded.

    Example:
        >>> is_image(b"GIF89a"), is_image(b"name,price")
        (True, False)
    """
    return IMAGE.match(head) is not None


def named_image(name: str) -> bool:
    """Whether a name claims to be that of an image."""
    return PurePosixPath(name).suffix.lower() in ENDINGS


def hidden(name: str) -> bool:
    """Whether a file, or a folder that it is in, is not meant to be seen."""
    parts = PurePosixPath(name).parts
    return any(part.startswith((".", "__MACOSX")) and part not in (".", "..") for part in parts)


def kind_of(path: Path) -> str | None:
    """The kind of a file that holds images: by its content, else, if that is damaged, by its name.

    None if it is neither.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(HEAD)
    name = path.name.lower()
    if is_image(head):
        return ONE
    if ARCHIVE.match(head):
        return NPZ if name.endswith(".npz") or _holds_arrays(path) else ZIP
    if name.endswith(TAR) or _is_tar(path, head):
        return TAPE
    if path.suffix.lower() in (".npz", ".zip"):
        return path.suffix.lower()[1:]
    return ONE if named_image(name) and not hidden(name) else None


def _holds_arrays(path: Path) -> bool:
    try:
        with opened_zip(path) as (_, members):
            return bool(members) and all(info.filename.endswith(".npy") for info in members)
    except UserError:  # it is told when the archive is read
        return False


def _is_tar(path: Path, head: bytes) -> bool:
    return (head.startswith(COMPRESSED) or head[257:262] == b"ustar") and is_tar(path)
