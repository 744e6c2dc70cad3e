"""Exact scores of generated sequences. Nothing is sampled, nothing approximated.

Sequences of tokens are lists of str, one list a sentence. A score that is not defined for what it was
given is NaN.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bgan_text.ngrams import Integers, NGrams, Sequences, count, ngrams, number, together, two_largest

Tokens = Sequence[Sequence[str]]
Floats = NDArray[np.float64]

SMOOTHED = 0.1
"""What method 1 of Chen and Cherry (2014) puts in place of a numerator of 0, as nltk does."""
PAD = "\0"
"""The symbol that fills a window; no text holds it."""


def bleu(samples: Tokens, references: Tokens, highest: int = 5) -> dict[int, Floats]:
    """Sentence BLEU-1 .. BLEU-`highest` of each sample against all references together.

    Equal to nltk's `sentence_bleu` with uniform weights and `SmoothingFunction().method1`: an n-gram's
    count is clipped by the largest count in any one reference, the reference length is the closest one
    (the shorter of two), and a sample without a single known word scores 0. The corpus score of the
    text-GAN literature is the mean over samples.

    Returns:
        order -> (samples,) values in 0 .. 1; NaN if there are no references.
    """
    first, second = number(samples, references)
    if not len(second):
        return {order: np.full(len(first), np.nan) for order in range(1, highest + 1)}
    matched = []
    for grams in ngrams(together(first, second), highest):
        counts = count(grams)
        ours = counts.owner < len(first)
        theirs = type(counts)(counts.ids[~ours], counts.owner[~ours], counts.count[~ours])
        largest, _ = two_largest(theirs, grams.distinct)
        clipped = np.minimum(counts.count[ours], largest[counts.ids[ours]])
        matched.append(np.bincount(counts.owner[ours], clipped, minlength=len(first)))
    closest = _closest(first.lengths, np.unique(second.lengths))
    return _sentence_bleu(matched, first.lengths, closest)


def self_bleu(samples: Tokens, highest: int = 5) -> dict[int, Floats]:
    """Sentence BLEU of each sample against all the *other* samples (leave one out).

    An n-gram is clipped by its largest count among the others: the second largest of all, for the
    sample that holds the largest. Identical samples count as each other's references.

    Returns:
        order -> (samples,) values in 0 .. 1, high where samples resemble each other; NaN for one sample.
    """
    (ours,) = number(samples)
    if len(ours) < 2:
        return {order: np.full(len(ours), np.nan) for order in range(1, highest + 1)}
    matched = []
    for grams in ngrams(ours, highest):
        counts = count(grams)
        largest, second = two_largest(counts, grams.distinct)
        others = np.where(counts.count == largest[counts.ids], second[counts.ids], largest[counts.ids])
        clipped = np.minimum(counts.count, others)
        matched.append(np.bincount(counts.owner, clipped, minlength=len(ours)))
    return _sentence_bleu(matched, ours.lengths, _closest_other(ours.lengths))


def _sentence_bleu(matched: list[NDArray[Any]], lengths: Integers, closest: Integers) -> dict[int, Floats]:
    """Combine clipped counts of each order into BLEU-1 .. BLEU-len(matched)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        penalty = np.where(lengths > closest, 1.0, np.exp(1.0 - closest / lengths))
    penalty[lengths == 0] = 0.0
    log_sum = np.zeros(len(lengths))
    values = {}
    for order, numerator in enumerate(matched, start=1):
        denominator = np.maximum(1, lengths - order + 1)
        log_sum += np.log(np.where(numerator > 0, numerator, SMOOTHED) / denominator)
        values[order] = np.where(matched[0] > 0, penalty * np.exp(log_sum / order), 0.0)
    return values


def _closest(lengths: Integers, references: Integers) -> Integers:
    """The closest of the distinct reference lengths, ascending; the shorter of two as close."""
    above = np.searchsorted(references, lengths).clip(max=len(references) - 1)
    below = (above - 1).clip(min=0)
    nearer_above = np.abs(references[above] - lengths) < np.abs(references[below] - lengths)
    return np.asarray(np.where(nearer_above, references[above], references[below]))


def _closest_other(lengths: Integers) -> Integers:
    """For each length the closest among all the others."""
    distinct, times = np.unique(lengths, return_counts=True)
    closest = distinct.copy()
    for index in np.flatnonzero(times == 1):
        closest[index] = _closest(distinct[index : index + 1], np.delete(distinct, index))[0]
    return np.asarray(closest[np.searchsorted(distinct, lengths)])


def js(samples: Tokens, references: Tokens, window: int, highest: int = 4) -> dict[int, float]:
    """Jensen-Shannon divergence between n-gram distributions, in bits, 0 .. 1.

    Each sequence is cut, or filled with pads, to `window` tokens, and every n-gram of the window
    counts, pads included (Gulrajani et al. 2017, section 5.3).

    Returns:
        order -> divergence; NaN if either side has no n-gram of that order.
    """
    windowed = [[_window(sequence, window) for sequence in group] for group in (samples, references)]
    first, second = number(*windowed)
    return js_of_rows(first, second, highest)


def _window(sequence: Sequence[str], window: int) -> list[str]:
    cut = list(sequence[:window])
    return cut + [PAD] * (window - len(cut))


def js_of_rows(first: Sequences, second: Sequences, highest: int = 4) -> dict[int, float]:
    """`js` of sequences that are numbered and windowed already."""
    values = {}
    for grams in ngrams(together(first, second), highest):
        ours = grams.owner < len(first)
        p = np.bincount(grams.ids[ours], minlength=grams.distinct)
        q = np.bincount(grams.ids[~ours], minlength=grams.distinct)
        values[grams.order] = _jensen_shannon(p, q)
    return values


def _jensen_shannon(p_counts: Integers, q_counts: Integers) -> float:
    if not p_counts.sum() or not q_counts.sum():
        return math.nan
    p, q = p_counts / p_counts.sum(), q_counts / q_counts.sum()
    middle = (p + q) / 2
    terms = [side[side > 0] * np.log2(side[side > 0] / middle[side > 0]) for side in (p, q)]
    return min(1.0, max(0.0, float(terms[0].sum() + terms[1].sum()) / 2))


def distinct(samples: Tokens, highest: int = 4) -> dict[int, float]:
    """Distinct-n (Li et al. 2016): different n-grams over all n-grams, 0 .. 1; NaN if there are none."""
    (ours,) = number(samples)
    return {grams.order: _distinct_share(grams) for grams in ngrams(ours, highest)}


def _distinct_share(grams: NGrams) -> float:
    return len(np.unique(grams.ids)) / len(grams.ids) if len(grams.ids) else math.nan


def distinct_samples(samples: Sequence[str]) -> float:
    """Different samples over all samples, 0 .. 1."""
    return len(set(samples)) / len(samples) if samples else math.nan


def copied(samples: Sequence[str], training: Iterable[str]) -> float:
    """Share of the samples that stand word for word in the training set, 0 .. 1.

    Streams the training set.
    """
    if not samples:
        return math.nan
    times = Counter(samples)
    found = {text for text in training if text in times}
    return sum(times[text] for text in found) / len(samples)
