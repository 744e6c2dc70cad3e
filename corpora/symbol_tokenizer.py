"""Tokenizers with a list of symbols: all that differs is how a text falls into them."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, Self

from bgan_text.corpora.lengths import Lengths
from bgan_text.corpora.tokenizer_base import FIRST, UNKNOWN, Tokenizer, until_end
from bgan_text.errors import UserError


class SymbolTokenizer(Tokenizer):
    """A tokenizer with a list of symbols; the subclasses say how a text falls into symbols.

    Attributes:
        unit: what messages call a symbol.
        unknown: the text of the unknown token.
        between: what stands between two symbols in a text.
    """

    unit: ClassVar[str]
    unknown: ClassVar[str]
    between: ClassVar[str] = ""
    file: ClassVar[str] = "tokenizer.json"

    def __init__(self, symbols: list[str]) -> None:
        self.symbols = symbols
        self.vocabulary = FIRST + len(symbols)
        self._texts = ["", self.unknown, *symbols]
        self._index = {symbol: FIRST + index for index, symbol in enumerate(symbols)}

    @classmethod
    def split(cls, text: str) -> list[str]:
        """The symbols of a text."""
        raise NotImplementedError

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int | None, lengths: Lengths | None = None) -> Self:
        """The tokenizer of the most frequent symbols, at most `vocabulary` tokens in all.

        Args:
            texts: the corpus, streamed once.
            vocabulary: the largest number of tokens, the end and the unknown included; None for all.
            lengths: receives the number of tokens of each text.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            symbols = cls.split(text)
            counts.update(symbols)
            if lengths is not None:
                lengths.add(len(symbols))
        ranked = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
        if vocabulary is not None and vocabulary > FIRST + len(ranked):
            raise UserError(
                f"`vocabulary` {vocabulary}: the text has only {len(ranked)} different {cls.unit}s, "
                f"so at most {FIRST + len(ranked)} tokens"
            )
        return cls(ranked if vocabulary is None else ranked[: vocabulary - FIRST])

    def encode(self, text: str) -> list[int]:
        known = self._index.get
        return [known(symbol, UNKNOWN) for symbol in self.split(text)]

    def join(self, tokens: Iterable[int]) -> str:
        texts = self._texts
        return self.between.join([texts[token] for token in until_end(tokens)])

    def content(self) -> bytes:
        value = {"kind": self.kind, "symbols": self.symbols}
        return (json.dumps(value, ensure_ascii=False, indent=0) + "\n").encode()
