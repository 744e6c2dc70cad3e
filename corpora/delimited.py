"""Columns of CSV and TSV, row by row, so that a file may be larger than memory.

CSV follows RFC 4180. TSV has no quoting by its definition (IANA, text/tab-separated-values): a quote is a
character like any other. A heading in quotes says that a file is CSV with tabs; it is read as such. For
single fields in quotes see `_tsv`.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from bgan_text.corpora.byte_streams import Stream
from bgan_text.corpora.columns import place_of
from bgan_text.corpora.decoding import decoded_lines, stripped, too_long
from bgan_text.corpora.limits import LONGEST_FIELD
from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter

Row = tuple[int, list[str]]
"""The number of its first line, and its fields; those of a blank line are none."""
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')
"""The line before the heading by which Excel says what separates fields."""
MANY_ROWS = 3
"""So many lines in a quoted field, each with the commas of a row, are no accident of prose."""
DELIMITERS = (",", ";", "\t", "|")
"""What separates fields of CSV; spreadsheets write semicolons where the comma is the decimal sign."""


def delimited_column(
    stream: Stream, kind: str, column: str, encoding: str, reporter: Reporter = SILENT
) -> Iterator[str]:
    """The values of a column of CSV or TSV as they are written; that of a blank line is empty.

    Raises:
        UserError: there is no such column or there are two, a row has more or fewer fields than the heading,
            or a quote is not closed.
    """
    rows = _rows(stream, kind, encoding, column, reporter)
    heading = _heading(rows, stream)
    place = place_of(column, heading, stream.name)
    for line, fields in rows:
        if not fields:
            yield ""
        elif len(fields) != len(heading):
            unquoted = kind == "csv" and len(fields) > len(heading) and fields[-1].strip()
            remedy = "; a field that holds the separator needs quotes" if unquoted else ""
            raise UserError(
                f"{stream.name}: line {line} has {_fields(len(fields))}, the heading {len(heading)}{remedy}"
            )
        else:
            yield fields[place]


def delimited_columns(stream: Stream, kind: str, encoding: str) -> list[str]:
    """The names of the columns."""
    return _heading(_rows(stream, kind, encoding, None, SILENT), stream)


def _heading(rows: Iterator[Row], stream: Stream) -> list[str]:
    heading = next((fields for _, fields in rows if fields), None)
    if heading is None:
        raise UserError(f"{stream.name} is empty: a heading that names the columns was expected")
    return heading


def _fields(count: int) -> str:
    return f"{count} field{'s' * (count > 1)}"


def _rows(stream: Stream, kind: str, encoding: str, column: str | None, reporter: Reporter) -> Iterator[Row]:
    if csv.field_size_limit() < LONGEST_FIELD:  # one number for all of the process
        csv.field_size_limit(LONGEST_FIELD)
    lines = decoded_lines(stream, encoding, reporter, LONGEST_FIELD)
    blank = []  # lines before the heading
    while (first := next(lines, "")) and not first.strip():
        blank.append("\n")
    if kind == "csv" and (named := SEPARATOR_LINE.fullmatch(first)) is not None:
        return _csv(chain(blank, ["\n"], lines), stream, named[1], reporter)
    lines = chain(blank, [first], lines)
    if kind == "csv":
        return _csv(lines, stream, _delimiter(first, column), reporter)
    if any(_is_quoted(field) for field in first.rstrip("\r\n").split("\t")):
        return _csv(lines, stream, "\t", reporter)
    return _tsv(stripped(lines, stream), stream, column, reporter)


def _delimiter(heading: str, column: str | None) -> str:
    """What separates the names of a heading: a comma, unless only another sign gives the column asked for."""
    names = {sign: _names(heading, sign) for sign in DELIMITERS}
    if column is None:
        return max(DELIMITERS, key=lambda sign: len(names[sign]))
    most = max(DELIMITERS, key=lambda sign: len(names[sign]))
    return next((sign for sign in DELIMITERS if column in names[sign]), most)


def _names(heading: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([heading], delimiter=delimiter), [])
    except csv.Error:  # it is told when the heading is read as a row
        return []


def _csv(lines: Iterable[str], stream: Stream, delimiter: str, reporter: Reporter) -> Iterator[Row]:
    """Rows of CSV. A quoted field may span lines; where it looks like rows, a warning says so."""
    row = _OneRow(lines)
    reader = csv.reader(row, delimiter=delimiter, strict=True)
    suspects = _Suspects(stream.name, delimiter, reporter)
    start, width = 1, 0
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise UserError(f"{stream.name}: {_reason(error, start, reader.line_num)}") from error
        except OverflowError as error:
            raise too_long(f"{stream.name}: the row in line {start}", 2 * LONGEST_FIELD) from error
        if fields is None:
            break
        width = width or len(fields)
        if reader.line_num > start and len(fields) == width:
            suspects.look(fields, start, reader.line_num)
        yield start, fields
        start = reader.line_num + 1
        row.length = 0
    suspects.tell()


class _OneRow:
    """Lines, of which a row may have several; an OverflowError if they are too long together."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.length = iter(lines), 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.length += len(line)
        if self.length > 2 * LONGEST_FIELD:  # a quote that is not closed is told as such
            raise OverflowError
        return line


def _reason(error: csv.Error, start: int, line: int) -> str:
    """What is wrong with a row that begins in line `start`, found in `line`."""
    text = str(error)
    if "unexpected end" in text:
        return f"the row in line {start} has a quote that is never closed"
    if "field larger" in text:
        return (
            f"the row in line {start} has a field of more than {csv.field_size_limit():,} characters: is a "
            "quote not closed?"
        )
    if "new-line" in text:
        return f"line {line} has a carriage return (CR) outside quotes"
    if "expected after" in text:
        quoted = f"a quote that opens in line {start}" if line > start else "a quote"
        return f"line {line} has text after the end of {quoted}: a quote within quotes is written twice"
    return f"line {line}: {text}"


class _Suspects:
    """Quoted fields that span lines and hold as many fields as rows would: the mark of a stray quote."""

    def __init__(self, name: str, delimiter: str, reporter: Reporter) -> None:
        self.name, self.delimiter, self.reporter = name, delimiter, reporter
        self.count = 0
        self._unspaced = re.compile(f"{re.escape(delimiter)}(?! )")

    def look(self, fields: list[str], start: int, stop: int) -> None:
        """Warn of the first row with such a field; count the others."""
        if not any(self._holds_rows(place, field, len(fields)) for place, field in enumerate(fields)):
            return
        self.count += 1
        if self.count == 1:
            self.reporter.warning(
                f"{self.name}: a quoted field spans lines {start} to {stop} and holds as many fields as rows "
                f"would: if a quote there is stray, {stop - start + 1} rows were read as one."
            )

    def _holds_rows(self, place: int, field: str, width: int) -> bool:
        """Whether its first line completes a row, its last one begins one, and each between is one."""
        if "\n" not in field:
            return False
        lines = field.split("\n")
        rows = [*filter(str.strip, lines[:-1]), lines[-1]]
        first, *between, last = (line.count(self.delimiter) for line in rows)
        if len(between) < MANY_ROWS and f"{self.delimiter} " in field and not self._unspaced.search(field):
            return False  # the commas of prose
        whole = all(count >= width - 1 for count in between)
        return whole and (first, last) == (width - 1 - place, place)

    def tell(self) -> None:
        """Say how many more there were, at the end."""
        if self.count > 1:
            self.reporter.warning(f"{self.name}: {self.count - 1:,} more quoted fields like that follow.")


def _tsv(lines: Iterable[str], stream: Stream, column: str | None, reporter: Reporter) -> Iterator[Row]:
    """Rows of TSV: fields between tabs as they stand, quotes included.

    pandas and spreadsheets write a field with a tab or a quote in quotes, and quotes within it twice. A field
    in quotes is therefore taken out of them if quotes within it are all doubled, or if the row has too many
    fields otherwise. Any other field keeps its quotes, of which a warning tells if it is in `column`.
    """
    heading: list[str] = []
    warned = False
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t") if line else []
        if '"' in line and heading:
            written, fields = fields, _unquoted(line, fields, len(heading))
            place = heading.index(column) if column in heading and len(fields) == len(heading) else None
            if place is not None and not warned and _is_quoted(fields[place]) and fields == written:
                warned = True
                reporter.warning(
                    f"{stream.name}: line {number} has a text in quotes, which are kept: TSV has no "
                    "quoting, unless its heading is quoted, too."
                )
        heading = heading or fields
        yield number, fields


def _unquoted(line: str, fields: list[str], width: int) -> list[str]:
    """The fields of a row, those out of quotes that can only have been quoted by a program."""
    try:
        parsed = next(csv.reader([line], delimiter="\t", strict=True))
    except csv.Error:
        return fields
    if len(parsed) == len(fields):
        pairs = zip(fields, parsed, strict=True)
        return [new if _is_quoted(old) and ('""' in old[1:-1] or not new) else old for old, new in pairs]
    return parsed if len(parsed) == width else fields


def _is_quoted(field: str) -> bool:
    return len(field) > 1 and field[0] == field[-1] == '"'
