"""Zip and tar archives that may come from a stranger: their files one after the other, none written.

What is counted is in `limits`: members, headings, unpacked bytes.
"""

import io
import lzma
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from bgan_text.corpora.byte_streams import DAMAGED, opened
from bgan_text.corpora.limits import (
    MOST_BYTES_OF_DIRECTORY,
    MOST_BYTES_OF_HEADING,
    MOST_EMPTY,
    MOST_MEMBERS,
)
from bgan_text.errors import UserError, reason_of, shortened

UNZIPPED_WRONG = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,  # of bz2
    EOFError,
    ValueError,  # a place before the beginning; UnicodeDecodeError of a name
    RuntimeError,  # an unknown way to compress, or a password
    OverflowError,
)
"""What a damaged zip archive raises."""
UNTAPED_WRONG = (tarfile.TarError, *DAMAGED, ValueError, OverflowError, RecursionError, IndexError, KeyError)
"""What a damaged tar archive raises."""
UNPACK = "unpack it, and give the folder"
ENCRYPTED = 1
"""The flag of a member of a zip archive that needs a password."""
SHORTEST_HEADING = 30
"""Bytes of what stands before a member of a zip archive, without its name."""
SKIPPED = 1 << 20
END = bytes(tarfile.BLOCKSIZE)
"""The block that ends a tar archive."""
MOST_FILLING = 1 << 24
"""Bytes after it that are looked at."""


def member_name(path: Path | str, name: str) -> str:
    """How messages call a member of an archive: in one line, whatever is in its name."""
    return f"{path}:{shortened(name)}"


@contextmanager
def opened_zip(
    path: Path, what: str = "zip archive"
) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """A zip archive and its members that are files, in the order of their names.

    Raises:
        UserError: it is damaged or encrypted, has too many members, several of one name or at one place.
    """
    with path.open("rb") as file:
        bounded = _Bounded(file, MOST_BYTES_OF_DIRECTORY)
        try:
            archive = zipfile.ZipFile(cast(BinaryIO, bounded))
        except UNZIPPED_WRONG as error:
            if bounded.exceeded:
                raise _too_many(path) from error
            raise UserError(f"{path} is not a whole {what}: {reason_of(error)}") from error
        with archive:
            bounded.most = None
            _check_members(path, archive.infolist())
            files = [info for info in archive.infolist() if not info.is_dir()]
            yield archive, sorted(files, key=lambda info: info.filename)


class _Bounded(io.RawIOBase):
    """A file of which no more than `most` bytes are read at once: zipfile reads the directory in one go."""

    def __init__(self, file: IO[bytes], most: int | None) -> None:
        self._file, self.most, self.exceeded = file, most, False

    def read(self, size: int = -1) -> bytes:
        if self.most is not None and size > self.most:
            self.exceeded = True
            raise zipfile.BadZipFile("its directory is too large")
        return self._file.read(size)

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _too_many(path: Path) -> UserError:
    return UserError(f"{path} has more than {MOST_MEMBERS:,} members: {UNPACK}")


def _too_empty(path: Path) -> UserError:
    return UserError(f"{path} has more than {MOST_EMPTY:,} empty files: files with content were expected")


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise _too_many(path)
    name, count = next(iter(Counter(info.filename for info in members).most_common(1)), ("", 0))
    if count > 1:
        raise UserError(
            f"{member_name(path, name)} is in the archive {count:,} times: one file of a name was expected"
        )
    secret = next((info for info in members if info.flag_bits & ENCRYPTED), None)
    if secret is not None:
        raise UserError(f"{member_name(path, secret.filename)} is encrypted: {UNPACK}")
    if sum(not info.file_size and not info.is_dir() for info in members) > MOST_EMPTY:
        raise _too_empty(path)
    end = 0
    for info in sorted(members, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise UserError(
                f"{path} is not a whole zip archive: {shortened(info.filename)} begins within another member"
            )
        end = info.header_offset + SHORTEST_HEADING + info.compress_size


def is_tar(path: Path) -> bool:
    """Whether a file, which may be compressed, begins as a tar archive."""
    try:
        with opened(str(path)) as stream:
            tarfile.TarInfo.frombuf(stream.head[: tarfile.BLOCKSIZE], tarfile.ENCODING, "surrogateescape")
    except (UserError, *UNTAPED_WRONG):
        return False
    return True


def tar_files(path: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Names and contents of what is in a tar archive but folders, in its order; of links and devices None.

    A content can be read until the next one is asked for.

    Raises:
        UserError: it is damaged or cut off, or has too many members.
    """
    with opened(str(path)) as stream:
        tape = _Tape(stream.file, rewinds=stream.direct)
        try:
            archive = tarfile.TarFile(fileobj=cast(Any, tape))
            count = empty = 0
            while (member := _next(archive, tape)) is not None:
                count += 1
                if count > MOST_MEMBERS:
                    raise _too_many(path)
                empty += member.isfile() and not member.size
                if empty > MOST_EMPTY:
                    raise _too_empty(path)
                if not member.isdir():
                    file = archive.extractfile(member) if member.isfile() else None
                    name = member.name.removeprefix("./")
                    yield name, None if file is None else io.BufferedReader(_Content(file, path))
        except UNTAPED_WRONG as error:
            raise _untaped(path, error) from error
        if tape.last != END:
            what = "a heading is damaged" if tape.last else "it ends without its mark"
            raise UserError(f"{path} is not a whole tar archive: {what}")
        if tape.rest().strip(b"\0"):
            raise UserError(f"{path} is not a whole tar archive: it goes on after a mark of its end")


def _untaped(path: Path, error: Exception) -> UserError:
    endless = isinstance(error, RecursionError)
    reason = "heading follows heading without end" if endless else reason_of(error)
    return UserError(f"{path} is not a whole tar archive: {reason}")


class _Content(io.RawIOBase):
    """The content of a member, whose reader is told of damage in the same words."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file, self._path = file, path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content = self._file.read(len(buffer))
        except UNTAPED_WRONG as error:
            raise _untaped(self._path, error) from error
        buffer[: len(content)] = content
        return len(content)


def _next(archive: tarfile.TarFile, tape: "_Tape") -> tarfile.TarInfo | None:
    tape.left = MOST_BYTES_OF_HEADING
    member = archive.next()
    tape.left = None
    archive.members.clear()  # type: ignore[attr-defined]  # it would keep all of them
    return member


class _Tape:
    """A file that is read forwards. Of headings, `left` bytes may be read before the next content.

    `last` is what was read last of them.
    """

    def __init__(self, file: BinaryIO, *, rewinds: bool) -> None:
        self._file, self._place, self._rewinds = file, 0, rewinds
        self.left: int | None = MOST_BYTES_OF_HEADING
        self.last = b""

    def read(self, size: int) -> bytes:
        if self.left is not None:
            self.left -= size
            if not 0 <= size <= size + self.left:
                raise tarfile.ReadError("a heading is too long")
        content = self._file.read(size)
        self._place += len(content)
        if self.left is not None:
            self.last = content
        return content

    def seek(self, place: int) -> None:
        if place < self._place:
            raise tarfile.ReadError("a member begins before the end of another one")
        if self._rewinds:
            self._place = self._file.seek(place)
        while self._place < place:
            skipped = self._file.read(min(SKIPPED, place - self._place))
            if not skipped:
                raise tarfile.ReadError("unexpected end of data")
            self._place += len(skipped)

    def tell(self) -> int:
        return self._place

    def rest(self) -> bytes:
        """What follows, at most `MOST_FILLING`; archives are filled up with zeros."""
        return self._file.read(MOST_FILLING)
