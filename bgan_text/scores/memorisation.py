"""Length of the spans that samples copy from the training set."""

from collections.abc import Iterable

import numpy as np

from bgan_text.scores.ngrams import Walk
from bgan_text.scores.score import SHARE, Score, mean
from bgan_text.scores.sequences import Corpus, Integers, Numbering, Sequences, chunks


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


def longest_spans(samples: Sequences, training: Iterable[Sequences]) -> Integers:
    """(S,) length of the longest span of each sample, in tokens, that occurs in the training set.

    For each chunk, intersects the n-grams of both sides at increasing orders until none are shared. Only an
    n-gram shared at one order can be extended to the next, so the work shrinks quickly. Only the samples and
    one chunk are in memory.
    """
    longest = np.zeros(len(samples), dtype=np.int64)
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
            order += 1
    return longest


def _common(common: Integers, keys: Integers, place: Integers) -> tuple[Integers, Integers]:
    """Places of the keys that are in `common`, and the index of each in `common`."""
    at = np.searchsorted(common, keys).clip(max=max(0, len(common) - 1))
    known = common[at] == keys if len(common) else np.zeros(len(keys), dtype=bool)
    return place[known], at[known].astype(np.int32)
