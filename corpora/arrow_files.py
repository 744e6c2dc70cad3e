"""Arrow data of dataset directories, written and read through `datasets` wherever they lie.

`datasets` takes a path for an address: what follows `::` in it is a file system of its own. Here a path is
only a path. It is imported where it is used, since that takes half a second.
"""

import hashlib
import mmap
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    import datasets
    from datasets.arrow_writer import ArrowWriter

CHAINED = "::"


@contextmanager
def arrow_writer(path: Path, features: "datasets.Features") -> Iterator["ArrowWriter"]:
    """A writer of rows to a file."""
    from datasets.arrow_writer import ArrowWriter

    with path.open("wb") as file, ArrowWriter(features=features, stream=file) as writer:
        yield writer


def save(data: "datasets.Dataset", folder: Path) -> None:
    """Write a dataset to a folder."""
    if CHAINED not in str(folder):
        data.save_to_disk(folder)
        return
    folder.mkdir()
    with tempfile.TemporaryDirectory() as place:
        link = Path(place) / "data"
        link.symlink_to(folder.resolve(), target_is_directory=True)
        data.save_to_disk(link)


def load(files: Iterable[Path]) -> "datasets.Dataset":
    """The dataset in some files, mapped into memory.

    `datasets` itself would wrap each file anew, which takes a second for 30,000 record batches.
    """
    import datasets
    from datasets.table import InMemoryTable

    named = list(map(str, files))
    tables = []
    for name in named:
        table, content = mapped_table(Path(name))
        # The caller checks it. Here what that looks at is read, and no more.
        with suppress(pa.ArrowException):
            table.validate()
        advise(content, "MADV_NORMAL")
        tables.append(table)
    # Without a name of its own the data would be read as a whole for one.
    fingerprint = hashlib.sha256("\n".join(named).encode(errors="surrogateescape")).hexdigest()[:16]
    return datasets.Dataset(InMemoryTable(pa.concat_tables(tables)), fingerprint=fingerprint)


def mapped_table(file: Path) -> tuple[pa.Table, mmap.mmap]:
    """The table in a file, and the file that it is a view of.

    The system is asked to read no more than it is told to: of the file only the headings of its record
    batches are looked at here, and what would be read ahead of each would be most of the file.
    """
    with file.open("rb") as opened:
        content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    advise(content, "MADV_RANDOM")
    return pa.ipc.open_stream(pa.BufferReader(pa.py_buffer(content))).read_all(), content


def advise(content: mmap.mmap, advice: str, start: int = 0, length: int | None = None) -> None:
    """Tell the system how a part of a file will be read, on systems that can be told.

    Args:
        content: the file.
        advice: the name of one of the constants of `mmap`.
        start: where the part begins, at the beginning of a page.
        length: its bytes; None for all.
    """
    if hasattr(content, "madvise") and hasattr(mmap, advice):
        content.madvise(getattr(mmap, advice), start, len(content) - start if length is None else length)
