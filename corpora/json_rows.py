"""A column of JSON: Lines, an array, or objects one after the other, read without holding the file in memory.

Numbers, true and false are kept as the file writes them.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from bgan_text.corpora.byte_streams import HEAD, Stream
from bgan_text.corpora.columns import no_column
from bgan_text.corpora.decoding import MARK, decoded_blocks, decoded_head, decoded_lines, too_long
from bgan_text.corpora.limits import LONGEST_FIELD
from bgan_text.corpora.units import check_characters
from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter

SEPARATORS = re.compile(r"[\s,]*")
NEAR = 16
"""A fault so close to the end of what was read may be none: more has to be read to know."""
LOOKED_AT = 100
"""Rows, or names, that are told where a column is not known."""
DECODER = json.JSONDecoder(
    parse_int=str, parse_float=str, parse_constant=lambda name: None if name == "NaN" else name
)
"""Numbers stay as they are written; NaN is how Python and pandas write a missing value."""
PAIRS = json.JSONDecoder(object_pairs_hook=list)
Row = tuple[int, str, Any]
"""The number of its line, what is written, and its value; None for a blank line."""


def json_column(stream: Stream, column: str, encoding: str, reporter: Reporter = SILENT) -> Iterator[str]:
    """The values of a column as they are written; null, and that of a row without the column, is empty.

    Raises:
        UserError: the file is not JSON, a row is no object, or too long or too deep, no row has the column or
            one has it twice, or a value is a list or an object.
    """
    names: dict[str, None] = {}
    missing, seen = 0, False
    for line, written, row in _rows(stream, encoding, reporter):
        value = _value(f"{stream.name}: line {line}", written, row, column)
        if value is None and not seen:
            missing += 1
            names |= dict.fromkeys(row or ()) if len(names) < LOOKED_AT else {}
            continue
        if not seen:
            yield from [""] * missing
            seen = True
        yield value or ""
    if names and not seen:
        raise no_column(stream.name, column, names)
    if not seen:
        yield from [""] * missing


def json_columns(stream: Stream, encoding: str) -> list[str]:
    """The names in the first rows."""
    rows = islice(_rows(stream, encoding, SILENT), LOOKED_AT)
    return list(dict.fromkeys(name for _, _, row in rows if isinstance(row, dict) for name in row))


def begins_with_json(head: str) -> bool:
    """Whether a text that begins like this is JSON."""
    return head.lstrip(MARK + " \t\r\n").startswith(("{", "["))


def _value(where: str, written: str, row: Any, column: str) -> str | None:
    """The value of a row as text; None if the row has no such column."""
    if row is None:
        return None
    if not isinstance(row, dict):
        raise UserError(f'{where} is no object such as {{"{column}": "text"}}')
    if column not in row:
        return None
    escaped = "\\u" in written or "\\/" in written  # so that a name may be spelled in another way
    if escaped or written.count(json.dumps(column, ensure_ascii=False)) > 1:
        names = [name for name, _ in PAIRS.decode(written)]
        if names.count(column) > 1:
            raise UserError(f"{where} has {names.count(column)} columns {column!r}")
    value = row[column]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        kind = "objects" if isinstance(value, dict) else "lists"
        raise UserError(f"{where}: column {column} holds {kind}, text was expected")
    if value is not None:
        check_characters(value, where)
    return value or ""


def _rows(stream: Stream, encoding: str, reporter: Reporter) -> Iterator[Row]:
    """Lines where the first one is a whole object, else values that may span lines."""
    head = decoded_head(stream, encoding).lstrip(MARK + " \t\r\n")
    first, end, _ = head.partition("\n")
    whole = (not end and len(stream.head) == HEAD) or _parsed(first) is not None
    if head.startswith("[") or not whole:
        return _values(stream, encoding, reporter)
    return _lines(stream, encoding, reporter)


def _parsed(text: str) -> Any:
    try:
        return DECODER.decode(text)
    except (json.JSONDecodeError, RecursionError):
        return None


def _lines(stream: Stream, encoding: str, reporter: Reporter) -> Iterator[Row]:
    for number, line in enumerate(decoded_lines(stream, encoding, reporter, LONGEST_FIELD), start=1):
        written = line.strip()
        try:
            yield number, written, DECODER.decode(written) if written else None
        except json.JSONDecodeError as error:
            raise _fault(stream, f"line {number}, character {error.colno}", error) from error
        except RecursionError as error:
            raise UserError(f"{stream.name}: line {number} is nested too deeply") from error


def _fault(stream: Stream, place: str, error: json.JSONDecodeError) -> UserError:
    message = error.msg[0].lower() + error.msg[1:].removesuffix(" starting at")
    return UserError(f"{stream.name}: {place} is not JSON: {message}")


def _values(stream: Stream, encoding: str, reporter: Reporter) -> Iterator[Row]:
    """The items of an array, or values one after the other, on one line or many."""
    text = _Text(stream.name, decoded_blocks(stream, encoding, reporter))
    depth, closed, first = 0, False, True
    while text.skip():
        sign = text.buffer[text.place]
        if text.commas != (depth and not first and sign != "]"):
            what = "a comma is missing" if text.commas == 0 else "there is a comma too many"
            raise UserError(f"{stream.name}: line {text.line} is not JSON: {what}")
        if sign == "[" and not depth and not closed:
            depth = 1
            text.place += 1
        elif sign == "]" and depth:
            depth, closed = 0, True
            text.place += 1
        elif closed:
            raise UserError(f"{stream.name}: line {text.line} has more after the end of the array")
        else:
            first = False
            try:
                yield text.value()
            except json.JSONDecodeError as error:
                raise _fault(stream, f"line {text.line + error.lineno - 1}", error) from error
            except RecursionError as error:
                raise UserError(f"{stream.name}: line {text.line} is nested too deeply") from error
    if depth:
        raise UserError(f"{stream.name} ends in line {text.line}, within its array")


class _Text:
    """A window on a long text: from `place` on, and as far as was needed."""

    def __init__(self, name: str, blocks: Iterator[str]) -> None:
        self._name, self._blocks = name, blocks
        self.buffer, self.place, self.line, self.commas = "", 0, 1, 0

    def skip(self) -> bool:
        """Go to the next value or bracket, past `commas`; False at the end of the text."""
        self.commas = 0
        while True:
            found = SEPARATORS.match(self.buffer, self.place)
            assert found is not None
            self.commas += found[0].count(",")
            self._advance(found.end())
            if self.place < len(self.buffer):
                return True
            if not self._more():
                return False

    def value(self) -> Row:
        """The value at the place."""
        while True:
            try:
                value, end = DECODER.raw_decode(self.buffer, self.place)
            except json.JSONDecodeError as error:
                cut = error.pos > len(self.buffer) - NEAR or error.msg.startswith("Unterminated string")
                if cut and len(self.buffer) - self.place > LONGEST_FIELD:
                    raise too_long(f"{self._name}: the row in line {self.line}", LONGEST_FIELD) from error
                if not (cut and self._more()):
                    self._cut()  # so that the position of the error counts from the value
                    DECODER.raw_decode(self.buffer, 0)
                    raise
                continue
            line, written = self.line, self.buffer[self.place : end]
            self._advance(end)
            return line, written, value

    def _advance(self, place: int) -> None:
        self.line += self.buffer.count("\n", self.place, place)
        self.place = place

    def _cut(self) -> None:
        self.buffer, self.place = self.buffer[self.place :], 0

    def _more(self) -> bool:
        """Read as much again as there is; False at the end of the text."""
        self._cut()
        parts, wanted = [self.buffer], len(self.buffer) + HEAD
        for block in self._blocks:
            parts.append(block)
            wanted -= len(block)
            if wanted <= len(self.buffer):
                break
        grown = "".join(parts)
        longer = len(grown) > len(self.buffer)
        self.buffer = grown
        return longer
