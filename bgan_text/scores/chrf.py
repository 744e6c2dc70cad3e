"""chrF, the F-score of character n-grams of machine translation, of samples against many references.

sacrebleu compares a sample with every reference in turn and keeps the best one, which takes ten minutes for
1,000 samples and 10,000 references. Here a block of pairs is compared at a time; the numbers are the same.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bgan_text.scores.ngrams import Counts, Index, Level
from bgan_text.scores.score import Floats, Score, mean
from bgan_text.scores.sequences import Integers, Numbering, Sequences, chunks
from bgan_text.scores.threads import one_thread

ORDER = 6
"""Highest order of the character n-grams, as in Popović 2015 and sacrebleu."""
WEIGHT = 2**2
"""beta squared: recall weighs twice as much as precision."""
LIMITS = 0.0, 100.0
PAIRS = 1 << 20
"""Pairs of a sample and a reference that are compared at a time: 120 MiB."""
COMMON = 0.05
"""The n-grams that at least this share of the samples hold are compared by a dense matrix product."""


def chrf(samples: Iterable[str], references: Iterable[str]) -> tuple[Score, Score]:
    """Corpus chrF and the mean sentence chrF, every sample against all references.

    Equal to `corpus_score` of sacrebleu's `CHRF()` (Popović 2015) with every reference given for every
    sample, and to the mean of its `sentence_score`. Both compare a sample with its best reference. White
    space does not count.

    Args:
        samples: S texts.
        references: Texts; iterated over once.

    Returns:
        Two scores in [0, 100]: of the corpus, with `each` (S,) the linearised contribution of every sample,
        and of sentences, with `each` (S,) the chrF of every sample. NaN without samples or references.

    Example:
        >>> corpus, sentences = chrf(["the cat", "a dog"], ["the cat", "the dog"])
        >>> sentences.each.round(2).tolist()
        [100.0, 31.25]
    """
    numbering = Numbering()
    index = Index(numbering.add(map(without_spaces, samples)), ORDER)
    return chrf_of(index, map(numbering.look_up, chunks(map(without_spaces, references))))


def without_spaces(text: str) -> str:
    """A text as chrF sees it."""
    return "".join(text.split())


def chrf_of(index: Index, references: Iterable[Sequences]) -> tuple[Score, Score]:
    """Compute `chrf` from samples indexed up to order 6, and chunks of references of the same numbering.

    Both are sequences of characters without white space.
    """
    with one_thread():
        best = _best(index, references)
    if best is None or not len(index):
        undefined = Score(math.nan, np.full(len(index), np.nan))
        return undefined, undefined
    each = best.f_scores()
    return _corpus(best), mean(each, LIMITS)


@dataclass
class Statistics:
    """Numbers of n-grams, each (6, ...) float64 by order.

    Attributes:
        samples: Of the samples; 0 for orders that the reference has none of.
        references: Of the references.
        matches: Of the samples that are found in the reference, clipped by its counts.
    """

    samples: Floats
    references: Floats
    matches: Floats

    def means(self) -> tuple[Floats, Floats]:
        """(...) precision and recall, means over the orders that both sides have n-grams of, else 0."""
        precision, recall = (np.zeros(self.matches.shape[1:]) for _ in range(2))
        for order, matches in enumerate(self.matches):  # one by one, to round as sacrebleu does
            precision += _over(matches, self.samples[order])
            recall += _over(matches, self.references[order])
        orders = ((self.samples > 0) & (self.references > 0)).sum(axis=0)
        return _over(precision, orders), _over(recall, orders)

    def f_scores(self) -> Floats:
        """(...) chrF, 0 to 100."""
        precision, recall = self.means()
        return 100 * _over((1 + WEIGHT) * precision * recall, WEIGHT * precision + recall)


def _over(parts: Floats, wholes: NDArray[np.float64 | np.int64]) -> Floats:
    """parts / wholes, 0 where there is nothing; both have one shape, or one that broadcasts to the first."""
    return np.asarray(np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0))


def _best(index: Index, references: Iterable[Sequences]) -> Statistics | None:
    """The statistics of each sample with its best reference, the first of equals; None without references."""
    common = [_Common(level, len(index)) for level in index.levels]
    lengths = index.samples.lengths
    found = [np.zeros((ORDER, len(index))) for _ in range(3)]
    best = np.full(len(index), -1.0)
    rows = np.arange(len(index))
    for block in _blocks(references, max(1, PAIRS // max(1, len(index)))):
        matches = np.stack(
            [
                _matches(one, counts, len(block))
                for one, counts in zip(common, index.look_up(block), strict=True)
            ]
        )
        theirs = _sizes(block.lengths)[:, None, :]
        ours = _sizes(lengths)[:, :, None] * (theirs > 0)
        scores = Statistics(ours, np.broadcast_to(theirs, ours.shape), matches).f_scores()
        place = scores.argmax(axis=1)
        better = scores[rows, place] > best
        chosen, at = rows[better], place[better]
        best[chosen] = scores[chosen, at]
        found[0][:, chosen] = ours[:, chosen, at]
        found[1][:, chosen] = theirs[:, 0, at]
        found[2][:, chosen] = matches[:, chosen, at]
    return Statistics(*found) if (best >= 0).all() else None


def _blocks(references: Iterable[Sequences], rows: int) -> Iterator[Sequences]:
    """The references, at most `rows` at a time."""
    for chunk in references:
        for start in range(0, len(chunk), rows):
            yield chunk.take(slice(start, start + rows))


def _sizes(lengths: Integers) -> Floats:
    """(6, ...) numbers of n-grams of texts of these lengths."""
    return np.asarray(np.maximum(0, lengths - np.arange(ORDER)[:, None]), dtype=np.float64)


class _Common:
    """The n-grams of one order of the samples: common ones as a matrix, all by n-gram.

    The k-th occurrence of an n-gram in a text is a feature of its own, so the clipped number of matches of
    two texts is the number of features that they share, a product of zeros and ones.
    """

    def __init__(self, level: Level, samples: int) -> None:
        self.counts, self.samples = level.counts, samples
        self.holders = level.holders()
        self.first = np.cumsum(self.holders) - self.holders
        self.common = self.holders >= max(2, COMMON * samples)
        _, most = self.counts.per_ngram(self.counts.count, np.maximum)
        self.most = np.where(self.common, most, 0) if level.distinct else np.zeros(0, dtype=np.int64)
        self.offset = np.cumsum(self.most) - self.most
        self.matrix = self.features(self.counts, samples)

    def features(self, counts: Counts, rows: int) -> Tensor:
        """(rows, features) float32, 1 where a row has a feature of the common n-grams."""
        held = self.common[counts.ids]
        ids, owner = counts.ids[held], counts.owner[held]
        times = np.minimum(counts.count[held], self.most[ids])
        within = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
        matrix = torch.zeros(rows, int(self.most.sum()))
        columns = np.repeat(self.offset[ids], times) + within
        matrix[torch.from_numpy(np.repeat(owner, times).astype(np.int64)), torch.from_numpy(columns)] = 1.0
        return matrix


def _matches(ours: _Common, theirs: Counts, references: int) -> Floats:
    """(S, R) clipped numbers of matches between each sample and each reference of a block."""
    dense = (ours.matrix @ ours.features(theirs, references).T).double().numpy()
    rare = ~ours.common[theirs.ids]
    ids, owner, count = theirs.ids[rare], theirs.owner[rare], theirs.count[rare]
    times = ours.holders[ids]
    within = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
    held = np.repeat(ours.first[ids], times) + within  # each pair of a sample and a reference that share one
    pairs = ours.counts.owner[held].astype(np.int64) * references + np.repeat(owner, times)
    shared = np.minimum(ours.counts.count[held], np.repeat(count, times))
    sparse = np.bincount(pairs, shared, minlength=ours.samples * references)
    return np.asarray(dense + sparse.reshape(ours.samples, references))


def _corpus(best: Statistics) -> Score:
    """The chrF of the sums of the statistics, with the derivative with respect to each sample's weight."""
    size = best.matches.shape[1]
    ours, theirs, matches = (part.sum(axis=1) for part in (best.samples, best.references, best.matches))
    total = Statistics(ours, theirs, matches)
    value = float(total.f_scores())
    precision, recall = total.means()
    whole = (WEIGHT * precision + recall) ** 2
    if not whole:
        return Score(value, np.zeros(size), limits=LIMITS)
    orders = max(1, int(((ours > 0) & (theirs > 0)).sum()))
    slopes = []
    for of, parts in ((ours, best.samples), (theirs, best.references)):
        share = _over(matches, of)[:, None]
        change = best.matches - share * parts
        slopes.append(_over(change, np.broadcast_to(of[:, None], change.shape)).sum(axis=0) * size / orders)
    by_precision, by_recall = recall**2 / whole, WEIGHT * precision**2 / whole
    each = 100 * (1 + WEIGHT) * (by_precision * slopes[0] + by_recall * slopes[1])
    return Score(value, each, limits=LIMITS)


def signature(*, lowercase: bool, references: int) -> str:
    """sacrebleu's signature for these settings."""
    from sacrebleu import CHRF

    metric = CHRF(lowercase=lowercase)
    metric.num_refs = references
    return str(metric.get_signature())
