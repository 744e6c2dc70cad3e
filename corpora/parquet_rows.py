"""A column of Parquet as text, a batch of rows at a time."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import copyfileobj
from typing import Any, BinaryIO, cast

from bgan_text.corpora.byte_streams import Stream
from bgan_text.corpora.columns import place_of
from bgan_text.errors import UserError, reason_of

MAGIC = b"PAR1"
NO_FRACTION = re.compile(r"\.0+(?=Z|[+-]\d|$)")
"""The fraction of a second that a column of times adds to whole ones."""
ROWS = 1000
"""Rows of a batch."""


def parquet_column(stream: Stream, column: str, encoding: str) -> Iterator[str]:
    """The values of a column in their canonical text; null is empty. Bytes are decoded.

    Raises:
        UserError: the file is not Parquet, there is no such column or there are two, its values are no text,
            or bytes cannot be decoded.
    """
    with _table(stream) as table:
        place_of(column, table.schema_arrow.names, stream.name)
        row = 1
        for batch in _batches(stream, table, column):
            values = batch.column(batch.schema.get_field_index(column))
            yield from _texts(stream.name, column, values, row, encoding)
            row += len(values)


def parquet_columns(stream: Stream) -> list[str]:
    """The names of the columns."""
    with _table(stream) as table:
        return list(table.schema_arrow.names)


@contextmanager
def _table(stream: Stream) -> Iterator[Any]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    with _seekable(stream) as file:
        try:
            table = ParquetFile(file)
        except (ArrowException, OSError) as error:
            raise _damaged(stream, error) from error
        yield table


def _batches(stream: Stream, table: Any, column: str) -> Iterator[Any]:
    from pyarrow import ArrowException

    try:
        yield from table.iter_batches(ROWS, columns=[column])
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
    if types.is_nested(kind):
        raise UserError(f"{name}: column {column} holds {_nested(kind)} ({kind}), text was expected")
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
