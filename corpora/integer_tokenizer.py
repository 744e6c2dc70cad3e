"""The tokenizer of rows of tokens that were never text."""

import json
from collections.abc import Iterable
from itertools import takewhile
from typing import ClassVar

from bgan_text.corpora.tokenizer_base import Tokenizer
from bgan_text.errors import UserError


class IntegerTokenizer(Tokenizer):
    """A token is written as its number, and tokens are separated by spaces.

    Args:
        vocabulary: the number of different tokens.
        end: the token that ends a row; None if every row has full length.
    """

    kind: ClassVar[str] = "tokens"
    file: ClassVar[str] = "tokenizer.json"

    def __init__(self, vocabulary: int, end: int | None) -> None:
        self.vocabulary, self.end = vocabulary, end

    def encode(self, text: str) -> list[int]:
        try:
            return [int(word) for word in text.split()]
        except ValueError as error:
            raise UserError(
                f"{text[:40]!r} is not a row of tokens: numbers and spaces were expected"
            ) from error

    def join(self, tokens: Iterable[int]) -> str:
        return " ".join(map(str, takewhile(lambda token: token != self.end, tokens)))

    def content(self) -> bytes:
        return (
            json.dumps({"kind": self.kind, "vocabulary": self.vocabulary, "end": self.end}) + "\n"
        ).encode()
