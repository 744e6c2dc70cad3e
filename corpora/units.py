"""What one sample of a text is: a line, a sentence, a paragraph or a whole file. It is always one line."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import Any

from bgan_text.corpora.limits import LONGEST_SAMPLE, LONGEST_SENTENCE
from bgan_text.errors import UserError

LINE, SENTENCE, PARAGRAPH, FILE = "line", "sentence", "paragraph", "file"
UNITS = (LINE, SENTENCE, PARAGRAPH, FILE)
ENOUGH = 100_000
"""Characters of a paragraph that are split into sentences at once."""
ABBREVIATED = """
a.d a.m adm al approx apr aug ave b.c b.sc bros c.f ca capt cf ch cmdr co col corp dec dept dr e.g ed eds eq
eqs esq etc feb fig figs fri ft gen gov hon i.e inc jan jr lt ltd m.d maj messrs mr mrs ms mt nov nr oct p p.m
p.s ph.d pp prof pt rev sen sep sept sgt sr st thu tue u.k u.n u.s univ v viz vol vols vs wed
"""
ABBREVIATIONS = frozenset(ABBREVIATED.split())
"""Abbreviations of English, in lower case and without the last full stop. No sentence ends in them."""
CLOSING = "\"'\u2019\u201d\u00bb)\\]\u300d\u300f\uff09"
CLOSED = re.compile(f"[{CLOSING}]$")
NUMBERED = re.compile(r"\b(No|Nos|no|nos)\.$")
UNSPACED = re.compile(f"([\u3002\uff01\uff1f\u0964\u0965\u061f\u06d4\u1362]+[{CLOSING}]*)(?=.)")
"""The end of a sentence that needs no space after it: of Chinese, Japanese, Hindi, Urdu and Amharic."""


def in_units(lines: Iterable[str], unit: str, name: str = "the text") -> Iterator[str]:
    """The samples of a text, which is given by its lines. Messages call it `name`.

    - line: the lines.
    - paragraph: the lines up to a blank one, joined by spaces.
    - sentence: the sentences of each paragraph, by the rules of Punkt (Kiss and Strunk 2006, in nltk) with a
      list of English abbreviations. A sentence ends at `.`, `!` or `?` before a space. It does not end after
      an abbreviation or an initial, before a small letter where a quotation or bracket ends, nor between
      "No." and a number. The full stops of Chinese, Japanese, Hindi, Urdu and Amharic need no space.
    - file: all lines that are not blank, joined by spaces.

    Raises:
        UserError: a sample of several lines is longer than `limits.LONGEST_SAMPLE`.

    Example:
        >>> list(in_units(["Dr. Who", "came. He left.", "", "The end"], "sentence"))
        ['Dr. Who came.', 'He left.', 'The end']
    """
    if unit == LINE:
        yield from lines
    elif unit == FILE:
        yield from _joined((text for line in lines if (text := line.strip())), name)
    else:
        pieces = _sentences if unit == SENTENCE else _joined
        for written, paragraph in groupby(map(str.strip, lines), bool):
            if written:
                yield from pieces(paragraph, name)


def _joined(lines: Iterable[str], name: str) -> Iterator[str]:
    parts: list[str] = []
    left = LONGEST_SAMPLE
    for line in lines:
        parts.append(line)
        left -= len(line) + 1
        if left < 0:
            raise _too_long(name, LONGEST_SAMPLE)
    yield " ".join(parts)


def _too_long(name: str, most: int) -> UserError:
    return UserError(
        f"{name}: a sample has more than {most:,} characters: a smaller `unit`, such as line, was expected"
    )


def values_in_units(values: Iterable[str], unit: str) -> Iterator[str]:
    """The samples of the values of a column. One without text is one blank sample.

    Raises:
        UserError: the unit is a file.
    """
    if unit == FILE:
        raise UserError("`unit` file: a row of a table is one sample, or a paragraph or sentence of it is")
    for value in values:
        if unit == LINE or not value.strip():
            yield one_line(value)
        else:
            yield from in_units(re.split(r"\r\n|\r|\n", value), unit)


def one_line(text: str) -> str:
    r"""The text with a space for line breaks within it, and nothing for those at its ends.

    A sample is one line whatever reads it, so a line break is all that `str.splitlines` takes for one:
    \n, \r, \r\n, \v, \f, \x1c to \x1e, \x85, \u2028 and \u2029.

    Example:
        >>> one_line("roses\r\nare\u2028red\n")
        'roses are red'
    """
    return " ".join(filter(None, text.splitlines()))


def check_characters(text: str, where: str) -> None:
    """Raise a `UserError` for what no text file can hold: NUL, or half a surrogate pair."""
    if "\0" in text:
        raise UserError(f"{where} has a NUL character, which no text has")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            half = text[error.start]
            raise UserError(f"{where} has half a character, the lone surrogate {half!a}") from error


def _sentences(lines: Iterable[str], name: str) -> Iterator[str]:
    """The sentences of a paragraph, which may be longer than memory if its sentences are not."""
    parts: list[str] = []
    enough = ENOUGH
    for line in lines:
        parts.append(line)
        enough -= len(line)
        if enough < 0:
            *whole, rest = _split(" ".join(parts))
            yield from whole
            parts, enough = [rest], max(ENOUGH, len(rest))
            if len(rest) > LONGEST_SENTENCE:
                raise _too_long(name, LONGEST_SENTENCE)
    yield from _split(" ".join(parts))


def _split(text: str) -> list[str]:
    """The sentences of a text without blank lines."""
    found: list[str] = []
    start = stop = 0
    for begin, end in _punkt().span_tokenize(text):
        if 0 < stop < begin and not _goes_on(text[start:stop], text[begin]):
            found.append(text[start:stop])
            start = begin
        stop = end
    found.append(text[start:stop])
    pieces = (piece for sentence in found for piece in UNSPACED.sub("\\1\n", sentence).split("\n"))
    return [piece.strip() for piece in pieces]


def _goes_on(text: str, following: str) -> bool:
    """Whether a sentence goes on where Punkt ends it: 'Really?' he asked; No. 5."""
    if following.islower():
        return CLOSED.search(text) is not None
    return following.isdigit() and NUMBERED.search(text) is not None


@cache
def _punkt() -> Any:
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    parameters = PunktParameters()
    parameters.abbrev_types = set(ABBREVIATIONS)
    return PunktSentenceTokenizer(parameters)
