"""A corpus of text as it is prepared: blocks of texts in files, then blocks of rows of tokens.

A block is bounded in texts and characters, so that the memory which it takes does not grow with the corpus.
Each is written by one process, and the same whatever other processes do.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

TEXTS, TOKENS, ROWS = "texts", "tokens", "rows"
PARTIAL = ".partial"
FLUSHED = 1 << 20
"""A file of so many bytes is on disk before it has its name, so that none is only half there."""


@dataclass(frozen=True)
class Blocks:
    """The blocks of one kind in a folder.

    Attributes:
        folder: where they are.
        kind: `TEXTS`, `TOKENS` or `ROWS`.
    """

    folder: Path
    kind: str

    def path(self, number: int) -> Path:
        """The file of a block."""
        return self.folder / f"{self.kind}-{number:06d}.arrow"

    def __iter__(self) -> Iterator[Path]:
        """The files of all blocks in their order."""
        number = 0
        while (path := self.path(number)).exists():
            yield path
            number += 1


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as one record batch. The file has its name once it is whole."""
    partial = path.with_name(path.name + PARTIAL)
    with pa.OSFile(os.fspath(partial), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    if table.nbytes >= FLUSHED:
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
    partial.rename(path)


def read_table(path: Path) -> pa.Table:
    """A table that `write_table` wrote, mapped into memory."""
    return pa.ipc.open_stream(pa.memory_map(os.fspath(path))).read_all()


def write_texts(path: Path, texts: Sequence[str], held_out: Sequence[bool]) -> None:
    """Write a block of texts, with which of them the corpus holds out."""
    write_table(path, pa.table({"text": pa.array(texts, pa.string()), "held_out": pa.array(held_out)}))


def read_texts(path: Path) -> list[str]:
    """The texts of a block."""
    texts: list[str] = read_table(path).column("text").to_pylist()
    return texts


def held_out_of(table: pa.Table) -> NDArray[np.bool_]:
    """Which texts or rows of a block the corpus holds out."""
    return np.asarray(table.column("held_out").to_numpy(), dtype=bool)


def token_type(vocabulary: int) -> np.dtype[np.integer]:
    """The narrowest type of numpy and torch that holds so many different tokens."""
    kinds = (np.uint8, np.int16, np.int32)
    return np.dtype(next(kind for kind in kinds if vocabulary - 1 <= np.iinfo(kind).max))
