"""Bytes become lines of text, exactly as they were written, or are refused with the line that is wrong.

The encoding is UTF-8 unless another one is declared. It is never guessed: what looks like another encoding is
named in the refusal.
"""

import codecs
import io
import shlex
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import IO

from bgan_text.corpora.byte_streams import HEAD, Stream
from bgan_text.corpora.limits import LONGEST_LINE
from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter

UTF8 = "utf-8"
ENCODING_HELP = (
    "encoding of text and tables, such as utf-16, cp1252, latin-1, shift_jis or gb18030; it is never guessed"
)
BLOCK = 1 << 18
"""Bytes whose lines are split at a time."""
MARK = "\ufeff"
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks, those first that begin with another one."""
UNMARKED = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
SPACES = "\t\n\v\f\r"
COMMON = " \n,.\u3000\u3002"
"""Text of some length has at least one of these."""
CONTROLS = bytes(code for code in range(32) if chr(code) not in "\n\r")
FEW_CONTROLS = 4
"""More than one byte in so many is one of these where text of an alphabet is in UTF-16 or UTF-32."""
BINARY = {
    b"%PDF-": "a PDF document",
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF87a": "a GIF image",
    b"GIF89a": "a GIF image",
    b"PK\x03\x04": "a zip archive, as .docx and .xlsx are, too",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1": "an Office document",
    b"SQLite format 3\x00": "an SQLite database",
    b"PAR1": "a Parquet table",
    b"\x1f\x8b": "a gzip file within another",
    b"\xfd7zXZ\x00": "an xz file within another",
    b"\x28\xb5\x2f\xfd": "a Zstandard file within another",
    b"ARROW1": "an Arrow table",
}
TAR_MARK = slice(257, 262)
SHOWN = 12
"""Characters on either side of one that is not UTF-8, in the message about it."""


def check_encoding(encoding: str) -> None:
    """Raise a `UserError` unless Python knows an encoding of text by this name."""
    try:
        "".encode(encoding)
        b"".decode(encoding)
    except (LookupError, UnicodeError, ValueError) as error:
        raise UserError(
            f"`encoding` {encoding}: the name of an encoding, such as utf-16 or cp1252, was expected"
        ) from error


def is_utf8(encoding: str) -> bool:
    """Whether a name means UTF-8, with or without a mark."""
    return codecs.lookup(encoding).name in (UTF8, "utf-8-sig")


def binary_kind(head: bytes) -> str | None:
    """What kind of binary file begins like this; None if it may be text."""
    if head[TAR_MARK] == b"ustar":
        return "a tar archive"
    return next((kind for mark, kind in BINARY.items() if head.startswith(mark)), None)


def is_text(head: bytes) -> bool:
    """Whether a file that begins like this is text in some encoding."""
    wide = b"\0" in head and (_marked(head) or _unmarked(head)) is not None
    return binary_kind(head) is None and (wide or b"\0" not in head)


def text_lines(stream: Stream, encoding: str = UTF8, reporter: Reporter = SILENT) -> Iterator[str]:
    """The lines of a text without their ends, LF or CRLF.

    Raises:
        UserError: a line cannot be decoded, is too long, or has a NUL or a carriage return within it.
    """
    read = getattr(stream.file, "read1", None)  # as much as there is, so that a pipe is not waited for
    if not is_utf8(encoding) or read is None:
        return stripped(decoded_lines(stream, encoding, reporter), stream)
    _refuse_foreign(stream, encoding)
    _refuse_returns(stream, encoding)
    return _lines_by_block(stream, read)


def _lines_by_block(stream: Stream, read: Callable[[int], bytes]) -> Iterator[str]:
    """The lines of UTF-8 without their ends, split many at a time; what is not plain is looked at by line."""
    number = 1
    while block := read(BLOCK):
        if not block.endswith(b"\n"):
            block += stream.file.readline(LONGEST_LINE + 1)
        text = _plain(block)
        if text is None or number == 1:
            lines = utf8_lines(io.BytesIO(block), stream.name, LONGEST_LINE, first=number)
            yield from stripped(lines, stream, first=number)
        else:
            yield from text.removesuffix("\n").split("\n")
        number += block.count(b"\n")


def _plain(block: bytes) -> str | None:
    """A block of lines as text; None if one is too long, or has a CR, a NUL or what is not UTF-8."""
    if len(block) > LONGEST_LINE or b"\r" in block or b"\0" in block:
        return None
    try:
        return block.decode()
    except UnicodeDecodeError:
        return None


def stripped(lines: Iterable[str], stream: Stream, *, first: int = 1) -> Iterator[str]:
    """Lines, from the `first` on, without ends; a `UserError` says which one has a carriage return in it."""
    for number, line in enumerate(lines, start=first):
        text = line.rstrip("\r\n")
        if "\r" in text:
            raise UserError(
                f"{stream.name}: line {number} has a carriage return (CR) after {text.index(chr(13))} "
                f"characters, as files of old Macs have: {_remedy_of_returns(stream)}"
            )
        yield text


def decoded_lines(
    stream: Stream, encoding: str = UTF8, reporter: Reporter = SILENT, most: int = LONGEST_LINE
) -> Iterator[str]:
    """The lines of a text with their ends. Only LF ends a line here, as in CSV a value may hold a CR.

    A line has at most `most` bytes or, where they are not UTF-8, characters.
    """
    _refuse_foreign(stream, encoding)
    _refuse_returns(stream, encoding)
    if is_utf8(encoding):
        return utf8_lines(stream.file, stream.name, most)
    _warn_of_utf8(stream, encoding, reporter)
    return _split(_blocks(stream, encoding), stream.name, most)


def utf8_lines(file: IO[bytes], name: str, most: int = LONGEST_LINE, *, first: int = 1) -> Iterator[str]:
    """Decode lines of UTF-8 and keep their ends; a `UserError` says which line is not UTF-8, or too long.

    `first`: the number of the first line.
    """
    for number, line in enumerate(iter(partial(file.readline, most + 1), b""), start=first):
        if len(line) > most:
            raise too_long(f"{name}: line {number}", most, "bytes")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            where = f"line {number}, byte {error.start + 1}"
            raise UserError(_not_utf8(name, where, line, error.start)) from error
        if "\0" in text:
            raise UserError(_binary(name, "UTF-8", number, f"byte {line.index(0) + 1}"))
        yield text.removeprefix(MARK) if number == 1 else text


def decoded_blocks(stream: Stream, encoding: str = UTF8, reporter: Reporter = SILENT) -> Iterator[str]:
    """A text of any encoding in blocks, which take as little memory where its lines are long."""
    _refuse_foreign(stream, encoding)
    _warn_of_utf8(stream, encoding, reporter)
    return _blocks(stream, encoding)


def _warn_of_utf8(stream: Stream, encoding: str, reporter: Reporter) -> None:
    code = codecs.lookup(encoding).name
    if code.startswith(("utf-16", "utf-32")):
        suspect = bool(stream.head) and b"\0" not in stream.head and _marked(stream.head) is None
    else:
        suspect = not code.startswith("utf") and not stream.head.isascii()
    if suspect and _is_utf8_by_content(stream.head):
        reporter.warning(f"{stream.name} looks like UTF-8; it is read as `encoding` {encoding}.")


def _blocks(stream: Stream, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    number, first = 1, True
    while True:
        block = stream.file.read(HEAD)
        state = decoder.getstate()
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeError as error:
            decoder.setstate(state)
            number += _before(decoder, block, error).count("\n")
            raise UserError(_undecodable(stream.name, encoding, number, error)) from error
        if "\0" in text:
            number += text.count("\n", 0, text.index("\0"))
            raise UserError(_binary(stream.name, encoding, number, "a character"))
        number += text.count("\n")
        yield text.removeprefix(MARK) if first else text
        first = first and not text
        if not block:
            return


def _before(decoder: codecs.IncrementalDecoder, block: bytes, error: UnicodeError) -> str:
    """The text of a block before the place that cannot be decoded."""
    if not isinstance(error, UnicodeDecodeError):
        return ""
    kept = len(error.object) - len(block)  # what the decoder held of the block before
    return str(decoder.decode(block[: max(0, error.start - kept)]))


def _undecodable(name: str, encoding: str, number: int, error: UnicodeError) -> str:
    if is_utf8(encoding) and isinstance(error, UnicodeDecodeError):
        return _not_utf8(name, f"line {number}, a byte", error.object, error.start)
    why = getattr(error, "reason", str(error))
    where = f"line {number} cannot be decoded ({why})"
    return f"{name} is not {encoding}: {where}; give the `encoding` that it has"


def too_long(where: str, most: int, unit: str = "characters") -> UserError:
    """The error of a line, a field or a sample without end."""
    return UserError(f"{where} has more than {most:,} {unit}, the most that is read as one")


def _split(blocks: Iterable[str], name: str, most: int) -> Iterator[str]:
    parts: list[str] = []
    number, length = 1, 0
    for block in blocks:
        *lines, rest = block.split("\n")
        for line in lines:
            yield "".join([*parts, line, "\n"])
            parts, length = [], 0
        number += len(lines)
        parts.append(rest)
        length += len(rest)
        if length > most:
            raise too_long(f"{name}: line {number}", most)
    if last := "".join(parts):
        yield last


def _refuse_foreign(stream: Stream, encoding: str) -> None:
    """Refuse what is, by its beginning, no text of this encoding."""
    head, name = stream.head, stream.name
    if (kind := binary_kind(head)) is not None:
        raise UserError(f"{name} is {kind}: text, or a table, was expected")
    if is_utf8(encoding):
        found = _marked(head)
        if found is not None:
            raise UserError(f"{name} is {found.upper()}, not UTF-8: give `encoding` {found}")
        if b"\0" in head and (found := _unmarked(head)) is not None:
            shown = found[: len("utf-16")].upper()
            raise UserError(
                f"{name} is {shown} without a byte order mark, not UTF-8: give `encoding` {found}"
            )
    elif head and codecs.lookup(encoding).name in MARKS.values() and not head.startswith(tuple(MARKS)):
        remedy = f"`encoding` {found}" if (found := _unmarked(head)) else "the `encoding` that it has"
        raise UserError(f"{name} has no byte order mark of {encoding}: give {remedy}")


def _refuse_returns(stream: Stream, encoding: str) -> None:
    """Refuse text that ends its lines in carriage returns alone."""
    text = decoded_head(stream, encoding).rstrip("\r\n")
    if "\r" in text and "\n" not in text:
        raise UserError(
            f"{stream.name} ends its lines in carriage returns (CR) alone, as files of old Macs do: "
            f"{_remedy_of_returns(stream)}"
        )


def decoded_head(stream: Stream, encoding: str) -> str:
    """How a text begins; what cannot be decoded is left out."""
    try:
        return str(codecs.getincrementaldecoder(encoding)("ignore").decode(stream.head))
    except UnicodeError:  # without its mark nothing is
        return ""


def _marked(head: bytes) -> str | None:
    """The encoding that a byte order mark tells, if text of it follows."""
    found = next((code for mark, code in MARKS.items() if head.startswith(mark)), None)
    if found is None:
        return None
    text = codecs.getincrementaldecoder(found)("replace").decode(head)
    return found if text and "\0" not in text else None


def _unmarked(head: bytes) -> str | None:
    """The wide encoding in which all of this is text; None if there is none.

    UTF-8 with a stray NUL can be read as UTF-16 by accident. What is UTF-8 therefore needs a NUL at each line
    feed, or control characters in plenty: the letters of an alphabet have the same first byte.
    """
    if _is_utf8_by_content(head):
        controls = len(head) - len(head.translate(None, CONTROLS))
        feeds = head.count(b"\n")
        wide = 0 < feeds <= head.count(b"\n\0") + head.count(b"\0\n")
        if not wide and controls * FEW_CONTROLS < len(head):
            return None
    return next((encoding for encoding in UNMARKED if _is_text_in(head, encoding)), None)


def _is_text_in(head: bytes, encoding: str) -> bool:
    try:
        found = set(codecs.getincrementaldecoder(encoding)().decode(head))
    except UnicodeError:
        return False
    # In the wrong byte order a line feed is U+0A00, which is no character, and a space is not a space.
    odd = (one for one in found if unicodedata.category(one) in ("Cc", "Cn", "Co"))
    return found & set(COMMON) != set() and all(one in SPACES for one in odd)


def _is_utf8_by_content(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder(UTF8)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _not_utf8(name: str, where: str, line: bytes, place: int) -> str:
    start, stop = max(0, place - SHOWN), place + SHOWN
    try:
        shown = " ".join(line[start:stop].decode("cp1252").split())
        guess = f"if it is cp1252 (latin-1) and reads {shown!r}, give `encoding` cp1252, else the one it has"
    except UnicodeDecodeError:
        guess = "give the `encoding` that it has"
    return f"{name} is not UTF-8: {where} is {line[place]:#04x}; {guess}"


def _binary(name: str, encoding: str, number: int, what: str) -> str:
    return f"{name} is not {encoding} text but binary: line {number}, {what} is NUL (0x00)"


def _remedy_of_returns(stream: Stream) -> str:
    files = f" < {shlex.quote(stream.path)} > NEW" if stream.direct else ""
    return f"make them line feeds, as with tr '\\r' '\\n'{files}"
