"""Tables of every kind: which kind a file is, its columns, and the texts of one of them."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from bgan_text.corpora.byte_streams import COMPRESSED_ENDINGS, STANDARD_INPUT, Stream
from bgan_text.corpora.columns import listed
from bgan_text.corpora.decoding import MARK, decoded_head
from bgan_text.corpora.delimited import delimited_column, delimited_columns
from bgan_text.corpora.json_rows import begins_with_json, json_column, json_columns
from bgan_text.corpora.parquet_rows import MAGIC, parquet_column, parquet_columns
from bgan_text.errors import UserError, choose
from bgan_text.reporter import SILENT, Reporter

CSV, TSV, JSON, PARQUET = "csv", "tsv", "json", "parquet"
TABLES = {
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
    ".json": JSON,
    ".jsonl": JSON,
    ".ndjson": JSON,
    ".parquet": PARQUET,
    ".pq": PARQUET,
}
"""Kinds of tables by the ending of the name, in small letters."""


def ending(path: str) -> str:
    """The ending that says what kind of file this is, in small letters, that of compression left out."""
    endings = [one.lower() for one in Path(path).suffixes]
    while endings and endings[-1] in COMPRESSED_ENDINGS:
        endings.pop()
    return endings[-1] if endings else ""


def table_kind(stream: Stream) -> str | None:
    """What kind of table a file is: by its name, and Parquet by its content, too. None for no table."""
    if stream.head.startswith(MAGIC):
        return PARQUET
    return TABLES.get(ending(stream.path))


def table_column(stream: Stream, column: str, encoding: str, reporter: Reporter = SILENT) -> Iterator[str]:
    """The texts of a column as they are written: 007 keeps its zeros, and NA is a word.

    Values without text, null among them, are empty. What comes from a pipe is a table by its content.

    Raises:
        UserError: the file is no table or a damaged one, or it has no such column of text.
    """
    kind = table_kind(stream) or _kind_by_content(stream, column, encoding)
    if kind == PARQUET:
        return parquet_column(stream, column, encoding)
    if kind == JSON:
        return json_column(stream, column, encoding, reporter)
    return delimited_column(stream, kind, column, encoding, reporter)


def _kind_by_content(stream: Stream, column: str, encoding: str) -> str:
    if stream.path != STANDARD_INPUT and (known := ending(stream.path)):
        return choose("kind of table", known, TABLES)
    head = decoded_head(stream, encoding).removeprefix(MARK)
    if begins_with_json(head):
        return JSON
    heading = head.partition("\n")[0].rstrip("\r").split("\t")
    return TSV if len(heading) > 1 and column in [name.strip('"') for name in heading] else CSV


def refuse_without_column(stream: Stream, kind: str, encoding: str) -> None:
    """Refuse a table of which no column was named; the message names those that it has."""
    if kind == PARQUET:
        names = parquet_columns(stream)
    elif kind == JSON:
        names = json_columns(stream, encoding)
    else:
        names = delimited_columns(stream, kind, encoding)
    if not names:
        raise UserError(f"{stream.name} is an empty table: it has no columns")
    table = f"{stream.name} is a table: it has the column{'s' * (len(names) > 1)} {listed(names)}"
    if len(names) == 1:
        raise UserError(f"{table}: give `column` {shlex.quote(names[0])}")
    raise UserError(f"{table}: name that of the text with `column`")
