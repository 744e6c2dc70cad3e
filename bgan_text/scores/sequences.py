"""Token sequences as flat integer arrays, the input of all exact scores.

A sequence is any iterable of str or int tokens: a list of words, a row of an integer array, or a str, which
is treated as a sequence of characters.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]
Corpus = Iterable[Iterable[str] | Iterable[int]]
"""Token sequences: a list of lists, a list of str, or a 2-D integer array."""

UNKNOWN = -1
"""Number of a token that is not in the `Numbering`."""

LONGEST_WINDOW = 1_000_000
CHUNK_TOKENS = 1 << 20
"""Approximate number of tokens in a chunk of a stream."""


@dataclass(frozen=True)
class Sequences:
    """S token sequences of arbitrary lengths, concatenated.

    Attributes:
        tokens: (T,) int32 tokens below `vocabulary`, or `UNKNOWN`.
        lengths: (S,) int64 lengths.
        vocabulary: Number of distinct tokens.
        padding: (S,) number of pad tokens that follow each sequence but are not stored. The pad token is the
            last token of the vocabulary. `None` without padding.
    """

    tokens: Integers
    lengths: Integers
    vocabulary: int
    padding: Integers | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def require_numbering_of(self, other: "Sequences") -> None:
        """Raise `ValueError` unless both were numbered together.

        Otherwise the same number would represent different tokens.
        """
        if self.vocabulary != other.vocabulary:
            raise ValueError(
                f"sequences of {self.vocabulary} and of {other.vocabulary} tokens: number together"
            )

    def take(self, chosen: slice) -> "Sequences":
        """Select a slice of the sequences."""
        mask = np.zeros(len(self), dtype=bool)
        mask[chosen] = True
        return Sequences(self.tokens[np.repeat(mask, self.lengths)], self.lengths[chosen], self.vocabulary)

    def rows(self) -> list[bytes]:
        """The tokens of each sequence; equal for equal sequences of one numbering.

        A sequence with a token that is `UNKNOWN` equals none without.
        """
        content = np.ascontiguousarray(self.tokens, dtype=np.int32).tobytes()
        ends = (4 * np.cumsum(self.lengths)).tolist()
        return [content[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def windowed(self, window: int, highest: int) -> "Sequences":
        """Truncate or pad each sequence to `window` tokens, for n-grams up to order `highest`.

        The pad token is new. Only `highest` pad tokens are stored. Each further one adds one n-gram of pad
        tokens only to every order, so it is merely counted, and memory does not grow with the window.

        Raises:
            ValueError: If `window` is out of range.
        """
        stored, padding = self.windows(window, highest)
        kept = np.minimum(self.lengths, window)
        begin = np.cumsum(self.lengths) - self.lengths
        inside = np.arange(len(self.tokens)) - np.repeat(begin, self.lengths) < window
        tokens = np.full(int(stored.sum()), self.vocabulary, dtype=np.int32)
        place = np.arange(len(tokens)) - np.repeat(np.cumsum(stored) - stored, stored)
        tokens[place < np.repeat(kept, stored)] = self.tokens[inside]
        return Sequences(tokens, stored, self.vocabulary + 1, padding)

    def windows(self, window: int, highest: int) -> tuple[Integers, Integers]:
        """The `lengths` and the `padding` of `windowed`.

        Raises:
            ValueError: If `window` is out of range.
        """
        if not 1 <= window <= LONGEST_WINDOW:
            raise ValueError(f"window of {window} tokens: 1 to {LONGEST_WINDOW:,} are possible")
        stored = np.minimum(window, np.minimum(self.lengths, window) + highest)
        return stored, window - stored


class Numbering:
    """A map from tokens to the numbers 0, 1, 2, ..., in order of first occurrence."""

    def __init__(self) -> None:
        self._index: defaultdict[Any, int] = defaultdict()
        self._index.default_factory = self._index.__len__

    def __len__(self) -> int:
        return len(self._index)

    def add(self, corpus: Corpus) -> Sequences:
        """Number a corpus and add its new tokens to the map.

        Raises:
            TypeError: If a token is neither str nor int, or str and int tokens are mixed.
        """
        parts = [_flat(self._index.__getitem__, chunk) for chunk in chunks(corpus)]
        _require_one_kind(self._kinds())
        tokens = np.concatenate([np.empty(0, dtype=np.int32), *(tokens for tokens, _ in parts)])
        lengths = np.concatenate([np.empty(0, dtype=np.int64), *(lengths for _, lengths in parts)])
        return Sequences(tokens, lengths, max(1, len(self)))

    def add_all(self, corpora: Iterable[Corpus]) -> list[Sequences]:
        """Number several corpora with one shared vocabulary."""
        added = [self.add(corpus) for corpus in corpora]
        return [replace(sequences, vocabulary=max(1, len(self))) for sequences in added]

    def look_up(self, chunk: list[list[Any]]) -> Sequences:
        """Number a chunk of a stream. New tokens become `UNKNOWN`."""
        get = self._index.get
        _require_one_kind(self._kinds() | set(map(type, chain.from_iterable(chunk))))
        tokens, lengths = _flat(lambda token: get(token, UNKNOWN), chunk)
        return Sequences(tokens, lengths, max(1, len(self)))

    def _kinds(self) -> set[type]:
        return set(map(type, self._index))


def _require_one_kind(kinds: set[type]) -> None:
    wrong = sorted(kind.__name__ for kind in kinds if not issubclass(kind, str | int | np.integer))
    if wrong:
        raise TypeError(f"tokens are {', '.join(wrong)}: str or int was expected")
    if len({issubclass(kind, str) for kind in kinds}) > 1:
        raise TypeError("some tokens are str and some int: all must be of one kind")


def _flat(number: Any, chunk: list[list[Any]]) -> tuple[Integers, Integers]:
    lengths = np.fromiter(map(len, chunk), dtype=np.int64, count=len(chunk))
    flat = map(number, chain.from_iterable(chunk))
    return np.fromiter(flat, dtype=np.int32, count=int(lengths.sum())), lengths


def chunks(corpus: Corpus) -> Iterator[list[list[Any]]]:
    """Yield the sequences of a stream as lists of tokens, in chunks of about `CHUNK_TOKENS` tokens."""
    chunk: list[list[Any]] = []
    size = 0
    for sequence in corpus:
        tokens = sequence.tolist() if hasattr(sequence, "tolist") else list(sequence)
        chunk.append(tokens)
        size += len(tokens)
        if size >= CHUNK_TOKENS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
