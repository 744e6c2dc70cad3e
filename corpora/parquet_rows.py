"""A column of Parquet as text, a batch of rows at a time.

A small file may claim any number of rows, and unpack to any size. What it claims is compared with `limits`
first.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import SEEK_END
from shutil import copyfileobj
from typing import Any, BinaryIO, cast

from bgan_text.corpora.byte_streams import Stream
from bgan_text.corpora.columns import place_of
from bgan_text.corpora.limits import (
    BATCH_BYTES,
    FREE_ROWS,
    FREE_TEXT,
    MOST_BYTES_OF_PAGE,
    ROWS_PER_BYTE,
    Allowance,
)
from bgan_text.corpora.parquet_pages import PageError, page_sizes
from bgan_text.errors import UserError, reason_of, shortened

MAGIC = b"PAR1"
NO_FRACTION = re.compile(r"\.0+(?=Z|[+-]\d|$)")
"""The fraction of a second that a column of times adds to whole ones."""
ROWS = 1000
"""Rows of a batch."""
BUFFER = 1 << 20
"""Bytes of a column that are read at a time; without it all of a row group are."""


def parquet_column(stream: Stream, column: str, encoding: str) -> Iterator[str]:
    """The values of a column in their canonical text; null is empty. Bytes are decoded.

    Raises:
        UserError: the file is not Parquet, or larger than `limits` allow, there is no such column or there
            are two, its values are no text, or bytes cannot be decoded.
    """
    with _table(stream) as (file, table):
        place_of(column, table.schema_arrow.names, stream.name)
        size = file.seek(0, SEEK_END)
        _check_rows(stream.name, table.metadata, size)
        _refuse_nested(f"{stream.name}: column {column}", table.schema_arrow.field(column).type)
        largest = _largest_page(stream, file, table.metadata, column)
        allowance = Allowance(stream.name, size, FREE_TEXT, unit="characters")
        row = 1
        for batch in _batches(stream, table, column, largest):
            values = batch.column(batch.schema.get_field_index(column))
            for text in _texts(stream.name, column, values, row, encoding):
                allowance.use(len(text))
                yield text
            row += len(values)
        if row - 1 != table.metadata.num_rows:
            raise UserError(
                f"{stream.name} is not a whole Parquet file: it announces {table.metadata.num_rows:,} rows "
                f"and has {row - 1:,}"
            )


def _check_rows(name: str, metadata: Any, size: int) -> None:
    most = FREE_ROWS + ROWS_PER_BYTE * size
    if not 0 <= metadata.num_rows <= most:
        raise UserError(
            f"{name} announces {metadata.num_rows:,} rows in {size:,} bytes: at most {most:,} were expected"
        )


def _largest_page(stream: Stream, file: BinaryIO, metadata: Any, column: str) -> int:
    """The unpacked bytes of the largest page of a column."""
    largest = 0
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for place in range(metadata.num_columns):
            chunk = row_group.column(place)
            if chunk.path_in_schema != column:
                continue
            try:
                largest = max(largest, *page_sizes(file, chunk), 0)
            except PageError as error:
                raise _damaged(stream, error) from error
    if largest > MOST_BYTES_OF_PAGE:
        raise UserError(
            f"{stream.name}: column {column} has a page of {largest:,} bytes: at most {MOST_BYTES_OF_PAGE:,} "
            "are read; write it with smaller pages or as CSV"
        )
    return largest


def parquet_columns(stream: Stream) -> list[str]:
    """The names of the columns."""
    with _table(stream) as (_, table):
        return list(table.schema_arrow.names)


@contextmanager
def _table(stream: Stream) -> Iterator[tuple[BinaryIO, Any]]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    with _seekable(stream) as file:
        try:
            table = ParquetFile(file, buffer_size=BUFFER)
        except (ArrowException, OSError) as error:
            raise _damaged(stream, error) from error
        yield file, table


def _batches(stream: Stream, table: Any, column: str, largest: int) -> Iterator[Any]:
    """Batches of rows, so few that they fit in memory even if each has as many bytes as a page."""
    from pyarrow import ArrowException

    try:
        yield from table.iter_batches(max(1, min(ROWS, BATCH_BYTES // max(1, largest))), columns=[column])
    except (ArrowException, OSError) as error:
        raise _damaged(stream, error) from error


def _damaged(stream: Stream, error: Exception) -> UserError:
    return UserError(f"{stream.name} is not a whole Parquet file: {reason_of(error)}")


@contextmanager
def _seekable(stream: Stream) -> Iterator[BinaryIO]:
    """The file itself or, where it is a pipe or compressed, a copy on disk: Parquet is read from its end."""
    if stream.direct:
        yield stream.file
        return
    with tempfile.TemporaryFile() as copy:
        copyfileobj(stream.file, copy)
        copy.seek(0)
        yield cast(BinaryIO, copy)


def _texts(name: str, column: str, values: Any, row: int, encoding: str) -> Iterator[str]:
    """Values as text; the first one is that of row `row`."""
    from pyarrow import BaseExtensionType, types

    kind = values.type
    if types.is_dictionary(kind):
        values = values.dictionary_decode()
    elif isinstance(kind, BaseExtensionType):
        values = values.storage
    kind = values.type
    _refuse_nested(f"{name}: column {column}", kind)
    if types.is_null(kind):
        yield from [""] * len(values)
    elif _is_text(kind) or _is_binary(kind):
        yield from _decoded(f"{name}: column {column}", values, row, encoding if _is_binary(kind) else None)
    elif not _is_plain(kind):
        raise UserError(f"{name}: column {column} holds {kind}, text was expected")
    else:
        timed = types.is_timestamp(kind) or types.is_time(kind)
        for text in values.cast("string").to_pylist():
            yield NO_FRACTION.sub("", text or "") if timed else text or ""


def _decoded(where: str, values: Any, row: int, encoding: str | None) -> Iterator[str]:
    """Bytes in an encoding, or strings, which have to be UTF-8."""
    for number, value in enumerate(values.cast("large_binary").to_pylist(), start=row):
        try:
            yield (value or b"").decode(encoding or "utf-8")
        except UnicodeError as error:
            wrong = "damaged: it is not UTF-8" if encoding is None else f"not {encoding}"
            remedy = "" if encoding is None else ": give the `encoding` that it has"
            raise UserError(f"{where} is {wrong} in row {number}{remedy}") from error


def _refuse_nested(where: str, kind: Any) -> None:
    from pyarrow import types

    if types.is_nested(kind):
        raise UserError(f"{where} holds {_nested(kind)} ({shortened(str(kind))}), text was expected")


def _nested(kind: Any) -> str:
    from pyarrow import types

    if types.is_map(kind):
        return "maps"
    if types.is_struct(kind):
        return "structs"
    return "unions" if types.is_union(kind) else "lists"


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return any(one(kind) for one in (types.is_string, types.is_large_string, types.is_string_view))


def _is_plain(kind: Any) -> bool:
    """Whether values have one text that everybody would write."""
    from pyarrow import types

    numbers = (types.is_boolean, types.is_integer, types.is_floating, types.is_decimal)
    return any(one(kind) for one in (*numbers, types.is_date, types.is_time, types.is_timestamp))


def _is_binary(kind: Any) -> bool:
    from pyarrow import types

    known = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    return any(one(kind) for one in known)
