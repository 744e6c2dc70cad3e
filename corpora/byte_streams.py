"""Files as streams of bytes: decompressed by what they hold, with a look at how they begin.

The name of a file says nothing here: `poems.txt` may be compressed, and `poems.gz` may not be. What is
compressed may not unpack to much more than its size explains; see `limits`.
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

from bgan_text.corpora.limits import MOST_BYTES_OF_DECODER, RATIO, REMEDY, WINDOW
from bgan_text.errors import UserError, reason_of

STANDARD_INPUT = "-"
HEAD = 1 << 16
"""How many bytes are looked at before a stream is read."""
PIECE = 1 << 13
"""How many compressed bytes are unpacked at a time."""
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
        UserError: there is no such file, it is a folder, or, while it is read, a compressed file is damaged
            or unpacks to more than `limits` allow.
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
            counted = _Counted(file)
            rationed = _Rationed(OPENERS[kind](cast(BinaryIO, counted)), counted, name)
            unpacked = cast(BinaryIO, io.BufferedReader(rationed, HEAD))
            ahead = _ahead(unpacked, counted)
            whole = cast(BinaryIO, io.BufferedReader(_Rejoined(ahead, unpacked), HEAD))
            yield Stream(path, name, ahead[:HEAD], whole)
        except DAMAGED as error:
            raise UserError(f"{name} is not a whole {kind} file: {reason_of(error)}") from error
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
    """Whether there is such a file or folder; False for what can be no name, and of an empty one."""
    try:
        return bool(path) and Path(path).exists()  # Path("") is the working folder
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


class _Counted(io.RawIOBase):
    """A compressed file, read in small pieces so that the count of its bytes is that of what is unpacked."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.count = file, 0

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(PIECE if size < 0 else min(size, PIECE))
        self.count += len(content)
        return content

    def readable(self) -> bool:
        return True


class _Rationed(io.RawIOBase):
    """What is unpacked, as long as no `WINDOW` of it comes from too few compressed bytes."""

    def __init__(self, unpacked: Any, counted: _Counted, name: str) -> None:
        self._unpacked, self._counted, self._name = unpacked, counted, name
        self._window, self._begun = 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = int(self._unpacked.readinto(buffer))
        self._window += count
        if self._window > WINDOW:
            if (self._counted.count - self._begun) * RATIO < self._window:
                raise UserError(
                    f"{self._name} unpacks to more than {RATIO} bytes for each of its own: {REMEDY}"
                )
            self._window, self._begun = 0, self._counted.count
        return count


def _ahead(unpacked: BinaryIO, counted: _Counted) -> bytes:
    """As much as it takes to see that a file is no bomb from its beginning, before any of it is worked on."""
    parts = [unpacked.read(HEAD)]
    while parts[-1] and counted.count * RATIO <= WINDOW:
        parts.append(unpacked.read(HEAD))
    return b"".join(parts)


class _Decoded(io.RawIOBase):
    """What an xz, lzma or bzip2 file of one or more streams unpacks to.

    Python's own readers let an xz file ask for 4 GiB of memory, and of a bzip2 file they drop all that
    follows a stream whose beginning is damaged.
    """

    def __init__(self, file: BinaryIO, decoder: Callable[[], Any]) -> None:
        self._file, self._rest, self._new = file, b"", decoder
        self._decoder = decoder()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._decoder.eof:  # another stream may follow, after zeros
                self._rest = self._decoder.unused_data.lstrip(b"\0")
                while not self._rest:
                    if not (more := self._file.read(PIECE)):
                        return 0
                    self._rest = more.lstrip(b"\0")
                self._decoder = self._new()
            packed = b""
            if self._decoder.needs_input:
                packed = self._rest or self._file.read(PIECE)
                self._rest = b""
                if not packed:
                    raise EOFError("it is cut off")
            content: bytes = self._decoder.decompress(packed, len(buffer))
            if content:
                buffer[: len(content)] = content
                return len(content)


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


def _xz_decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(memlimit=MOST_BYTES_OF_DECODER)


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
    "bzip2": lambda file: _Decoded(file, bz2.BZ2Decompressor),
    "xz": lambda file: _Decoded(file, _xz_decoder),
    "lzma": lambda file: _Decoded(file, _xz_decoder),
    "Zstandard": _zstandard,
}
