"""What every tokenizer is: text <-> rows of tokens. Token 0 ends a sequence and fills the rest of its row;
token 1 is unknown.

A tokenizer is plain data: `content` is the bytes of the one file that it is stored as, and `load_tokenizer`
makes it again from them.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Protocol

from bgan_text.corpora.units import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

END, UNKNOWN = 0, 1
FIRST = 2
"""The first token that stands for text."""
UNKNOWN_WORD = "<unk>"
UNKNOWN_CHARACTER = "\ufffd"
IDENTITY = "identity"
NORMALIZATIONS = (IDENTITY, "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf")
"""What SentencePiece does to a text first. Only `identity` leaves it as it is."""


class Tokenizer(ABC):
    """What `prepare`, `sample` and `score` need of a tokenizer.

    Attributes:
        kind: the first part of its signature.
        file: the name of the file that it is stored as.
        vocabulary: the number of tokens.
    """

    kind: ClassVar[str]
    file: ClassVar[str]
    vocabulary: int

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """The tokens of a text, without an end."""

    def encode_many(self, texts: Sequence[str]) -> "tuple[NDArray[np.int32], NDArray[np.int64]]":
        """The tokens of texts, one text after the other, and how many each text has: what `encode` gives."""
        import numpy as np

        tokens = [self.encode(text) for text in texts]
        sizes = np.fromiter(map(len, tokens), np.int64, len(tokens))
        return np.fromiter(chain.from_iterable(tokens), np.int32, int(sizes.sum())), sizes

    @abstractmethod
    def join(self, tokens: Iterable[int]) -> str:
        """The text of tokens, up to the first end, with whatever characters they stand for."""

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens, up to the first end, as one line.

        Tokens may stand for line breaks, such as the bytes of a SentencePiece model: each is a space in the
        text, see `one_line`.
        """
        return one_line(self.join(tokens))

    def decode_many(self, rows: "NDArray[np.integer]", sizes: "NDArray[np.integer]") -> list[str]:
        """The texts of rows (n, L) of which the first tokens count, as many as `sizes` (n,) tells.

        None of these tokens is an end. The texts are those that `decode` gives.
        """
        pairs = zip(rows.tolist(), sizes.tolist(), strict=True)
        return [self.decode(row[:size]) for row, size in pairs]

    @abstractmethod
    def content(self) -> bytes:
        """The bytes of the tokenizer's file."""


class Stored(Protocol):
    """A tokenizer, or whatever else gives tokens their meaning, as plain data."""

    kind: ClassVar[str]

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""

    def content(self) -> bytes:
        """The bytes of its file."""


def signature(tokenizer: Stored) -> str:
    """A short name of the tokenizer that changes with anything that changes its tokens."""
    digest = hashlib.sha256(tokenizer.content()).hexdigest()[:12]
    return f"{tokenizer.kind}:{tokenizer.vocabulary}:{digest}"


def is_model(name: str) -> bool:
    """Whether the name of a tokenizer is the path of a SentencePiece model."""
    return name.endswith(".model")


def until_end(tokens: Iterable[int]) -> list[int]:
    """The tokens before the first end."""
    before = list(tokens)
    return before[: before.index(END)] if END in before else before
