"""The data files of the splits, written row by row in bounded memory, as `datasets` writes and reads them."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import datasets
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bgan_text.corpora.arrow_files import save

BATCH_ROWS, BATCH_BYTES = 1 << 14, 1 << 22
"""A record batch ends when it has so many rows, or bytes."""
FILE_BYTES = 1 << 31
"""A data file ends when it has so many bytes. Of each some blocks are compared whenever it is opened."""


class SplitFile:
    """Writes the rows of one split.

    Args:
        folder: of the split; it is made.
        features: the columns.
        digest: of all splits, for the name that `datasets` knows the data by.
    """

    def __init__(self, folder: Path, features: datasets.Features, digest: str) -> None:
        self._folder, self._schema = folder, features.arrow_schema
        self._digest = hashlib.sha256(f"{digest} {folder.name}".encode()).hexdigest()[:16]
        save(datasets.Dataset(pa.Table.from_batches([], self._schema)), folder)  # all but the rows
        for file in folder.glob("*.arrow"):
            file.unlink()
        self._parts: list[Path] = []
        self._waiting: list[pa.Table] = []
        self._writer: pa.RecordBatchStreamWriter | None = None
        self._sink: pa.NativeFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
            if not self._parts:
                self._begin()
        self._end()
        if kind is None:
            self._name()

    def write(self, rows: pa.Table) -> None:
        """Write rows, of which only the columns of the split are kept."""
        self._waiting.append(rows.select(self._schema.names))
        if (
            sum(map(len, self._waiting)) >= BATCH_ROWS
            or sum(table.nbytes for table in self._waiting) >= BATCH_BYTES
        ):
            self._flush()

    def _flush(self) -> None:
        table = pa.concat_tables(self._waiting).combine_chunks() if self._waiting else None
        self._waiting = []
        if table is None or not len(table):
            return
        if self._sink is None or self._sink.tell() >= FILE_BYTES:
            self._end()
            self._begin()
        assert self._writer is not None
        self._writer.write_table(table.cast(self._schema))

    def _begin(self) -> None:
        self._parts.append(self._folder / f"part-{len(self._parts):05d}")
        self._sink = pa.OSFile(os.fspath(self._parts[-1]), "wb")
        self._writer = pa.ipc.new_stream(self._sink, self._schema)

    def _end(self) -> None:
        if self._writer is not None and self._sink is not None:
            self._writer.close()
            self._sink.close()
        self._writer = self._sink = None

    def _name(self) -> None:
        """Give the files the names that tell how many there are, and list them."""
        count = len(self._parts)
        names = [f"data-{number:05d}-of-{count:05d}.arrow" for number in range(count)]
        for part, name in zip(self._parts, names, strict=True):
            part.rename(self._folder / name)
        state = self._folder / "state.json"
        told: dict[str, Any] = json.loads(state.read_text())
        told |= {"_data_files": [{"filename": name} for name in names], "_fingerprint": self._digest}
        state.write_text(json.dumps(told, indent=2, sort_keys=True))


def write_splits(
    stage: Path,
    names: Iterable[str],
    blocks: Iterable[pa.Table],
    split_of: NDArray[np.int8],
    features: datasets.Features,
    digest: str,
) -> Iterator[int]:
    """Write the rows of blocks to the splits that they are in; gives how many rows are done.

    Args:
        stage: the folder of the splits.
        names: of the splits.
        blocks: all rows.
        split_of: the number of the split of each row, in the order of `names`; -1 for none.
        features: the columns.
        digest: of all splits.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(SplitFile(stage / name, features, digest)) for name in names]
        done = 0
        for block in blocks:
            inside = split_of[done : done + len(block)]
            done += len(block)
            for number, file in enumerate(files):
                rows = np.flatnonzero(inside == number)
                if len(rows):
                    file.write(block if len(rows) == len(block) else block.take(pa.array(rows)))
            yield done
