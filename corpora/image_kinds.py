"""What a file holds, told by its first bytes: an image, an archive of images, an .npz, or none of them."""

import lzma
import re
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

HEAD = 512
"""Bytes that tell what a file is."""
MOST_PIXELS = 50_000_000
"""Pixels of an image that is decoded, unless another limit is given: a small file may claim any number."""
MOST_BYTES_OF_IMAGE = 2**28
"""Bytes of an image file, as it is after an archive is unpacked."""
ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
"""Names that claim to be images. One whose content is none is an unreadable image, not another file."""
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
IMAGE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP|II[*+]\0|MM\0[*+]"
    rb"|BM....\0\0\0\0....[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"  # the reserved bytes, the size of the heading
    rb"|P[1-6]\s(?:\s*#[^\n]*\n)*\s*\d+\s+\d+\s",  # a kind, width and height
    re.DOTALL,
)
ARCHIVE = re.compile(rb"PK\x03\x04|PK\x05\x06")
UNZIPPED_WRONG = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,  # of bz2
    EOFError,
    UnicodeDecodeError,  # of a name
    RuntimeError,  # an unknown way to compress, or a password
)
"""What a damaged zip archive raises."""
COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
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
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


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
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except UNZIPPED_WRONG:
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def _is_tar(path: Path, head: bytes) -> bool:
    if not head.startswith(COMPRESSED) and head[257:262] != b"ustar":
        return False
    try:
        return tarfile.is_tarfile(path)
    except (EOFError, OSError, zlib.error):
        return False
