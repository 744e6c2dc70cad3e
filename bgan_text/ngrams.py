"""Integer n-grams of many sequences at once: the ground that every exact score stands on.

A corpus is one flat array of tokens and the offset of each sequence in it. The n-grams of all orders
are numbered from those one order below, so that time and memory are linear in the number of tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Sequences:
    """Token sequences of any lengths. `tokens`: (T,), `lengths`: (S,), `vocabulary`: tokens are below it."""

    tokens: Integers
    lengths: Integers
    vocabulary: int

    def __len__(self) -> int:
        return len(self.lengths)


def number(*groups: Sequence[Sequence[str]]) -> list[Sequences]:
    """Number the symbols of several groups of token sequences with one common numbering."""
    index: dict[str, int] = {}
    numbered = []
    for group in groups:
        flat = [index.setdefault(token, len(index)) for sequence in group for token in sequence]
        lengths = [len(sequence) for sequence in group]
        numbered.append((np.array(flat, dtype=np.int64), np.array(lengths, dtype=np.int64)))
    return [Sequences(tokens, lengths, max(1, len(index))) for tokens, lengths in numbered]


def together(first: Sequences, second: Sequences) -> Sequences:
    """Both groups in one, so that their n-grams get the same numbers."""
    return Sequences(
        np.concatenate([first.tokens, second.tokens]),
        np.concatenate([first.lengths, second.lengths]),
        max(first.vocabulary, second.vocabulary),
    )


@dataclass(frozen=True)
class NGrams:
    """All n-grams of one order. `ids`: (G,) below `distinct`; `owner`: (G,) the sequence of each."""

    order: int
    ids: Integers
    owner: Integers
    distinct: int


def ngrams(sequences: Sequences, highest: int) -> Iterator[NGrams]:
    """The n-grams of orders 1 .. `highest`, in the order of the text.

    Equal n-grams have equal ids. Sequences shorter than the order have none.
    """
    owner = np.repeat(np.arange(len(sequences)), sequences.lengths)
    ends = np.cumsum(sequences.lengths)
    start = np.arange(len(sequences.tokens))
    ids, distinct = sequences.tokens, sequences.vocabulary
    for order in range(1, highest + 1):
        if order > 1:
            fits = start + order <= ends[owner]
            start, owner = start[fits], owner[fits]
            pairs = ids[fits] * sequences.vocabulary + sequences.tokens[start + order - 1]
            values, ids = np.unique(pairs, return_inverse=True)
            distinct = len(values)
        yield NGrams(order, ids, owner, distinct)


@dataclass(frozen=True)
class Counts:
    """How often each sequence holds each of its n-grams; sorted by id, then by count.

    `ids`, `owner`, `count`: (C,).
    """

    ids: Integers
    owner: Integers
    count: Integers


def count(grams: NGrams) -> Counts:
    """Count the n-grams of each sequence."""
    sequences = int(grams.owner.max()) + 1 if len(grams.owner) else 1
    keys, times = np.unique(grams.ids * sequences + grams.owner, return_counts=True)
    ids, owner = keys // sequences, keys % sequences
    order = np.lexsort((times, ids))
    return Counts(ids[order], owner[order], times[order])


def two_largest(counts: Counts, distinct: int) -> tuple[Integers, Integers]:
    """The largest and second largest count of each n-gram over the sequences, 0 where there is none.

    If two sequences share the largest count, the second largest equals it.
    """
    largest = np.zeros(distinct, dtype=np.int64)
    second = np.zeros(distinct, dtype=np.int64)
    if len(counts.ids):
        last = np.flatnonzero(np.append(counts.ids[1:] != counts.ids[:-1], True))
        largest[counts.ids[last]] = counts.count[last]
        before = last[(last > 0) & (counts.ids[last - 1] == counts.ids[last])] - 1
        second[counts.ids[before]] = counts.count[before]
    return largest, second
