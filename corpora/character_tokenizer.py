"""The tokenizer `char`."""

from bgan_text.corpora.symbol_tokenizer import SymbolTokenizer
from bgan_text.corpora.tokenizer_base import UNKNOWN_CHARACTER


class CharacterTokenizer(SymbolTokenizer):
    """One token a character (a Unicode code point)."""

    kind = "char"
    unit = "char"
    unknown = UNKNOWN_CHARACTER

    @classmethod
    def split(cls, text: str) -> list[str]:
        return list(text)
