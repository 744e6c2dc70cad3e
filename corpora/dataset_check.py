"""Whether the files of a dataset directory are those that its card tells of.

A directory may be damaged, or come from a stranger. Arrow reads where its offsets point, so that a wrong one
ends the process. Files are therefore checked before they are read: their names, sizes and types, and digests
of their contents. Of large files a few blocks are compared whenever they are opened; `thorough` compares all.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from bgan_text.corpora.dataset_records import DataFile, State
from bgan_text.errors import UserError, reason_of
from bgan_text.files import read_json, refuse_special
from bgan_text.space import PixelSpace, TokenSpace

BLOCK_BYTES = 16 * 2**20
ALWAYS_BYTES = 4 * BLOCK_BYTES
"""Files up to this size are compared as a whole when they are opened; of larger ones as many random bytes."""
ORACLE_FILE = "oracle.safetensors"
"""The weights of the distribution that the samples were drawn from, where it is known."""
LARGEST_STATE = 2**20
"""Bytes of the file that lists the data files of a split."""


def block_digests(file: Path) -> list[str]:
    """SHA-256 of each 16 MiB of a file."""
    with file.open("rb") as content:
        return [hashlib.sha256(block).hexdigest() for block in iter(lambda: content.read(BLOCK_BYTES), b"")]


def files_of(folder: Path, splits: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Size and digests of each file of splits or weights, by its path in the directory, for the card."""
    files = [file for split in splits for file in sorted((folder / split).iterdir())]
    files += [folder / ORACLE_FILE] if (folder / ORACLE_FILE).exists() else []
    return {
        file.relative_to(folder).as_posix(): {"bytes": file.stat().st_size, "sha256": block_digests(file)}
        for file in files
    }


def data_files(split: Path) -> list[Path]:
    """The data files of a split in order: those in its folder, as its state.json lists them, once each.

    Raises:
        UserError: the list and the folder differ, or one of them is no file, such as a pipe.
    """
    state = split / "state.json"
    try:
        listed = [part.filename for part in read_json(state, State, LARGEST_STATE).parts]
    except FileNotFoundError as error:
        raise UserError(f"{split} is missing or damaged: it has no state.json") from error
    there = sorted(file.name for file in split.glob("*.arrow"))
    if sorted(listed) != there:
        raise UserError(f"{state} is damaged: it lists other files than {', '.join(there[:3]) or 'none'}")
    files = [split / name for name in listed]
    try:
        for file in files:
            refuse_special(file)
    except FileNotFoundError as error:  # a link to nothing
        raise UserError(f"{error.filename} is missing") from error
    return files


def check_blocks(file: Path, told: DataFile | None, *, thorough: bool) -> None:
    """Compare a file with the size and the digests that the card tells.

    Raises:
        UserError: they differ, or the card tells none.
    """
    if told is None:
        raise UserError(f"{file} is not in the card of its directory")
    refuse_special(file)
    size, digests = told.bytes, told.sha256
    blocks = -(-size // BLOCK_BYTES)
    if file.stat().st_size != size or len(digests) != blocks:
        raise UserError(f"{file} is damaged: it has {file.stat().st_size:,} bytes, its card says {size:,}")
    chosen = range(blocks) if thorough or size <= ALWAYS_BYTES else random.Random().sample(range(blocks), 4)
    with file.open("rb") as content:
        for block in chosen:
            content.seek(block * BLOCK_BYTES)
            if hashlib.sha256(content.read(BLOCK_BYTES)).hexdigest() != digests[block]:
                raise UserError(f"{file} is damaged: it is not as it was written")


def row_length(space: TokenSpace | PixelSpace) -> int:
    """How many numbers a row has."""
    return space.positions if isinstance(space, TokenSpace) else space.channels * space.height * space.width


def check_table(table: pa.Table, space: TokenSpace | PixelSpace, rows: int, where: Path) -> None:
    """Compare the columns of a split with the space, and its length with the card; no value is read.

    Raises:
        UserError: there are other columns, rows of another length, or other counts.
    """
    length = row_length(space)
    kind: Any = table.schema.field("tokens").type if "tokens" in table.schema.names else pa.null()
    fits = pa.types.is_fixed_size_list(kind) and pa.types.is_integer(kind.value_type)
    if not fits or kind.list_size != length:
        raise UserError(f"{where} is damaged: its card tells of rows of {length} tokens, and it has {kind}")
    if len(table) != rows:
        raise UserError(f"{where} is damaged: it has {len(table):,} rows, its card says {rows:,}")
    try:
        table.validate()
    except pa.ArrowException as error:
        raise UserError(f"{where} is damaged: {reason_of(error)}") from error


def checked_texts(table: pa.Table, block: int, where: Path) -> Iterator[str]:
    """The texts of a table, some at a time; offsets and characters are checked before they are read."""
    for start in range(0, len(table), block):
        column = table.column("text").slice(start, block)
        try:
            column.validate(full=True)
        except pa.ArrowException as error:
            raise UserError(f"{where} is damaged: {reason_of(error)}") from error
        if column.null_count:
            raise UserError(f"{where} is damaged: a row has no text")
        yield from column.to_pylist()
