"""The tokenizer `whitespace`."""

from bgan_text.corpora.symbol_tokenizer import SymbolTokenizer
from bgan_text.corpora.tokenizer_base import UNKNOWN_WORD


class WhitespaceTokenizer(SymbolTokenizer):
    """One token whatever stands between white space, such as the event code E11.9.

    A text decodes to its tokens with one space between two of them.
    """

    kind = "whitespace"
    unit = "word"
    unknown = UNKNOWN_WORD
    between = " "

    @classmethod
    def split(cls, text: str) -> list[str]:
        return text.split()
