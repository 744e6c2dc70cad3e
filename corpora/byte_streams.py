"""Files as streams of bytes: decompressed by what they hold, with a look at how they begin.

The name of a file says nothing here: `poems.txt` may be compressed, and `poems.gz` may not be.
"""

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from bgan_text.errors import UserError

STANDARD_INPUT = "-"
HEAD = 1 << 16
"""How many bytes are looked at before a stream is read."""
LONGEST_MARK = 10
DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)
"""What the readers of compressed files raise; OSError is of bz2, gzip and pyarrow."""
COMPRESSED_ENDINGS = {".gz", ".gzip", ".bz2", ".xz", ".lzma", ".zst", ".zstd"}
"""What the name of a compressed file ends in after the ending that says its kind."""


@dataclass(frozen=True)
class Stream:
    """An open file at its beginning.

    Attributes:
        path: as it was given.
        name: how messages call it.
        head: its first bytes, decompressed, at most `HEAD`.
        file: all of its bytes, decompressed, these first ones too.
        direct: whether any place of it can be gone to at once, unlike in a pipe or what is decompressed.
    """

    path: str
    name: str
    head: bytes
    file: BinaryIO
    direct: bool = False


@contextmanager
def opened(path: str) -> Iterator[Stream]:
    """Open a file or, for '-', standard input. gzip, bzip2, xz and Zstandard are known by content.

    Raises:
        UserError: there is no such file, it is a folder, or, while it is read, a compressed file is damaged.
    """
    name = "standard input" if path == STANDARD_INPUT else path
    file = _standard_input() if path == STANDARD_INPUT else cast(BinaryIO, existing(path).open("rb"))
    try:
        rewind = path != STANDARD_INPUT  # what a script has read of its input before is not for us
        mark, file = _looked_at(file, LONGEST_MARK, rewind)
        kind = _compression(mark)
        if kind is None:
            yield Stream(path, name, *_looked_at(file, HEAD, rewind), direct=rewind and file.seekable())
            return
        try:
            unpacked = cast(BinaryIO, io.BufferedReader(OPENERS[kind](file)))
            yield Stream(path, name, *_looked_at(unpacked, HEAD, rewind and file.seekable()))
        except DAMAGED as error:
            raise UserError(f"{name} is not a whole {kind} file: {error}") from error
    finally:
        if path != STANDARD_INPUT:
            file.close()


def existing(path: str) -> Path:
    """The path, or a `UserError` if there is no such file or it is a folder."""
    if not exists(path):
        raise UserError(f"there is no file {path}")
    if Path(path).is_dir():
        raise UserError(f"{path} is a folder: a file was expected")
    return Path(path)


def exists(path: str) -> bool:
    """Whether there is such a file or folder; False for what can be no name."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # longer than a name may be, or with a zero byte
        return False


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise UserError("standard input is closed: pipe a text into it, or name a file")
    return cast(BinaryIO, sys.stdin.buffer)


def _looked_at(file: BinaryIO, size: int, rewind: bool) -> tuple[bytes, BinaryIO]:
    """The first bytes of a stream, and the stream from its beginning, wound back if it can and may be."""
    head = file.read(size)
    if rewind and file.seekable():
        file.seek(0)
        return head, file
    return head, cast(BinaryIO, io.BufferedReader(_Rejoined(head, file), HEAD))


class _Rejoined(io.RawIOBase):
    """Bytes that were read from a stream that cannot be wound back, then the rest of it."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = memoryview(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._head:
            return cast(io.BufferedIOBase, self._rest).readinto1(buffer)
        count = min(len(buffer), len(self._head))
        buffer[:count], self._head = self._head[:count], self._head[count:]
        return count


def _compression(mark: bytes) -> str | None:
    if mark[:3] == b"BZh":
        return "bzip2" if mark[4:] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90") else None
    return next((kind for start, kind in MARKS.items() if mark.startswith(start)), None)


def _zstandard(file: BinaryIO) -> Any:
    import pyarrow

    return pyarrow.CompressedInputStream(pyarrow.PythonFile(file, mode="r"), "zstd")


MARKS = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"\x5d\x00\x00": "lzma",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
OPENERS: dict[str, Callable[[BinaryIO], Any]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "lzma": lzma.LZMAFile,
    "Zstandard": _zstandard,
}
