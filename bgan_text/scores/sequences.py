"""Token sequences as flat integer arrays: the form in which every exact score takes its corpus.

A sequence is any iterable of str or int tokens: a list of words, a row of an integer array, or a str,
which is the sequence of its characters.
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
"""What a user gives: sequences of tokens; a list of lists, a list of str, or a 2-D integer array."""

UNKNOWN = -1
"""The number of a token that the `Numbering` has not seen."""

LONGEST_WINDOW = 1_000_000
CHUNK_TOKENS = 1 << 20
"""Tokens of a stream that are numbered at a time."""


@dataclass(frozen=True)
class Sequences:
    """S token sequences of any lengths, one after the other.

    `tokens`: (T,) int32, below `vocabulary`, or `UNKNOWN`. `lengths`: (S,) int64. `padding`: (S,) how often
    the last token of the vocabulary, the pad, follows each sequence beyond those that are stored.
    """

    tokens: Integers
    lengths: Integers
    vocabulary: int
    padding: Integers | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def require_numbering_of(self, other: "Sequences") -> None:
        """Both must have been numbered together, or equal numbers would mean different tokens."""
        if self.vocabulary != other.vocabulary:
            raise ValueError(
                f"numbered for {self.vocabulary} and for {other.vocabulary} tokens: number together"
            )

    def take(self, chosen: slice) -> "Sequences":
        """Some of the sequences."""
        mask = np.zeros(len(self), dtype=bool)
        mask[chosen] = True
        return Sequences(self.tokens[np.repeat(mask, self.lengths)], self.lengths[chosen], self.vocabulary)

    def windowed(self, window: int, highest: int) -> "Sequences":
        """Each sequence cut, or filled with a new token, to `window` tokens, for n-grams up to `highest`.

        Only `highest` pads are stored. Each further one adds another n-gram of nothing but pads to every
        order, and is merely counted: memory does not grow with the window.
        """
        if not 1 <= window <= LONGEST_WINDOW:
            raise ValueError(f"a window of {window} tokens: 1 to {LONGEST_WINDOW:,} are possible")
        kept = np.minimum(self.lengths, window)
        stored = np.minimum(window, kept + highest)
        begin = np.cumsum(self.lengths) - self.lengths
        inside = np.arange(len(self.tokens)) - np.repeat(begin, self.lengths) < window
        tokens = np.full(int(stored.sum()), self.vocabulary, dtype=np.int32)
        place = np.arange(len(tokens)) - np.repeat(np.cumsum(stored) - stored, stored)
        tokens[place < np.repeat(kept, stored)] = self.tokens[inside]
        return Sequences(tokens, stored, self.vocabulary + 1, window - stored)


class Numbering:
    """Numbers tokens 0, 1, 2, ... in the order in which it first sees them."""

    def __init__(self) -> None:
        self._index: defaultdict[Any, int] = defaultdict()
        self._index.default_factory = self._index.__len__

    def __len__(self) -> int:
        return len(self._index)

    def add(self, corpus: Corpus) -> Sequences:
        """Number a corpus, new tokens included.

        Raises:
            TypeError: a token is neither str nor int, or some are str and some int.
        """
        parts = [_flat(self._index.__getitem__, chunk) for chunk in chunks(corpus)]
        _require_one_kind(self._kinds())
        tokens = np.concatenate([np.empty(0, dtype=np.int32), *(tokens for tokens, _ in parts)])
        lengths = np.concatenate([np.empty(0, dtype=np.int64), *(lengths for _, lengths in parts)])
        return Sequences(tokens, lengths, max(1, len(self)))

    def add_all(self, corpora: Iterable[Corpus]) -> list[Sequences]:
        """Number several corpora; all of them know all tokens."""
        added = [self.add(corpus) for corpus in corpora]
        return [replace(sequences, vocabulary=max(1, len(self))) for sequences in added]

    def look_up(self, chunk: list[list[Any]]) -> Sequences:
        """Number a chunk of a stream; a token not seen before becomes `UNKNOWN`."""
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
    """The sequences of a stream as lists of Python tokens, about `CHUNK_TOKENS` at a time."""
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
