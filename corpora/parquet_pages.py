"""How large the pages of a column of Parquet are, read from their headings before anything is unpacked.

pyarrow unpacks a page of whatever size its heading says. A heading is a struct of Thrift's compact protocol
(github.com/apache/thrift, doc/specs/thrift-compact-protocol.md); the fields are those of parquet.thrift.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

LONGEST_HEADING = 1 << 20
"""Bytes of a heading, which may hold the least and the greatest value."""
UNPACKED_SIZE, PACKED_SIZE = 2, 3
DEEPEST = 16
STOP, TRUE, FALSE, BYTE, DOUBLE, BINARY, STRUCT = 0, 1, 2, 3, 7, 8, 12


class PageError(ValueError):
    """A heading is damaged."""


def page_sizes(file: BinaryIO, chunk: Any) -> Iterator[int]:
    """The unpacked bytes of each page of a column chunk.

    Args:
        file: the file, whose place is changed.
        chunk: its `pyarrow.parquet.ColumnChunkMetaData`.

    Raises:
        PageError: a heading is damaged, or a page is not within the chunk.
    """
    place = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < place:
        place = chunk.dictionary_page_offset
    end = place + chunk.total_compressed_size
    if place < 0 or chunk.total_compressed_size < 0:
        raise PageError("a column is at no place of the file")
    while place < end:
        file.seek(place)
        heading = _Heading(file.read(min(LONGEST_HEADING, end - place)))
        sizes = heading.integers()
        unpacked, packed = sizes.get(UNPACKED_SIZE, -1), sizes.get(PACKED_SIZE, -1)
        if unpacked < 0 or packed < 0:
            raise PageError("a page has no size")
        yield unpacked
        place += heading.place + packed


class _Heading:
    """Bytes of the compact protocol, from `place` on."""

    def __init__(self, content: bytes) -> None:
        self._content, self.place = content, 0

    def integers(self) -> dict[int, int]:
        """The fields of a struct that are integers, by their numbers."""
        found: dict[int, int] = {}
        number = 0
        while (kind := self._byte()) != STOP:
            number = number + (kind >> 4) if kind >> 4 else self._integer()
            value = self._value(kind & 15, 0)
            if value is not None:
                found[number] = value
        return found

    def _value(self, kind: int, depth: int) -> int | None:
        """Go past a value; that of an integer is given."""
        if depth > DEEPEST:
            raise PageError("a heading is nested too deeply")
        if kind == BYTE:
            self._byte()
        elif BYTE < kind < DOUBLE:
            return self._integer()
        elif kind == DOUBLE:
            self.place += 8
        elif kind == BINARY:
            length = self._varint()
            self.place += length
        elif kind == STRUCT:
            while (field := self._byte()) != STOP:
                if not field >> 4:
                    self._integer()
                self._value(field & 15, depth + 1)
        elif kind not in (TRUE, FALSE):  # of lists, sets and maps there are none
            raise PageError("a heading has a field of an unknown kind")
        return None

    def _byte(self) -> int:
        if self.place >= len(self._content):
            raise PageError("a heading is cut off")
        self.place += 1
        return self._content[self.place - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise PageError("a heading has a number that is too long")

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
