"""Tokenizers with a list of symbols: all that differs is how a text falls into them."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self

from bgan_text.corpora.tokenizer_base import FIRST, UNKNOWN, Tokenizer, until_end
from bgan_text.corpora.units import one_line
from bgan_text.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    def count(cls, texts: Sequence[str]) -> tuple[Counter[str], list[int]]:
        """How often each symbol occurs in texts, and how many symbols each text has."""
        counts: Counter[str] = Counter()
        lengths = []
        for text in texts:
            symbols = cls.split(text)
            counts.update(symbols)
            lengths.append(len(symbols))
        return counts, lengths

    @classmethod
    def of_counts(cls, counts: Counter[str], vocabulary: int | None) -> Self:
        """The tokenizer of the most frequent symbols, at most `vocabulary` tokens in all.

        Args:
            counts: of the symbols of a corpus.
            vocabulary: the largest number of tokens, the end and the unknown included; None for all.
        """
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
        return self._joined(until_end(tokens))

    def _joined(self, tokens: Iterable[int]) -> str:
        """The text of tokens none of which is an end."""
        texts = self._texts
        return self.between.join([texts[token] for token in tokens])

    @cached_property
    def _one_line(self) -> bool:
        """Whether no symbol has a line break, so that every text of tokens is one line."""
        return len("".join([*self._texts, "."]).splitlines()) == 1

    def decode_many(self, rows: "NDArray[np.integer]", sizes: "NDArray[np.integer]") -> list[str]:
        pairs = zip(rows.tolist(), sizes.tolist(), strict=True)
        texts = [self._joined(row[:size]) for row, size in pairs]
        return texts if self._one_line else list(map(one_line, texts))

    def content(self) -> bytes:
        value = {"kind": self.kind, "symbols": self.symbols}
        return (json.dumps(value, ensure_ascii=False, indent=0) + "\n").encode()
