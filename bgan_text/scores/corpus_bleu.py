"""Corpus BLEU as reported in machine translation: n-grams are counted here, sacrebleu does the rest."""

import math
from dataclasses import dataclass

import numpy as np

from bgan_text.scores.bleu import clipped, closest
from bgan_text.scores.ngrams import Folded, Index, fold
from bgan_text.scores.score import Floats, Score
from bgan_text.scores.sequences import Corpus, Numbering, chunks

ORDER = 4


def corpus_bleu(samples: Corpus, references: Corpus) -> Score:
    """Corpus BLEU-4 with exponential smoothing, every sample against all references.

    Equal to sacrebleu's `BLEU(tokenize="none").corpus_score` (Post 2018) with every reference given for every
    sample. For R references that call would take R times as long.

    Args:
        samples: Token sequences.
        references: Token sequences; iterated over once.

    Returns:
        The score, in [0, 100], with `each` (S,) the linearised contribution of every sample. NaN without
        samples or references, and if no sample has four tokens: sacrebleu then gives 0, though there is no
        4-gram that could match.
    """
    numbering = Numbering()
    index = Index(numbering.add(samples), ORDER)
    return corpus_bleu_of(index, fold(index, map(numbering.look_up, chunks(references))))


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of corpus BLEU.

    Attributes:
        matches: (S, 4) clipped n-gram matches.
        ngrams: (S, 4) number of n-grams.
        lengths: (S,) sample lengths.
        closest: (S,) closest reference lengths.
    """

    matches: Floats
    ngrams: Floats
    lengths: Floats
    closest: Floats


def corpus_bleu_of(index: Index, folded: Folded) -> Score:
    """Compute `corpus_bleu` from samples indexed up to order 4 or higher and folded references."""
    from sacrebleu import BLEU

    if not len(index) or not folded.lengths:
        return Score(math.nan, np.full(len(index), np.nan))
    lengths = index.samples.lengths
    orders = np.arange(ORDER)
    statistics = Statistics(
        np.stack(clipped(index, folded)[:ORDER], axis=1),
        np.maximum(0, lengths[:, None] - orders).astype(np.float64),
        lengths.astype(np.float64),
        closest(lengths, np.array(sorted(folded.lengths))).astype(np.float64),
    )
    if not statistics.ngrams.sum(axis=0).all():
        return Score(math.nan, np.full(len(index), np.nan), note=f"no sample has {ORDER} tokens")
    value = BLEU.compute_bleu(
        correct=[int(count) for count in statistics.matches.sum(axis=0)],
        total=[int(count) for count in statistics.ngrams.sum(axis=0)],
        sys_len=int(statistics.lengths.sum()),
        ref_len=int(statistics.closest.sum()),
        smooth_method="exp",
    ).score
    return Score(float(value), value * _relative_shares(statistics), limits=(0.0, 100.0))


def _relative_shares(statistics: Statistics) -> Floats:
    """(S,) derivative of log BLEU with respect to the weight of each sample, times S.

    An order without matches is smoothed to a constant, so its derivative is 0.
    """
    size = len(statistics.lengths)
    shares = np.zeros(size)
    for matches, ngrams in zip(statistics.matches.T, statistics.ngrams.T, strict=True):
        if matches.sum():
            shares += (matches / matches.sum() - ngrams / ngrams.sum()) * size / ORDER
    produced, wanted = statistics.lengths.sum(), statistics.closest.sum()
    if 0 < produced < wanted:
        share = statistics.lengths / produced - statistics.closest / wanted
        shares += share * size * wanted / produced
    return shares


def signature(tokenize: str, *, lowercase: bool, references: int) -> str:
    """sacrebleu's signature for these settings; `tokenize` is sacrebleu's name of the tokenizer."""
    from sacrebleu import BLEU

    metric = BLEU(lowercase=lowercase, tokenize=tokenize)
    metric.num_refs = references
    return str(metric.get_signature())
