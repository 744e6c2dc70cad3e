"""Texts as integers: each is split into units once, and every n-gram score works on the numbers.

Units are numbered in the order in which they first occur, as by `bgan_text.scores.sequences.Numbering`, so
the scores are the same to the last bit. No list of units is kept, and characters are numbered without a
Python object for each.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Protocol

import numpy as np

from bgan_text.corpora.ngram_units import Splitter
from bgan_text.scores.sequences import UNKNOWN, Integers, Sequences

CHUNK_CHARACTERS = 1 << 21
"""Characters of the texts that are split at a time, about."""
CODE_POINTS = 0x110000


class Coder(Protocol):
    """A map from units to the numbers 0, 1, 2, ..., in order of first occurrence."""

    def __len__(self) -> int:
        """How many units have a number."""

    def numbers(self, texts: Sequence[str], *, add: bool) -> tuple[Integers, Integers]:
        """Split and number texts.

        Args:
            texts: S texts.
            add: new units get a number; else they become `UNKNOWN`.

        Returns:
            (T,) int32 numbers of the units of all texts, and (S,) int64 units of each text.
        """


class SplitUnits:
    """Units of any splitter of texts.

    Example:
        >>> coder = SplitUnits(str.split)
        >>> coder.numbers(["a b a", "c"], add=True)[0].tolist()
        [0, 1, 0, 2]
        >>> [part.tolist() for part in coder.numbers(["b d"], add=False)]
        [[1, -1], [2]]
    """

    def __init__(self, split: Splitter) -> None:
        self._split = split
        self._index: defaultdict[str, int] = defaultdict()
        self._index.default_factory = self._index.__len__

    def __len__(self) -> int:
        return len(self._index)

    def numbers(self, texts: Sequence[str], *, add: bool) -> tuple[Integers, Integers]:
        lengths: list[int] = []
        units = chain.from_iterable(_noted(map(self._split, texts), lengths))
        if add:
            found: Iterator[int] = map(self._index.__getitem__, units)
        else:
            get = self._index.get
            found = map(get, units, repeat(UNKNOWN))
        return np.fromiter(found, dtype=np.int32), np.array(lengths, dtype=np.int64)


def _noted(lists: Iterable[list[str]], lengths: list[int]) -> Iterator[list[str]]:
    """The lists one after the other, with their lengths appended to `lengths`."""
    for one in lists:
        lengths.append(len(one))
        yield one


class Characters:
    """Characters as units. The numbers are looked up in a table of all code points.

    Example:
        >>> coder = Characters()
        >>> coder.numbers(["hello", ""], add=True)[0].tolist()
        [0, 1, 2, 2, 3]
        >>> [part.tolist() for part in coder.numbers(["ox"], add=False)]
        [[3, -1], [2]]
    """

    def __init__(self) -> None:
        self._table = np.full(CODE_POINTS, UNKNOWN, dtype=np.int32)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def numbers(self, texts: Sequence[str], *, add: bool) -> tuple[Integers, Integers]:
        content = "".join(texts).encode("utf-32-le", "surrogatepass")  # a text in memory may hold surrogates
        points = np.frombuffer(content, dtype="<u4")
        found = self._table[points]
        if add and (found == UNKNOWN).any():
            new, first = np.unique(points[found == UNKNOWN], return_index=True)
            self._table[new[first.argsort()]] = np.arange(self._size, self._size + len(new), dtype=np.int32)
            self._size += len(new)
            found = self._table[points]
        return found, np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def coder_of(split: Splitter) -> Coder:
    """The quickest coder of the units of a splitter."""
    return Characters() if split is list else SplitUnits(split)


def coded_all(coder: Coder, corpora: Iterable[Iterable[str]]) -> list[Sequences]:
    """Number several corpora with one shared vocabulary, which all their units are added to."""
    coded = [_joined([coder.numbers(batch, add=True) for batch in batches(texts)]) for texts in corpora]
    return [Sequences(tokens, lengths, max(1, len(coder))) for tokens, lengths in coded]


def coded(coder: Coder, texts: Sequence[str]) -> Sequences:
    """Number texts. Units without a number become `UNKNOWN`."""
    return Sequences(*coder.numbers(texts, add=False), max(1, len(coder)))


def batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in lists of about `CHUNK_CHARACTERS` characters; one of no characters counts as one."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text) or 1
        if size >= CHUNK_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _joined(parts: list[tuple[Integers, Integers]]) -> tuple[Integers, Integers]:
    tokens = np.concatenate([np.empty(0, dtype=np.int32), *(tokens for tokens, _ in parts)])
    return tokens, np.concatenate([np.empty(0, dtype=np.int64), *(lengths for _, lengths in parts)])
