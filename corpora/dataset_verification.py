"""All of a dataset directory, compared with its card: every byte, every row, every token."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bgan_text.corpora.arrow_files import load
from bgan_text.corpora.dataset_check import ORACLE_FILE, check_blocks, check_table, data_files
from bgan_text.corpora.dataset_directory import SPLITS, DatasetDirectory
from bgan_text.corpora.dataset_records import DataFile
from bgan_text.corpora.palette import Palette, load_palette
from bgan_text.corpora.tokenizer import SentencePieceTokenizer, SymbolTokenizer, load_tokenizer
from bgan_text.errors import UserError, reason_of

BLOCK = 100_000
"""Rows that are looked at at a time."""
Check = tuple[Path, Callable[[], object]]
"""What is checked, and the check: it raises an error, or returns a list of what is wrong."""


def dataset_checks(folder: Path) -> Iterator[Check]:
    """The checks of a dataset directory, one for each part. Each has to be made before the next is asked for.

    Parts are checked as far as it goes where the card is damaged.
    """
    opened: list[DatasetDirectory] = []
    yield folder / "card.json", lambda: opened.append(DatasetDirectory(folder))
    data = opened[0] if opened else None
    if data is not None:
        yield folder / data.codec_file, data.codec
    else:
        yield stored_codec(folder)
    told = data.files if data is not None else None
    left = dict(told or {})
    for split in SPLITS:
        listed: list[Path] = []
        state = left.pop(f"{split}/state.json", None)
        yield folder / split / "state.json", partial(_list_files, folder / split, listed, state)
        for file in listed:
            of_card = left.pop(file.relative_to(folder).as_posix(), None)
            if told is not None:
                yield file, partial(check_blocks, file, of_card, thorough=True)
        if listed:
            yield folder / split, partial(_check_rows, data, listed, folder / split)
    if left.pop(ORACLE_FILE, None) is not None and data is not None:
        yield folder / ORACLE_FILE, data.oracle
    for name, of_card in sorted(left.items()):
        yield folder / name, partial(_check_other, folder, name, of_card)


def stored_codec(folder: Path) -> Check:
    """The file of the tokenizer or palette in a folder, and what reads it."""
    names = (Palette.file, SentencePieceTokenizer.file, SymbolTokenizer.file)
    file = next((name for name in names if os.path.lexists(folder / name)), names[-1])
    return folder / file, partial(load_palette if file == Palette.file else load_tokenizer, folder)


def _list_files(split: Path, listed: list[Path], of_card: DataFile | None) -> None:
    listed.extend(data_files(split))
    if of_card is not None:  # that of an earlier version does not tell of it
        check_blocks(split / "state.json", of_card, thorough=True)


def _check_other(folder: Path, name: str, of_card: DataFile) -> None:
    file = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts or not file.exists():
        raise UserError(f"{file} is missing: the card of its directory tells of it")
    check_blocks(file, of_card, thorough=True)


def _check_rows(data: DatasetDirectory | None, files: list[Path], where: Path) -> None:
    """Look at every value of a split.

    Raises:
        UserError: an offset, a text or a token is wrong, or rows are not those of the card.
    """
    try:
        table = load(files).data.table
        if data is not None:
            check_table(table, data.space, data.counts[where.name], where)
        for start in range(0, len(table), BLOCK):
            rows = table.slice(start, BLOCK)
            rows.validate(full=True)
            if data is not None:
                _check_values(rows, data.most_tokens, where)
    except (UserError, MemoryError):
        raise
    except Exception as error:  # datasets and pyarrow raise errors of many kinds for damaged files
        raise UserError(f"{where} is missing or damaged: {reason_of(error)}") from error


def _check_values(rows: pa.Table, most: int, where: Path) -> None:
    tokens = rows.column("tokens")
    values = pa.chunked_array([chunk.flatten() for chunk in tokens.chunks], tokens.type.value_type)
    bounds = pc.min_max(values).as_py()
    if tokens.null_count or values.null_count:
        raise UserError(f"{where} is damaged: a row has no tokens")
    if bounds["min"] is not None and not 0 <= bounds["min"] <= bounds["max"] < most:
        raise UserError(f"{where} is damaged: a row has tokens outside 0..{most - 1}")
    if "text" in rows.schema.names and rows.column("text").null_count:
        raise UserError(f"{where} is damaged: a row has no text")
