"""The tokens of a split as one array, mapped into memory: (rows, L) integers, read when they are used.

An Arrow file holds the rows in record batches with their texts in between, so the rows have no common
stride. Where each begins follows from its batch, and one indexing operation of numpy collects any of them.
"""

import mmap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bgan_text.corpora.arrow_files import advise, mapped_table
from bgan_text.errors import UserError

BLOCK = 1 << 15
"""Rows that are read at a time where all are."""
NARROW = (torch.uint8, torch.int16, torch.int32, torch.int64)
"""The types of a tensor of all rows: the first one that holds the tokens."""
SOON_IN_MEMORY = 1 << 26
"""Bytes of a file whose pages are all in memory after a few batches."""
MOST_EXPECTED = 1 << 14
"""Rows whose pages are asked for one by one; more are read in order, where the system reads ahead."""


class TokenArray:
    """The rows of tokens of a split. Rows are read from disk when they are asked for.

    Args:
        files: the data files of the split, checked.
        length: L, tokens of a row.
        most: the tokens are below this number.
        where: what messages call the split.

    Attributes:
        shape: (rows, L).
        dtype: that of the tokens on disk.

    Raises:
        UserError: a row has no tokens.

    Example:
        >>> import bgan_text as bt
        >>> data = bt.prepare("poems.txt", tokenizer="char", length=32, overlong="cut", out="data/poems")
        >>> tokens = data.tokens("train")
        >>> tokens[[5, 0, 5]].shape
        (3, 32)
    """

    def __init__(self, files: Iterable[Path], length: int, most: int, where: Path) -> None:
        self._most, self._where, self._length = most, where, length
        self._files = [_File(file, length, where) for file in files]
        self._ends = np.cumsum([len(file) for file in self._files], dtype=np.int64)
        self.dtype: np.dtype[np.integer] = np.result_type(*{file.dtype for file in self._files})
        self.shape = (int(self._ends[-1]), length)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: "slice | Sequence[int] | NDArray[np.integer]") -> NDArray[np.integer]:
        """The rows at these places, (count, L), as a new array in the order asked for.

        Raises:
            UserError: a row has a token that the split cannot have.
            IndexError: there is no such place.
        """
        if isinstance(places, slice):
            places = np.arange(*places.indices(len(self)))
        chosen = np.asarray(places, dtype=np.int64)
        if chosen.size and not 0 <= chosen.min() <= chosen.max() < len(self):
            raise IndexError(f"a place outside 0..{len(self) - 1}")
        found = np.empty((len(chosen), self._length), dtype=self.dtype)
        parts = list(self._by_file(chosen))
        with _expected(parts):
            for file, there, inside in parts:
                found[there] = file.read(inside)
        if found.size and not 0 <= found.min() <= found.max() < self._most:
            raise UserError(f"{self._where} is damaged: a row has tokens outside 0..{self._most - 1}")
        return found

    @property
    def is_large(self) -> bool:
        """Whether its pages may have to come from disk for long."""
        return any(len(file.content) > SOON_IN_MEMORY for file in self._files)

    def expect(self, places: NDArray[np.integer]) -> None:
        """Let the system read rows that will be asked for soon, without waiting for them."""
        for file, _, inside in self._by_file(np.asarray(places, dtype=np.int64)):
            file.expect(inside)

    def blocks(self, rows: int = BLOCK) -> Iterator[NDArray[np.integer]]:
        """All rows in their order, so many at a time."""
        for start in range(0, len(self), rows):
            yield self[start : start + rows]

    def tensor(self, device: torch.device | str = "cpu") -> torch.Tensor:
        """All rows as one tensor on a device, (rows, L), of the narrowest type that holds the tokens.

        That is uint8 for up to 256 tokens, then int16, then int32. It is filled a block at a time, so a
        tensor on a GPU takes no memory of the machine that grows with the number of rows.

        Example:
            >>> import bgan_text as bt
            >>> bt.DatasetDirectory("data/poems").tokens("train").tensor().dtype
            torch.uint8
        """
        kind = self._narrow
        found = torch.empty(self.shape, dtype=kind, device=device)
        start = 0
        for block in self.blocks():
            found[start : start + len(block)] = torch.from_numpy(block).to(kind)
            start += len(block)
        return found

    @property
    def _narrow(self) -> torch.dtype:
        return next(kind for kind in NARROW if torch.iinfo(kind).max >= self._most - 1)

    @property
    def tensor_bytes(self) -> int:
        """The size of what `tensor` gives."""
        return self.shape[0] * self.shape[1] * self._narrow.itemsize

    def _by_file(self, chosen: NDArray[np.int64]) -> "Iterator[Part]":
        """The files that hold rows, each with the places in the answer and in the file."""
        if len(self._files) == 1:
            yield self._files[0], slice(None), chosen
            return
        number_of = np.searchsorted(self._ends, chosen, side="right")
        for number in np.unique(number_of):
            there, file = np.flatnonzero(number_of == number), self._files[number]
            yield file, there, chosen[there] - (self._ends[number] - len(file))


class _File:
    """The rows of one file: windows of L numbers at all its places, and where each record batch begins."""

    def __init__(self, path: Path, length: int, where: Path) -> None:
        table, self.content = mapped_table(path)
        whole, column = pa.py_buffer(self.content), table.column("tokens")
        self.dtype: np.dtype[np.integer] = np.dtype(column.type.value_type.to_pandas_dtype())
        size, parts = self.dtype.itemsize, [part for part in column.chunks if len(part)]
        begins = np.array([_begin(part, whole, where) for part in parts], dtype=np.int64)
        counts = np.array([len(part) for part in parts], dtype=np.int64)
        ends = begins + counts * length * size
        if (begins % size).any() or (begins < 0).any() or (ends > whole.size).any():
            raise UserError(f"{where} is damaged: its rows are not stored as they are")
        self._length, self._ends = length, np.cumsum(counts)
        self._before, self._begins = self._ends - counts, begins // size
        numbers = np.frombuffer(whole, dtype=self.dtype, count=whole.size // size)
        self._windows = sliding_window_view(numbers, length) if parts else np.empty((0, length), self.dtype)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def _begin_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where rows begin, counted in numbers from the beginning of the file."""
        batch = np.searchsorted(self._ends, rows, side="right")
        begins: NDArray[np.int64] = self._begins[batch] + (rows - self._before[batch]) * self._length
        return begins

    def expect(self, rows: NDArray[np.int64]) -> None:
        """Let the system read the pages of rows side by side; reading a row would wait for its own alone."""
        if len(self.content) <= SOON_IN_MEMORY:
            return
        size = self.dtype.itemsize
        first = self._begin_of(rows) * size
        start = first // mmap.PAGESIZE * mmap.PAGESIZE
        for begin, end in zip(start.tolist(), (first + self._length * size).tolist(), strict=True):
            advise(self.content, "MADV_WILLNEED", begin, end - begin)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.integer]:
        """Rows as a new array."""
        return self._windows[self._begin_of(rows)]


Part = tuple[_File, slice | NDArray[np.int64], NDArray[np.int64]]
"""A file, the places in the answer that its rows go to, and these rows."""


def _begin(part: pa.Array, whole: pa.Buffer, where: Path) -> int:
    """Where the tokens of a record batch begin, in bytes from the beginning of the file."""
    values = part.values
    if part.null_count or values.null_count:
        raise UserError(f"{where} is damaged: a row has no tokens")
    before = (part.offset * part.type.list_size + values.offset) * values.type.bit_width // 8
    return int(values.buffers()[1].address - whole.address + before)


@contextmanager
def _expected(parts: "list[Part]") -> Iterator[None]:
    """Some rows are asked for one by one before the block; for many the system reads ahead in the block."""
    many = [file for file, _, rows in parts if len(rows) > MOST_EXPECTED]
    for file, _, rows in parts:
        if file in many:
            advise(file.content, "MADV_NORMAL")
        else:
            file.expect(rows)
    try:
        yield
    finally:
        for file in many:
            advise(file.content, "MADV_RANDOM")
