"""How long the spans are that samples copy from the training set."""

import math
from collections.abc import Iterable

import numpy as np

from bgan_text.scores.ngrams import Walk
from bgan_text.scores.score import Score
from bgan_text.scores.sequences import Corpus, Integers, Numbering, Sequences, chunks


def memorised_span(samples: Corpus, training: Corpus) -> Score:
    """Mean over samples of the share that the longest copied span makes up, 0 .. 1.

    A span is copied if its tokens stand side by side in a training sequence. 1 if all samples are
    copies or parts of training sequences; a sample without tokens counts as 0.

    Args:
        samples: sequences of tokens.
        training: sequences of tokens, streamed once.
    """
    numbering = Numbering()
    numbered = numbering.add(samples)
    return span_share(numbered.lengths, longest_spans(numbered, map(numbering.look_up, chunks(training))))


def span_share(lengths: Integers, spans: Integers) -> Score:
    """The mean of (S,) spans over (S,) lengths."""
    each = spans / np.maximum(1, lengths)
    return Score(float(each.mean()) if len(each) else math.nan, each)


def longest_spans(samples: Sequences, training: Iterable[Sequences]) -> Integers:
    """The longest span of each sample, in tokens, that stands in the training set: (S,).

    For each chunk the common n-grams of one order after the other, until there are none: only what is
    common at one order can be at the next, so the work shrinks quickly. Memory: samples and a chunk.
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
    """Places of those keys that are common, and the number of each among the common ones."""
    at = np.searchsorted(common, keys).clip(max=max(0, len(common) - 1))
    known = common[at] == keys if len(common) else np.zeros(len(keys), dtype=bool)
    return place[known], at[known].astype(np.int32)
