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
        return np.flatnonzero(fresh_of(self.ids))

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
        holders = gaps(first, len(counts.ids))
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


def fresh_of(values: Integers) -> NDArray[np.bool_]:
    """Which of ascending values differ from the one before; the first does."""
    fresh = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=fresh[1:])
    return fresh


def gaps(first: Integers, end: int) -> Integers:
    """(K,) int32, from each of ascending places to the next one, and from the last one to the end."""
    found = np.empty(len(first), dtype=np.int32)
    np.subtract(first[1:], first[:-1], out=found[:-1], casting="unsafe")
    found[-1:] = end - first[-1:]
    return found


def _spread(ids: Integers, values: Integers, size: int) -> Integers:
    spread = np.zeros(size, dtype=values.dtype)
    spread[ids] = values
    return spread


class Index:
    """The n-grams of orders 1 to `highest` of samples."""

    def __init__(self, samples: Sequences, highest: int, levels: Iterable[Level] | None = None) -> None:
        self.samples = samples
        self.levels = list(_levels(samples, highest) if levels is None else levels)

    def __len__(self) -> int:
        return len(self.samples)

    def look_up(self, chunk: Sequences) -> Iterator[Counts]:
        """Yield, for each order, the counts in other sequences of n-grams that also occur in the samples."""
        chunk.require_numbering_of(self.samples)
        walk = Walk(chunk)
        for level in self.levels:
            at, place = walk.found(level.order, level.keys)
            yield padded(runs(at, walk.owner[place]), level.pads, chunk.padding)
            walk.keep(place, at)


class Walk:
    """Iteration over the n-grams of all sequences, in increasing order.

    Attributes:
        start: Index of the first token of each n-gram.
        owner: Index of the sequence of each n-gram.
        room: Number of tokens from there to the end of the sequence.
        ids: Number of each n-gram; 0 at order 0.
    """

    def __init__(self, sequences: Sequences, begins: Integers | None = None) -> None:
        """`begins`: (S,) at how many of the first tokens of each sequence n-grams begin; all by default."""
        self.tokens, self.vocabulary = sequences.tokens, sequences.vocabulary
        begins = sequences.lengths if begins is None else begins
        ends = np.cumsum(sequences.lengths)
        skipped = ends - sequences.lengths - (np.cumsum(begins) - begins)
        self.owner = np.repeat(np.arange(len(sequences), dtype=np.int32), begins)
        self.start = np.arange(len(self.owner), dtype=np.int32)
        self.start += np.repeat(skipped.astype(np.int32), begins)
        self.room = np.repeat(ends.astype(np.int32), begins)
        self.room -= self.start
        self.ids = np.zeros(len(self.start), dtype=np.int32)

    def sorted_pairs(self, order: int) -> tuple[Integers, Integers]:
        """Extend the n-grams to `order` and return their keys, ascending, with the place of each in the walk.

        The sort is stable, so the places and the owners of equal n-grams are ascending.
        """
        self._drop(self.room >= order)
        last = self.tokens[self.start + (order - 1)]
        if len(last) and last.min() < 0:
            self._drop(last >= 0)
            last = self.tokens[self.start + (order - 1)]
        pairs = np.multiply(self.ids, self.vocabulary, dtype=np.int64)
        pairs += last
        return stable_sort(pairs)

    def found(self, order: int, keys: Integers) -> tuple[Integers, Integers]:
        """Extend the n-grams to `order`: which of the ascending keys they are, and their places, by key."""
        pairs, place = self.sorted_pairs(order)
        fresh = fresh_of(pairs)
        distinct = pairs[fresh]  # each key is looked up once
        at = np.searchsorted(keys, distinct).astype(np.int32).clip(max=max(0, len(keys) - 1))
        known = keys[at] == distinct if len(keys) else np.zeros(len(at), dtype=bool)
        times = gaps(np.flatnonzero(fresh), len(pairs))
        if not known.all():
            place = place[np.repeat(known, times)]
            at, times = at[known], times[known]
        return np.repeat(at, times), place

    def keep(self, place: Integers, ids: Integers) -> None:
        """Keep the n-grams at these places, with new numbers, in text order."""
        numbers = np.full(len(self.start), -1, dtype=np.int32)
        numbers[place] = ids
        self.ids = numbers
        if len(place) < len(numbers):
            self._drop(numbers >= 0)

    def _drop(self, kept: NDArray[np.bool_]) -> None:
        if not kept.all():
            self.start, self.owner = self.start[kept], self.owner[kept]
            self.room, self.ids = self.room[kept], self.ids[kept]


def per_sample(owner: Integers, values: NDArray[Any], samples: int) -> Floats:
    """(samples,) sum of the values that belong to each sample."""
    return np.asarray(np.bincount(owner, values, minlength=samples), dtype=np.float64)


def _levels(samples: Sequences, highest: int) -> Iterator[Level]:
    walk, pads = Walk(samples), 0
    for order in range(1, highest + 1):
        pairs, place = walk.sorted_pairs(order)
        fresh = fresh_of(pairs)
        ids = np.cumsum(fresh, dtype=np.int32)
        ids -= 1
        keys = pairs[fresh]
        pads = (
            -1 if samples.padding is None else find(keys, pads * samples.vocabulary + samples.vocabulary - 1)
        )
        counts = padded(runs(ids, walk.owner[place]), pads, samples.padding)
        yield Level(order, keys, counts, pads)
        walk.keep(place, ids)


def find(keys: Integers, key: int) -> int:
    """Index of a key in ascending keys; -1 if it is absent or negative."""
    at = int(np.searchsorted(keys, key))
    return at if key >= 0 and at < len(keys) and keys[at] == key else -1


def padded(counts: Counts, pads: int, padding: Integers | None) -> Counts:
    """Add the pad tokens that are not stored to the counts of the n-gram of pad tokens only."""
    if padding is None or pads < 0:
        return counts
    of_pads = counts.ids == pads
    further = padding[counts.owner[of_pads]].astype(np.int32)
    counts.count[of_pads] += further
    return counts


def runs(ids: Integers, owner: Integers) -> Counts:
    """Count equal (n-gram, sequence) pairs. Equal pairs must be adjacent."""
    fresh = fresh_of(ids)
    fresh |= fresh_of(owner)
    first = np.flatnonzero(fresh)
    return Counts(ids[first], owner[first], gaps(first, len(ids)))


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
        self.measure(chunk.lengths, chunk.padding)
        for level, counts in zip(index.levels, index.look_up(chunk), strict=True):
            self.count(level.order, counts)

    def measure(self, stored: Integers, padding: Integers | None) -> None:
        """Add lengths of a chunk and its numbers of n-grams; the arguments are those of `Sequences`."""
        lengths, times = np.unique(stored, return_counts=True)
        self.lengths.update(dict(zip(lengths.tolist(), times.tolist(), strict=True)))
        for order in self.largest:
            self.ngrams[order] += int((lengths - order + 1).clip(min=0) @ times)
            if padding is not None:
                self.ngrams[order] += int(padding.sum())

    def count(self, order: int, counts: Counts) -> None:
        """Add the n-grams of a chunk that are in the index."""
        ids, largest = counts.per_ngram(counts.count, np.maximum)
        self.largest[order][ids] = np.maximum(self.largest[order][ids], largest)
        ids, total = counts.per_ngram(counts.count.astype(np.int64), np.add)
        self.total[order][ids] += total


def fold(index: Index, references: Iterable[Sequences]) -> Folded:
    """Compute the statistics of references from chunks numbered like the samples of the index."""
    folded = Folded.empty(index)
    for chunk in references:
        folded.add(index, chunk)
    return folded
