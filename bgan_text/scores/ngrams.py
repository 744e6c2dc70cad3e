"""Index of the n-grams of samples, and streaming statistics of references.

The n-grams of each order are numbered from the numbers of the order below, so time and memory are linear in
the number of tokens at every order. References are processed in chunks and never kept in memory: each chunk
is reduced to the statistics that the scores need for the n-grams of the samples.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bgan_text.scores.score import Floats
from bgan_text.scores.sequences import Integers, Sequences
from bgan_text.scores.threads import one_thread


@dataclass(frozen=True)
class Counts:
    """Counts of C (n-gram, sequence) pairs, sorted by n-gram, then by sequence.

    Attributes:
        ids: (C,) int32 number of the n-gram.
        owner: (C,) int32 index of the sequence.
        count: (C,) int32 occurrences of the n-gram in the sequence, at least 1.
    """

    ids: Integers
    owner: Integers
    count: Integers

    def first(self) -> Integers:
        """(U,) index of the first pair of each n-gram that occurs."""
        fresh = np.ones(len(self.ids), dtype=bool)
        np.not_equal(self.ids[1:], self.ids[:-1], out=fresh[1:])
        return np.flatnonzero(fresh)

    def per_ngram(self, values: Integers, ufunc: np.ufunc) -> tuple[Integers, Integers]:
        """Reduce (C,) values over sequences: (U,) n-grams that occur, and (U,) values."""
        if not len(self.ids):
            return self.ids, values
        first = self.first()
        return self.ids[first], ufunc.reduceat(values, first)


@dataclass(frozen=True)
class Level:
    """The n-grams of one order of the samples, numbered 0 to D - 1.

    Attributes:
        order: Order of the n-grams.
        keys: (D,) int64, ascending: number of the n-gram without its last token * vocabulary + last token.
        counts: Occurrences in each sample.
        pads: Number of the n-gram that consists of pad tokens only; -1 if there is none.
    """

    order: int
    keys: Integers
    counts: Counts
    pads: int

    @property
    def distinct(self) -> int:
        """Number D of distinct n-grams."""
        return len(self.keys)

    def occurrences(self) -> Integers:
        """(D,) occurrences of each n-gram in all samples."""
        ids, total = self.counts.per_ngram(self.counts.count.astype(np.int64), np.add)
        return _spread(ids, total, self.distinct)

    def holders(self) -> Integers:
        """(D,) number of samples that contain each n-gram."""
        return np.bincount(self.counts.ids, minlength=self.distinct)

    def podium(self) -> "Podium":
        """Return the largest counts of each n-gram in single samples; see `Podium`."""
        counts = self.counts
        tallest = int(counts.count.max(initial=0)) + 1
        keys = counts.ids.astype(np.int64) * tallest + (tallest - 1 - counts.count)
        _, place = stable_sort(keys)
        first = counts.first()
        holders = np.diff(first, append=len(counts.ids))
        count = np.zeros((3, self.distinct), dtype=np.int32)
        owner = np.full((2, self.distinct), -1, dtype=np.int32)
        for rank in range(3):
            held = holders > rank
            at = place[first[held] + rank]
            count[rank, held] = counts.count[at]
            if rank < 2:
                owner[rank, held] = counts.owner[at]
        return Podium(count, owner)


@dataclass(frozen=True)
class Podium:
    """The largest counts of each n-gram in a single sample.

    Attributes:
        count: (3, D) the three largest counts; 0 where fewer samples contain the n-gram.
        owner: (2, D) samples with the two largest counts; -1 where there is none.
    """

    count: Integers
    owner: Integers


def stable_sort(keys: Integers) -> tuple[Integers, Integers]:
    """Sort (K,) int64 keys of at least 0 and return them with their original places.

    A key and its place are packed into one integer where they fit, since numpy sorts integers with the
    processor's vector instructions, several times faster than it finds a stable order. Else torch's radix
    sort is used, which numpy lacks.
    """
    bits = len(keys).bit_length()
    if int(keys.max(initial=0)).bit_length() + bits < 64:
        packed = keys << bits
        packed |= np.arange(len(keys))
        packed.sort()
        place = packed & ((1 << bits) - 1)
        packed >>= bits
        return packed, place
    with one_thread():
        values, order = torch.from_numpy(keys).sort(stable=True)
    return values.numpy(), order.numpy()


def _spread(ids: Integers, values: Integers, size: int) -> Integers:
    spread = np.zeros(size, dtype=values.dtype)
    spread[ids] = values
    return spread


class Index:
    """The n-grams of orders 1 to `highest` of samples."""

    def __init__(self, samples: Sequences, highest: int) -> None:
        self.samples = samples
        self.levels = list(_levels(samples, highest))

    def __len__(self) -> int:
        return len(self.samples)

    def look_up(self, chunk: Sequences) -> Iterator[Counts]:
        """Yield, for each order, the counts in other sequences of n-grams that also occur in the samples."""
        chunk.require_numbering_of(self.samples)
        walk = Walk(chunk)
        for level in self.levels:
            pairs, place = walk.sorted_pairs(level.order)
            at = np.searchsorted(level.keys, pairs).clip(max=max(0, level.distinct - 1))
            known = level.keys[at] == pairs if level.distinct else np.zeros(len(at), dtype=bool)
            at, place = at[known].astype(np.int32), place[known]
            yield _padded(_runs(at, walk.owner[place]), level.pads, chunk.padding)
            walk.keep(place, at)


class Walk:
    """Iteration over the n-grams of all sequences, in increasing order.

    Attributes:
        start: Index of the first token of each n-gram.
        owner: Index of the sequence of each n-gram.
        ids: Number of each n-gram; 0 at order 0.
    """

    def __init__(self, sequences: Sequences) -> None:
        self.tokens, self.vocabulary = sequences.tokens, sequences.vocabulary
        self.ends = np.cumsum(sequences.lengths).astype(np.int32)
        self.start = np.arange(len(self.tokens), dtype=np.int32)
        self.owner = np.repeat(np.arange(len(sequences), dtype=np.int32), sequences.lengths)
        self.ids = np.zeros(len(self.tokens), dtype=np.int32)

    def sorted_pairs(self, order: int) -> tuple[Integers, Integers]:
        """Extend the n-grams to `order` and return their keys, ascending, with the place of each in the walk.

        The sort is stable, so the places and the owners of equal n-grams are ascending.
        """
        self._drop(self.start + order <= self.ends[self.owner])
        last = self.tokens[self.start + (order - 1)]
        if len(last) and last.min() < 0:
            self._drop(last >= 0)
            last = self.tokens[self.start + (order - 1)]
        pairs = self.ids.astype(np.int64) * self.vocabulary + last
        return stable_sort(pairs)

    def keep(self, place: Integers, ids: Integers) -> None:
        """Keep the n-grams at these places, with new numbers, in text order."""
        numbers = np.full(len(self.start), -1, dtype=np.int32)
        numbers[place] = ids
        self.ids = numbers
        if len(place) < len(numbers):
            self._drop(numbers >= 0)

    def _drop(self, kept: NDArray[np.bool_]) -> None:
        if not kept.all():
            self.start, self.owner, self.ids = self.start[kept], self.owner[kept], self.ids[kept]


def per_sample(owner: Integers, values: NDArray[Any], samples: int) -> Floats:
    """(samples,) sum of the values that belong to each sample."""
    return np.asarray(np.bincount(owner, values, minlength=samples), dtype=np.float64)


def _levels(samples: Sequences, highest: int) -> Iterator[Level]:
    walk, pads = Walk(samples), 0
    for order in range(1, highest + 1):
        pairs, place = walk.sorted_pairs(order)
        fresh = np.ones(len(pairs), dtype=bool)
        np.not_equal(pairs[1:], pairs[:-1], out=fresh[1:])
        ids = np.cumsum(fresh, dtype=np.int32) - np.int32(1)
        keys = pairs[fresh]
        pads = (
            -1 if samples.padding is None else _find(keys, pads * samples.vocabulary + samples.vocabulary - 1)
        )
        counts = _padded(_runs(ids, walk.owner[place]), pads, samples.padding)
        yield Level(order, keys, counts, pads)
        walk.keep(place, ids)


def _find(keys: Integers, key: int) -> int:
    """Index of a key in ascending keys; -1 if it is absent or negative."""
    at = int(np.searchsorted(keys, key))
    return at if key >= 0 and at < len(keys) and keys[at] == key else -1


def _padded(counts: Counts, pads: int, padding: Integers | None) -> Counts:
    """Add the pad tokens that are not stored to the counts of the n-gram of pad tokens only."""
    if padding is None or pads < 0:
        return counts
    of_pads = counts.ids == pads
    further = padding[counts.owner[of_pads]].astype(np.int32)
    counts.count[of_pads] += further
    return counts


def _runs(ids: Integers, owner: Integers) -> Counts:
    """Count equal (n-gram, sequence) pairs. Equal pairs must be adjacent."""
    fresh = np.ones(len(ids), dtype=bool)
    fresh[1:] = (ids[1:] != ids[:-1]) | (owner[1:] != owner[:-1])
    first = np.flatnonzero(fresh)
    count = np.diff(first, append=len(ids)).astype(np.int32)
    return Counts(ids[first], owner[first], count)


@dataclass
class Folded:
    """Statistics of references for the n-grams of an index.

    Attributes:
        largest: For each order, (D,) largest count of each n-gram in a single sequence.
        total: For each order, (D,) occurrences of each n-gram.
        ngrams: For each order, the number of n-grams, including those that are not in the index.
        lengths: Number of sequences of each length.
    """

    largest: dict[int, Integers]
    total: dict[int, Integers]
    ngrams: Counter[int] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)

    @classmethod
    def empty(cls, index: Index) -> "Folded":
        return cls(
            {level.order: np.zeros(level.distinct, dtype=np.int32) for level in index.levels},
            {level.order: np.zeros(level.distinct, dtype=np.int64) for level in index.levels},
        )

    def add(self, index: Index, chunk: Sequences) -> None:
        """Add a chunk of references, numbered like the samples of the index."""
        lengths, times = np.unique(chunk.lengths, return_counts=True)
        self.lengths.update(dict(zip(lengths.tolist(), times.tolist(), strict=True)))
        for level, counts in zip(index.levels, index.look_up(chunk), strict=True):
            ids, largest = counts.per_ngram(counts.count, np.maximum)
            self.largest[level.order][ids] = np.maximum(self.largest[level.order][ids], largest)
            ids, total = counts.per_ngram(counts.count.astype(np.int64), np.add)
            self.total[level.order][ids] += total
            self.ngrams[level.order] += int((lengths - level.order + 1).clip(min=0) @ times)
            if chunk.padding is not None:
                self.ngrams[level.order] += int(chunk.padding.sum())


def fold(index: Index, references: Iterable[Sequences]) -> Folded:
    """Compute the statistics of references from chunks numbered like the samples of the index."""
    folded = Folded.empty(index)
    for chunk in references:
        folded.add(index, chunk)
    return folded
