"""What samples copy from the training set: the longest span of each, and n-grams."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bgan_text.scores.ngrams import Walk, per_sample
from bgan_text.scores.score import SHARE, Floats, Score, mean
from bgan_text.scores.sequences import Corpus, Integers, Numbering, Sequences, chunks
from bgan_text.scores.uncertainty import ratio

NOVELTY_ORDER = 5
"""Highest order of the n-grams whose novelty is measured by default."""


def memorised_span(samples: Corpus, training: Corpus) -> Score:
    """Length of the longest copied span divided by the sample length, mean over samples.

    A span is copied if its tokens occur consecutively in a training sequence. An empty sample counts as 0.

    Args:
        samples: Token sequences.
        training: Token sequences; iterated over once.

    Returns:
        A score in [0, 1]; 1 if every sample is a training sequence or a part of one. NaN without samples.
    """
    numbering = Numbering()
    numbered = numbering.add(samples)
    return span_share(numbered.lengths, longest_spans(numbered, map(numbering.look_up, chunks(training))))


def span_share(lengths: Integers, spans: Integers) -> Score:
    """Compute `memorised_span` from (S,) sample lengths and (S,) span lengths."""
    return mean(spans / np.maximum(1, lengths), SHARE)


def novelty(samples: Corpus, training: Corpus, highest: int = NOVELTY_ORDER) -> dict[int, Score]:
    """Share of the samples' n-grams that do not occur in the training set (McCoy et al. 2023, section 4).

    Occurrences are counted, so an n-gram is weighted by its frequency in the samples.

    Args:
        samples: Token sequences.
        training: Token sequences; iterated over once.
        highest: Highest n-gram order.

    Returns:
        The share for each order, in [0, 1]. NaN if the samples have no n-grams of that order.

    Example:
        >>> [score.value for score in novelty(["abc"], ["abd", "xbc"], highest=3).values()]
        [0.0, 0.0, 1.0]
    """
    numbering = Numbering()
    numbered = numbering.add(samples)
    return novelty_of(numbered, copied(numbered, map(numbering.look_up, chunks(training)), highest))


def novelty_of(samples: Sequences, found: "Copied") -> dict[int, Score]:
    """Compute `novelty` from what samples have copied."""
    scores = {}
    for order, known in enumerate(found.known, start=1):
        sizes = np.maximum(0, samples.lengths - order + 1).astype(np.float64)
        scores[order] = ratio(sizes - known, sizes, SHARE)
    return scores


def longest_spans(samples: Sequences, training: Iterable[Sequences]) -> Integers:
    """(S,) length of the longest span of each sample, in tokens, that occurs in the training set."""
    return copied(samples, training).longest


@dataclass(frozen=True)
class Copied:
    """What S samples have in common with the training set.

    Attributes:
        longest: (S,) length of the longest span of each sample, in tokens, that occurs there.
        known: (orders, S) number of n-grams of each sample that occur there, from order 1.
        starts: (orders, T) whether the n-gram that begins at each token of the samples occurs there.
    """

    longest: Integers
    known: Floats
    starts: NDArray[np.bool_]


def copied(samples: Sequences, training: Iterable[Sequences], highest: int = 0) -> Copied:
    """Find what samples have in common with the training set; n-grams up to order `highest` are counted.

    For each chunk, intersects the n-grams of both sides at increasing orders until none are shared. Only an
    n-gram shared at one order can be extended to the next, so the work shrinks quickly. Only the samples and
    one chunk are in memory.
    """
    longest = np.zeros(len(samples), dtype=np.int64)
    starts = np.zeros((highest, len(samples.tokens)), dtype=bool)  # where an n-gram that occurs begins
    for chunk in training:
        chunk.require_numbering_of(samples)
        ours, theirs = Walk(samples), Walk(chunk)
        order = 1
        while len(ours.owner) and len(theirs.owner):
            keys, place = ours.sorted_pairs(order)
            other_keys, other_place = theirs.sorted_pairs(order)
            common = np.intersect1d(keys, other_keys)
            ours.keep(*_common(common, keys, place))
            theirs.keep(*_common(common, other_keys, other_place))
            longest[ours.owner] = np.maximum(longest[ours.owner], order)
            starts[order - 1 : highest][:1, ours.start] = True  # nothing above the highest order
            order += 1
    owner = np.repeat(np.arange(len(samples)), samples.lengths)
    return Copied(longest, np.array([per_sample(owner, one, len(samples)) for one in starts]), starts)


def _common(common: Integers, keys: Integers, place: Integers) -> tuple[Integers, Integers]:
    """Places of the keys that are in `common`, and the index of each in `common`."""
    at = np.searchsorted(common, keys).clip(max=max(0, len(common) - 1))
    known = common[at] == keys if len(common) else np.zeros(len(keys), dtype=bool)
    return place[known], at[known].astype(np.int32)
