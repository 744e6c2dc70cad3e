"""Exact sentence BLEU against many references, and Self-BLEU, in linear time."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bgan_text.scores.ngrams import Folded, Index, Podium, fold, per_sample
from bgan_text.scores.score import SHARE, Floats, Score, mean
from bgan_text.scores.sequences import Corpus, Integers, Numbering, chunks

SMOOTHED = 0.1
"""Replacement for a numerator of 0: smoothing method 1 of Chen and Cherry (2014), as in nltk."""


def bleu(samples: Corpus, references: Corpus, highest: int = 5) -> dict[int, Score]:
    """Mean sentence BLEU-1 to BLEU-`highest` of the samples, each against all references.

    Equal to nltk's `sentence_bleu` with uniform weights and `SmoothingFunction().method1`. The count of an
    n-gram is clipped by its largest count in any single reference. The reference length is the one closest to
    the sample's; ties go to the shorter. A sample that is empty or has no token in common with the references
    scores 0.

    Args:
        samples: Token sequences.
        references: Token sequences; iterated over once.
        highest: Highest n-gram order.

    Returns:
        A score for each order: the mean over samples, in [0, 1], with `each` (S,) the BLEU of every sample.
        NaN without samples or references.
    """
    numbering = Numbering()
    index = Index(numbering.add(samples), highest)
    return bleu_of(index, fold(index, map(numbering.look_up, chunks(references))))


def bleu_of(index: Index, folded: Folded) -> dict[int, Score]:
    """Compute `bleu` from indexed samples and folded references."""
    if not folded.lengths:
        return _undefined(index)
    matched = clipped(index, folded)
    references = np.array(sorted(folded.lengths))
    return _scores(matched, index.samples.lengths, closest(index.samples.lengths, references))


def clipped(index: Index, folded: Folded) -> list[Floats]:
    """(S,) clipped n-gram counts of each sample, for each order."""
    matched = []
    for level in index.levels:
        counts = level.counts
        count = np.minimum(counts.count, folded.largest[level.order][counts.ids])
        matched.append(per_sample(counts.owner, count, len(index)))
    return matched


def self_bleu(samples: Corpus, highest: int = 5) -> dict[int, Score]:
    """Mean sentence BLEU of each sample against all *other* samples (leave-one-out).

    The count of an n-gram is clipped by its largest count in any other sample. Identical samples serve as
    references for each other.

    Args:
        samples: Token sequences.
        highest: Highest n-gram order.

    Returns:
        A score for each order: the mean over samples, in [0, 1], with `each` (S,) the BLEU of every sample.
        High values mean that the samples resemble each other. NaN for fewer than two samples.
    """
    return self_bleu_of(Index(Numbering().add(samples), highest))


def self_bleu_of(index: Index) -> dict[int, Score]:
    """Compute `self_bleu` from indexed samples."""
    size = len(index)
    if size < 2:
        return _undefined(index)
    matched, help_given = [], []
    for level in index.levels:
        counts, podium = level.counts, level.podium()
        # For the sample with the largest count, the largest count among the others is the second largest.
        first = podium.owner[0, counts.ids] == counts.owner
        others = np.where(first, podium.count[1, counts.ids], podium.count[0, counts.ids])
        count = np.minimum(counts.count, others)
        matched.append(per_sample(counts.owner, count, size))
        help_given.append(_help(podium, matched[-1]))
    scores = _scores(matched, index.samples.lengths, closest_other(index.samples.lengths))
    return {order: _with_help(score, order, help_given) for order, score in scores.items()}


@dataclass(frozen=True)
class Help:
    """How much samples raise the scores of other samples, as E (giver, taker) pairs.

    Attributes:
        giver: (E,) indices of the samples that raise a score.
        taker: (E,) indices of the samples whose score is raised.
        share: (E,) fraction of the taker's matched n-grams that would be lost without the giver.
    """

    giver: Integers
    taker: Integers
    share: Floats


def _help(podium: Podium, matched: Floats) -> Help:
    """Find the pairs of samples in which one sample's matches depend on the other.

    Removing the giver lowers the taker's clipping limit only if the two hold the two largest counts and the
    third largest is smaller.
    """
    gap = podium.count[1] - podium.count[2]
    alone = gap > 0
    giver = np.concatenate([podium.owner[0, alone], podium.owner[1, alone]])
    taker = np.concatenate([podium.owner[1, alone], podium.owner[0, alone]])
    return Help(giver, taker, np.tile(gap[alone], 2) / matched[taker])


def _with_help(score: Score, order: int, help_given: list[Help]) -> Score:
    """Add to each sample's own score, to first order, its contribution to the scores of the others."""
    shares = score.each.copy()
    for help_ in help_given[:order]:
        owed = score.each[help_.taker] * help_.share / order
        shares += per_sample(help_.giver, owed, len(shares))
    return replace(score, influence=shares)


def _undefined(index: Index) -> dict[int, Score]:
    return {level.order: Score(np.nan, np.full(len(index), np.nan)) for level in index.levels}


def _scores(matched: Iterable[Floats], lengths: Integers, reference: Integers) -> dict[int, Score]:
    """Combine the clipped counts of each order into BLEU-1, BLEU-2, ...; `reference` holds (S,) lengths."""
    with np.errstate(divide="ignore", invalid="ignore"):
        penalty = np.where(lengths > reference, 1.0, np.exp(1.0 - reference / lengths))
    penalty[lengths == 0] = 0.0
    log_sum = np.zeros(len(lengths))
    known: NDArray[np.bool_] | None = None
    scores = {}
    for order, numerator in enumerate(matched, start=1):
        known = numerator > 0 if known is None else known
        denominator = np.maximum(1, lengths - order + 1)
        log_sum += np.log(np.where(numerator > 0, numerator, SMOOTHED) / denominator)
        each = np.where(known, penalty * np.exp(log_sum / order), 0.0)
        scores[order] = mean(each, SHARE)
    return scores


def closest(lengths: Integers, references: Integers) -> Integers:
    """Closest reference length for each length.

    Ties go to the shorter. `references` are distinct, ascending.
    """
    above = np.searchsorted(references, lengths).clip(max=len(references) - 1)
    below = (above - 1).clip(min=0)
    nearer_above = np.abs(references[above] - lengths) < np.abs(references[below] - lengths)
    return np.asarray(np.where(nearer_above, references[above], references[below]))


def closest_other(lengths: Integers) -> Integers:
    """Closest length among all others, for each length."""
    distinct, times = np.unique(lengths, return_counts=True)
    nearest = distinct.copy()
    for index in np.flatnonzero(times == 1):
        nearest[index] = closest(distinct[index : index + 1], np.delete(distinct, index))[0]
    return np.asarray(nearest[np.searchsorted(distinct, lengths)])
