"""Arrays in files, read a block of rows at a time: members of an .npz, and the idx files of MNIST.

What a heading announces is compared with the file before anything of that size is made.
"""

import io
import math
import struct
import tokenize
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bgan_text.corpora.archives import UNZIPPED_WRONG, opened_zip
from bgan_text.corpora.byte_streams import opened
from bgan_text.corpora.limits import (
    BLOCK,
    FREE_UNPACKED,
    MOST_BYTES_OF_ARRAY_HEADING,
    MOST_BYTES_OF_FORTRAN_ARRAY,
    MOST_BYTES_OF_IMAGE,
    Allowance,
)
from bgan_text.errors import UserError, reason_of, shortened

ENDING = ".npy"
HEADING_WRONG = (
    ValueError,
    SyntaxError,
    TypeError,
    RecursionError,
    MemoryError,
    KeyError,
    tokenize.TokenError,
)
"""What numpy raises of a damaged heading of an array, or one that is no literal of Python."""
LENGTHS = {1: "<H", 2: "<I", 3: "<I"}
"""How the length of a heading is written in each version of .npy."""
PIECE = 1 << 20
MOST_OF_REASON = 200
MOST_DIMENSIONS = 4
"""Of an array of images: count, height, width, channels."""
IDX_KINDS = {8: "uint8", 9: "int8", 11: "int16", 12: "int32", 13: "float32", 14: "float64"}


@dataclass(frozen=True)
class StoredArray:
    """An array that is in a file.

    Attributes:
        name: what messages call it.
        shape: as its heading announces it.
        dtype: that of its numbers.
        open: its bytes, in a context.
        fortran: whether its first index varies fastest.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    fortran: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of all its numbers."""
        return math.prod(self.shape) * self.dtype.itemsize

    def blocks(self) -> Iterator[NDArray[Any]]:
        """The array in pieces along its first index.

        Raises:
            UserError: a row is too large, or the file has more or fewer bytes than its heading announces.
        """
        if self.fortran and self.nbytes > MOST_BYTES_OF_FORTRAN_ARRAY:
            raise UserError(
                f"{self.name} has {self.nbytes:,} bytes in Fortran's order: at most "
                f"{MOST_BYTES_OF_FORTRAN_ARRAY:,}, or the order of C (numpy.ascontiguousarray), were expected"
            )
        count, rest = self.shape[0], self.shape[1:]
        row = math.prod(rest) * self.dtype.itemsize
        if count and row > MOST_BYTES_OF_IMAGE:
            raise UserError(
                f"{self.name} has {row:,} bytes in each row of its shape {self.shape}: at most "
                f"{MOST_BYTES_OF_IMAGE:,} were expected"
            )
        rows = count if self.fortran else max(1, BLOCK // max(1, row))
        with self.open() as file:
            for start in range(0, count, max(1, rows)):
                shape = (min(rows, count - start), *rest)
                content = self._read(file, shape[0] * row, start * row)
                numbers = np.frombuffer(content, self.dtype)
                yield numbers.reshape(shape[::-1]).T if self.fortran else numbers.reshape(shape)
            if file.read(1):
                raise UserError(f"{self.name} announces {self.nbytes:,} bytes and has more: it is damaged")

    def _read(self, file: IO[bytes], size: int, before: int) -> bytes:
        content = read_most(file, size)
        if len(content) < size:
            raise UserError(
                f"{self.name} announces {self.nbytes:,} bytes and has {before + len(content):,}: it is "
                "damaged"
            )
        return content


def read_most(file: IO[bytes], size: int) -> bytes:
    """So many bytes of a file or, if it ends before, all. What it only claims to have takes no memory."""
    content = io.BytesIO()
    while content.tell() < size and (piece := file.read(min(PIECE, size - content.tell()))):
        content.write(piece)
    return content.getvalue()


@contextmanager
def npz_arrays(path: Path) -> Iterator[tuple[list[str], Callable[[str], StoredArray]]]:
    """The names of the arrays of an .npz, and one of them by its name.

    Raises:
        UserError: it is no whole archive; of an array: it is not of numbers, or unpacks to too much.
    """
    what = ".npz of arrays"
    allowance = Allowance(str(path), path.stat().st_size, FREE_UNPACKED)
    try:
        with opened_zip(path, what) as (archive, members):
            arrays = {
                info.filename.removesuffix(ENDING): info for info in members if info.filename.endswith(ENDING)
            }

            def array(name: str) -> StoredArray:
                return _npz_array(path, name, archive, arrays[name], allowance)

            yield list(arrays), array
    except UNZIPPED_WRONG as error:
        raise UserError(f"{path} is not a whole {what}: {reason_of(error)}") from error


def _npz_array(
    path: Path, name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance
) -> StoredArray:
    try:
        with archive.open(info) as file:
            shape, fortran, dtype, length = _heading(file)
    except HEADING_WRONG as error:
        raise UserError(
            f"{path} is not a whole .npz of arrays of numbers: {shortened(name)}: "
            f"{shortened(reason_of(error), MOST_OF_REASON)}"
        ) from error

    @contextmanager
    def content() -> Iterator[IO[bytes]]:
        with archive.open(info) as file:
            file.read(length)
            yield file

    found = StoredArray(f"{path}:{shortened(name)}", shape, dtype, content, fortran and len(shape) > 1)
    if length + found.nbytes != info.file_size:
        raise UserError(
            f"{found.name} announces {found.nbytes:,} bytes in its shape {_shown(shape)} and has "
            f"{max(0, info.file_size - length):,}: it is damaged"
        )
    allowance.use(info.file_size)
    return found


def _shown(shape: tuple[int, ...]) -> str:
    return shortened(str(shape))


def _heading(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, order and type of an array of numbers, and the bytes of its heading."""
    magic = file.read(npy.MAGIC_LEN)
    major, minor = npy.read_magic(io.BytesIO(magic))
    if major not in LENGTHS:
        raise ValueError(f"version {major}.{minor} of .npy: 1.0 or 2.0 was expected")
    size = file.read(struct.calcsize(LENGTHS[major]))
    if len(size) < struct.calcsize(LENGTHS[major]):
        raise ValueError("its heading is cut off")
    (length,) = struct.unpack(LENGTHS[major], size)
    if length > MOST_BYTES_OF_ARRAY_HEADING:
        raise ValueError(
            f"its heading has {length:,} bytes: at most {MOST_BYTES_OF_ARRAY_HEADING:,} were expected"
        )
    content = file.read(length)
    read = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
    try:
        shape, fortran, dtype = read(io.BytesIO(size + content), max_header_size=MOST_BYTES_OF_ARRAY_HEADING)
    except (tokenize.TokenError, RecursionError, MemoryError) as error:
        raise ValueError("its heading has a bracket or a quote that is not closed, or too many") from error
    if dtype.hasobject or dtype.names is not None or dtype.subdtype is not None or dtype.itemsize == 0:
        raise ValueError(f"its type is {dtype}: numbers were expected")
    if any(isinstance(side, bool) or side < 0 for side in shape):
        raise ValueError(f"its shape is {shape}: sizes from 0 up were expected")
    return shape, bool(fortran), dtype, len(magic) + len(size) + length


def idx_array(path: Path, dimensions: int | None = None) -> StoredArray:
    """An array of bytes in the idx format of MNIST, compressed or not.

    Args:
        path: the file.
        dimensions: how many it has to have.

    Raises:
        UserError: it is no such file, it is cut off in its heading, or has another type or number of
            dimensions.
    """
    with opened(str(path)) as stream:
        content = stream.head
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_KINDS:
        raise UserError(
            f"{path} is no idx file of bytes: zeros, 8 and the number of dimensions were expected"
        )
    if content[2] != 8:
        raise UserError(
            f"{path} is no idx file of bytes: it holds {IDX_KINDS[content[2]]}, uint8 was expected"
        )
    if not content[3] or dimensions not in (None, content[3]) or content[3] > MOST_DIMENSIONS:
        wanted = f"1 to {MOST_DIMENSIONS}" if dimensions is None else dimensions
        raise UserError(f"{path} has {content[3]} dimensions: {wanted} were expected")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise UserError(f"{path} is cut off: it ends inside its heading")
    shape = struct.unpack(f">{content[3]}I", content[4:start])

    @contextmanager
    def data() -> Iterator[IO[bytes]]:
        with opened(str(path)) as stream:
            stream.file.read(start)
            yield stream.file

    return StoredArray(str(path), shape, np.dtype(np.uint8), data)
