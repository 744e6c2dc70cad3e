"""Sentence BLEU against many references, and Self-BLEU, exactly and in linear time."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bgan_text.scores.ngrams import Folded, Index, Podium, fold, per_sample
from bgan_text.scores.score import Floats, Score
from bgan_text.scores.sequences import Corpus, Integers, Numbering, chunks

SMOOTHED = 0.1
"""What method 1 of Chen and Cherry (2014) puts in place of a numerator of 0, as nltk does."""


def bleu(samples: Corpus, references: Corpus, highest: int = 5) -> dict[int, Score]:
    """Sentence BLEU-1 .. BLEU-`highest` of each sample against all references together, and its mean.

    Equal to nltk's `sentence_bleu` with uniform weights and `SmoothingFunction().method1`: an n-gram's
    count is clipped by the largest count in any one reference, the reference length is the closest one
    (the shorter of two), and a sample without a single known word, or without any word, scores 0.

    Args:
        samples: sequences of tokens.
        references: sequences of tokens, streamed once.
        highest: the highest order.

    Returns:
        order -> the mean, in 0 .. 1, and (S,) each sample's; NaN if there are no references or samples.
    """
    numbering = Numbering()
    index = Index(numbering.add(samples), highest)
    return bleu_of(index, fold(index, map(numbering.look_up, chunks(references))))


def bleu_of(index: Index, folded: Folded) -> dict[int, Score]:
    """`bleu` of indexed samples against folded references."""
    if not folded.lengths:
        return _undefined(index)
    matched = clipped(index, folded)
    references = np.array(sorted(folded.lengths))
    return _scores(matched, index.samples.lengths, closest(index.samples.lengths, references))


def clipped(index: Index, folded: Folded) -> list[Floats]:
    """For each order (S,) the n-grams of each sample, clipped by the largest count in any one reference."""
    matched = []
    for level in index.levels:
        counts = level.counts
        count = np.minimum(counts.count, folded.largest[level.order][counts.ids])
        matched.append(per_sample(counts.owner, count, len(index)))
    return matched


def self_bleu(samples: Corpus, highest: int = 5) -> dict[int, Score]:
    """Sentence BLEU of each sample against all the *other* samples (leave one out), and its mean.

    An n-gram is clipped by its largest count among the others: the second largest of all, for the
    sample that holds the largest. Identical samples count as each other's references.

    Returns:
        order -> the mean, in 0 .. 1, high where samples resemble each other, and (S,) each sample's;
        NaN for a single sample.
    """
    return self_bleu_of(Index(Numbering().add(samples), highest))


def self_bleu_of(index: Index) -> dict[int, Score]:
    """`self_bleu` of indexed samples."""
    size = len(index)
    if size < 2:
        return _undefined(index)
    matched, help_given = [], []
    for level in index.levels:
        counts, podium = level.counts, level.podium()
        # The largest count among the others is the second of all for the one who holds the first.
        first = podium.owner[0, counts.ids] == counts.owner
        others = np.where(first, podium.count[1, counts.ids], podium.count[0, counts.ids])
        count = np.minimum(counts.count, others)
        matched.append(per_sample(counts.owner, count, size))
        help_given.append(_help(podium, matched[-1]))
    scores = _scores(matched, index.samples.lengths, closest_other(index.samples.lengths))
    return {order: _with_help(score, order, help_given) for order, score in scores.items()}


@dataclass(frozen=True)
class Help:
    """How much samples lift the scores of others: E pairs.

    `giver`, `taker`: (E,) samples. `share`: (E,) what part of the taker's matched n-grams would be gone
    without the giver.
    """

    giver: Integers
    taker: Integers
    share: Floats


def _help(podium: Podium, matched: Floats) -> Help:
    """Whose matches hang on whom.

    The largest count among the others changes for want of one sample only where that one and the taker
    hold the two largest counts and the third is smaller.
    """
    gap = podium.count[1] - podium.count[2]
    alone = gap > 0
    giver = np.concatenate([podium.owner[0, alone], podium.owner[1, alone]])
    taker = np.concatenate([podium.owner[1, alone], podium.owner[0, alone]])
    return Help(giver, taker, np.tile(gap[alone], 2) / matched[taker])


def _with_help(score: Score, order: int, help_given: list[Help]) -> Score:
    """Each sample's own score and, to first order, what the others' scores owe to it."""
    shares = score.each.copy()
    for help_ in help_given[:order]:
        owed = score.each[help_.taker] * help_.share / order
        shares += per_sample(help_.giver, owed, len(shares))
    return Score(score.value, score.each, shares)


def _undefined(index: Index) -> dict[int, Score]:
    return {level.order: Score(np.nan, np.full(len(index), np.nan)) for level in index.levels}


def _scores(matched: Iterable[Floats], lengths: Integers, reference: Integers) -> dict[int, Score]:
    """Combine the clipped counts of each order into BLEU-1, BLEU-2, ...; `reference`: (S,) lengths."""
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
        scores[order] = Score(float(each.mean()) if len(each) else np.nan, each)
    return scores


def closest(lengths: Integers, references: Integers) -> Integers:
    """The closest of the distinct reference lengths, ascending; the shorter of two as close."""
    above = np.searchsorted(references, lengths).clip(max=len(references) - 1)
    below = (above - 1).clip(min=0)
    nearer_above = np.abs(references[above] - lengths) < np.abs(references[below] - lengths)
    return np.asarray(np.where(nearer_above, references[above], references[below]))


def closest_other(lengths: Integers) -> Integers:
    """For each length the closest among all the others."""
    distinct, times = np.unique(lengths, return_counts=True)
    nearest = distinct.copy()
    for index in np.flatnonzero(times == 1):
        nearest[index] = closest(distinct[index : index + 1], np.delete(distinct, index))[0]
    return np.asarray(nearest[np.searchsorted(distinct, lengths)])
