"""The tokenizer `word`."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from bgan_text.corpora.symbol_tokenizer import SymbolTokenizer
from bgan_text.corpora.tokenizer_base import UNKNOWN_WORD

# A word, number or run of one punctuation mark, with the space before it: the tokens joined are the text.
ASCII_WORD = re.compile(r" ?(?:\d+(?:[.,]\d+)*|\w+(?:['-]\w+)*|([^\w\s])\1*)|\s")
# Marks {0} stay with what is before them, and a joiner {1} keeps the symbol behind it.
ANY_WORD = (
    r" ?(?:\d+(?:[.,]\d+)*[{0}]*"
    r"|\w[\w{0}]*(?:['\u2019-]\w[\w{0}]*)*"
    r"|([^\w\s])\1*[{0}]*(?:(?<={1})[^\w\s][{0}]*)*)|\s"
)

JOINER = "\u200d"
ATTACHED = f"\u00ad\u200c{JOINER}\u2060\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
"""What stands within a word or a symbol without being a combining mark: the soft hyphen, the zero-width
non-joiner of Persian, the joiner of Indic letters and of emoji, the word joiner; skin tones and the tags of
flags."""
MARKED_PLANES = (range(0x300, 0x20000), range(0xE0100, 0xE01F0))
"""Where Unicode has combining marks. The test compares with all code points."""


def is_mark(character: str) -> bool:
    """Whether a character combines with the one before it: a vowel sign, an accent, an enclosing circle."""
    return unicodedata.category(character) in ("Mn", "Mc", "Me")


@cache
def word_pattern() -> "re.Pattern[str]":
    """The pattern for any text: Python's word characters are letters and digits without their marks."""
    marks = [code for plane in MARKED_PLANES for code in plane if is_mark(chr(code))]
    attached = ATTACHED + "".join(_ranges(marks))
    return re.compile(ANY_WORD.format(attached, JOINER))


def _ranges(codes: list[int]) -> Iterable[str]:
    """Code points in ascending order as ranges of a character class."""
    start = previous = codes[0]
    for code in [*codes[1:], -1]:
        if code != previous + 1:
            yield f"{chr(start)}-{chr(previous)}"
            start = code
        previous = code


class WordTokenizer(SymbolTokenizer):
    """One token a word, number or punctuation mark, each with the space before it.

    Combining marks, joiners and non-joiners belong to the character before them, so a word of Hindi, Hebrew
    with vowels or Persian, or in decomposed form, is one token. A sentence is read as if a space stood in
    front of it, so that a first word is no other token than the same word later on. White space of any other
    kind counts as one space.
    """

    kind = "word"
    unit = "word"
    unknown = f" {UNKNOWN_WORD}"

    @classmethod
    def split(cls, text: str) -> list[str]:
        pattern = ASCII_WORD if text.isascii() else word_pattern()
        return [match.group() for match in pattern.finditer(" " + " ".join(text.split()))]

    def _joined(self, tokens: Iterable[int]) -> str:
        return super()._joined(tokens).removeprefix(" ")
