"""The tokenizer `char`."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from bgan_text.corpora.symbol_tokenizer import SymbolTokenizer
from bgan_text.corpora.tokenizer_base import END, FIRST, UNKNOWN, UNKNOWN_CHARACTER
from bgan_text.corpora.units import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CODE_POINTS = 0x110000
UTF32 = "utf-32-le"


class CharacterTokenizer(SymbolTokenizer):
    """One token a character (a Unicode code point)."""

    kind = "char"
    unit = "char"
    unknown = UNKNOWN_CHARACTER

    @classmethod
    def split(cls, text: str) -> list[str]:
        return list(text)

    @classmethod
    def count(cls, texts: Sequence[str]) -> tuple[Counter[str], list[int]]:
        import numpy as np

        times = np.bincount(_code_points("".join(texts)))
        found = np.flatnonzero(times)
        counts = zip(map(chr, found.tolist()), times[found].tolist(), strict=True)
        return Counter(dict(counts)), list(map(len, texts))

    @cached_property
    def _token_of(self) -> "NDArray[np.int32]":
        """The token of each code point."""
        import numpy as np

        tokens = np.full(CODE_POINTS, UNKNOWN, dtype=np.int32)
        for token, symbol in enumerate(self.symbols, start=FIRST):
            if len(symbol) == 1:
                tokens[ord(symbol)] = token
        return tokens

    @cached_property
    def _code_of(self) -> "NDArray[np.uint32] | None":
        """The code point of each token; None if a symbol is not one character, as files may say."""
        import numpy as np

        if any(len(symbol) != 1 for symbol in self.symbols):
            return None
        codes = np.zeros(self.vocabulary, dtype="<u4")
        codes[UNKNOWN:] = [ord(symbol) for symbol in (self.unknown, *self.symbols)]
        return codes

    def encode_many(self, texts: Sequence[str]) -> "tuple[NDArray[np.int32], NDArray[np.int64]]":
        import numpy as np

        sizes = np.fromiter(map(len, texts), np.int64, len(texts))
        return self._token_of[_code_points("".join(texts))], sizes

    def decode_many(self, rows: "NDArray[np.integer]", sizes: "NDArray[np.integer]") -> list[str]:
        if self._code_of is None:
            return super().decode_many(rows, sizes)
        codes = self._code_of[rows[rows != END]]
        whole = codes.tobytes().decode(UTF32, "surrogatepass")
        places = pairwise(accumulate(sizes.tolist(), initial=0))
        texts = [whole[start:stop] for start, stop in places]
        return texts if self._one_line else list(map(one_line, texts))


def _code_points(text: str) -> "NDArray[np.uint32]":
    import numpy as np

    return np.frombuffer(text.encode(UTF32, "surrogatepass"), dtype="<u4")
