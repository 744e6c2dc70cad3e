"""Scores that compare the distributions of n-grams and lengths of samples with those of real text."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import replace

import numpy as np

from bgan_text.scores.ngrams import Folded, Index, Level, fold, per_sample
from bgan_text.scores.score import SHARE, Floats, Score, mean
from bgan_text.scores.sequences import Corpus, Integers, Numbering, Sequences, chunks
from bgan_text.scores.uncertainty import jackknife, ratio

Text = str | bytes | Iterable[str] | Iterable[int]
"""A complete sample: a string, the bytes of an image, or a sequence of tokens."""


def js(samples: Corpus, references: Corpus, window: int, highest: int = 6) -> dict[int, Score]:
    """Jensen-Shannon divergence between the n-gram distributions of samples and references.

    Each sequence is truncated or padded to `window` tokens. All n-grams of the window count, including those
    with padding (Gulrajani et al. 2017, section 5.3).

    Args:
        samples: Token sequences.
        references: Token sequences; iterated over once.
        window: Number of tokens, at least 1.
        highest: Highest n-gram order.

    Returns:
        The divergence for each order, in bits, in [0, 1]. NaN if either side has no n-gram of that order.

    Raises:
        ValueError: If `window` is out of range.
    """
    numbering = Numbering()
    index = Index(numbering.add(samples).windowed(window, highest), highest)
    numbered = (numbering.look_up(chunk).windowed(window, highest) for chunk in chunks(references))
    return js_of(index, fold(index, numbered))


def js_of(index: Index, folded: Folded) -> dict[int, Score]:
    """Compute `js` from indexed samples and folded references, both already windowed."""
    return {level.order: _jensen_shannon(level, folded, len(index)) for level in index.levels}


def js_of_rows(samples: Sequences, references: Sequences, highest: int = 4) -> dict[int, float]:
    """Compute `js` of sequences already numbered and windowed, without the contributions of the samples."""
    index = Index(samples, highest)
    return {order: score.value for order, score in js_of(index, fold(index, [references])).items()}


def _jensen_shannon(level: Level, folded: Folded, samples: int) -> Score:
    counts, ours = level.counts, level.occurrences()
    size, total = int(ours.sum()), folded.ngrams[level.order]
    if not size or not total:
        return Score(math.nan, np.full(samples, np.nan))
    q = folded.total[level.order] / total
    # An n-gram that the samples lack contributes half its mass in q, in bits: the mixture there is q / 2.
    unseen = max(0.0, 1.0 - float(q.sum())) / 2
    value = min(1.0, max(0.0, float(_terms(ours / size, q).sum()) + unseen))
    # All windows have the same length, so leaving out any sample removes the same number of n-grams.
    rest = size - size // samples
    if not rest:
        return Score(value, np.full(samples, np.nan), limits=SHARE)
    with_all, ids = _terms(ours / rest, q), counts.ids
    change = _terms((ours[ids] - counts.count) / rest, q[ids]) - with_all[ids]
    without = with_all.sum() + unseen + per_sample(counts.owner, change, samples)
    return Score(value, jackknife(value, without), limits=SHARE)


def _terms(p: Floats, q: Floats) -> Floats:
    """Contribution of each n-gram to the divergence, in bits, from its probabilities on both sides."""
    terms = (p + q) / 2  # where one of them is 0, and the logarithm that of 2
    both = np.flatnonzero((p > 0) & (q > 0))
    p, q = p[both], q[both]
    mixture = p + q
    terms[both] = (p * np.log2(2 * p / mixture) + q * np.log2(2 * q / mixture)) / 2
    return np.asarray(terms)


def distinct(samples: Corpus, highest: int = 4) -> dict[int, Score]:
    """Distinct-n (Li et al. 2016): number of distinct n-grams divided by the number of n-grams.

    Args:
        samples: Token sequences.
        highest: Highest n-gram order.

    Returns:
        The share for each order, in [0, 1]. NaN if there are no n-grams of that order.
    """
    return distinct_of(Index(Numbering().add(samples), highest))


def distinct_of(index: Index) -> dict[int, Score]:
    """Compute `distinct` from indexed samples."""
    return {level.order: _distinct(level, len(index)) for level in index.levels}


def _distinct(level: Level, samples: int) -> Score:
    sizes = _sizes(level, samples)
    alone = _held_alone(level, np.ones(level.distinct), samples)
    return _leave_one_out(level.distinct, sizes.sum(), alone, sizes)


def _sizes(level: Level, samples: int) -> Floats:
    """(S,) number of n-grams of each sample."""
    return per_sample(level.counts.owner, level.counts.count, samples)


def _held_alone(level: Level, weights: Floats | Integers, samples: int) -> Floats:
    """(S,) total weight of the n-grams that occur in no other sample."""
    counts = level.counts
    alone = level.holders()[counts.ids] == 1
    return per_sample(counts.owner[alone], weights[counts.ids[alone]], samples)


def _leave_one_out(part: float, whole: float, parts: Floats, wholes: Floats | float) -> Score:
    """part / whole, with jackknife pseudo-values from (part - parts[i]) / (whole - wholes[i])."""
    if not whole:
        return Score(math.nan, np.full(len(parts), np.nan))
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (part - parts) / (whole - wholes)
    return Score(float(part / whole), jackknife(float(part / whole), without), limits=SHARE)


def unique(samples: Iterable[Text]) -> Score:
    """Number of distinct samples divided by the number of samples, in [0, 1]. NaN without samples.

    It is no mean of independent indicators. Its variance for S samples of a model is E D(2 S) - E D(S), less
    the part of a fixed S, where D(S) is the number of distinct ones among S. D(2 S) - D(S) is estimated by
    the number of texts that occur an odd number of times less that of the others (Good and Toulmin 1956, with
    t = 1). Where most texts are repeated this is noisy, and half of the jackknife's variance, of which the
    whole is twice too large where repeats are rare, is the least.
    """
    keys = list(map(_key, samples))
    times = Counter(keys)
    alone = np.array([float(times[key] == 1) for key in keys])
    score = _leave_one_out(len(times), len(keys), alone, 1.0)
    if len(keys) < 2:
        return score
    odd, once = sum(count % 2 for count in times.values()), float(alone.sum())
    variance = max(2 * odd - len(times) - once**2 / len(keys), once * (1 - once / len(keys)) / 2)
    return replace(score, standard_error=math.sqrt(variance) / len(keys))


def _key(sample: Text) -> Hashable:
    return sample if isinstance(sample, str | bytes) else tuple(sample)


def coverage(
    samples: Corpus, references: Corpus, highest: int = 4
) -> tuple[dict[int, Score], dict[int, Score]]:
    """N-gram precision and recall: the share of each side's n-grams that occur on the other side.

    Both count occurrences, so an n-gram is weighted by its frequency.

    Args:
        samples: Token sequences.
        references: Token sequences; iterated over once.
        highest: Highest n-gram order.

    Returns:
        The precision and the recall for each order, both in [0, 1]. Precision is the share of the samples'
        n-grams that occur in the references, recall the share of the references' n-grams that occur in the
        samples. NaN if there are no n-grams of that order.
    """
    numbering = Numbering()
    index = Index(numbering.add(samples), highest)
    return coverage_of(index, fold(index, map(numbering.look_up, chunks(references))))


def coverage_of(index: Index, folded: Folded) -> tuple[dict[int, Score], dict[int, Score]]:
    """Compute `coverage` from indexed samples and folded references."""
    precision, recall = {}, {}
    for level in index.levels:
        counts, total = level.counts, folded.total[level.order]
        found = per_sample(counts.owner, counts.count * (total > 0)[counts.ids], len(index))
        precision[level.order] = ratio(found, _sizes(level, len(index)), SHARE)
        alone = _held_alone(level, total, len(index))
        recall[level.order] = _leave_one_out(total.sum(), folded.ngrams[level.order], alone, 0.0)
    return precision, recall


def lengths_of(corpus: Corpus) -> Integers:
    """(S,) number of tokens of each sequence."""
    return np.fromiter((sum(1 for _ in sequence) for sequence in corpus), dtype=np.int64)


def length_distance(samples: Corpus, references: Corpus) -> Score:
    """Wasserstein-1 distance between the length distributions, in tokens.

    This is the mean number of tokens to add to or remove from a sample to match the distributions. NaN if
    either side is empty.
    """
    return length_distance_of(lengths_of(samples), Counter(lengths_of(references).tolist()))


def length_distance_of(lengths: Integers, references: Counter[int]) -> Score:
    """Compute `length_distance` from (S,) sample lengths and the number of references of each length."""
    if not len(lengths) or not references:
        return Score(math.nan, np.full(len(lengths), np.nan))
    axis = np.arange(max(int(lengths.max()), *references) + 1)
    real = np.bincount(list(references), list(references.values()), minlength=len(axis)).cumsum()
    ours = np.bincount(lengths, minlength=len(axis)).cumsum() / len(lengths)
    gap = ours - real / real[-1]
    # A sample of length l adds 1 / S to `ours` at l and above.
    share = np.sign(gap)[::-1].cumsum()[::-1]
    return Score(float(np.abs(gap).sum()), share[lengths])


def mean_length(samples: Corpus) -> Score:
    """Mean number of tokens per sample. NaN without samples."""
    return mean_length_of(lengths_of(samples))


def mean_length_of(lengths: Integers) -> Score:
    """Compute `mean_length` from (S,) lengths."""
    return mean(lengths.astype(np.float64))


def memorised(samples: Iterable[Text], training: Iterable[Text]) -> Score:
    """Share of the samples that are exact copies of a training sample, in [0, 1]. NaN without samples.

    The training set is iterated over once and not kept in memory.
    """
    keys = list(map(_key, samples))
    wanted = set(keys)
    found = {key for key in map(_key, training) if key in wanted}
    return mean(np.array([float(key in found) for key in keys]), SHARE)
