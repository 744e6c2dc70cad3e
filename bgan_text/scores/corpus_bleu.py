"""Corpus BLEU as machine translation reports it: n-grams counted here, all else by sacrebleu."""

import math
from dataclasses import dataclass

import numpy as np

from bgan_text.scores.bleu import clipped, closest
from bgan_text.scores.ngrams import Folded, Index, fold
from bgan_text.scores.score import Floats, Score
from bgan_text.scores.sequences import Corpus, Numbering, chunks

ORDER = 4


def corpus_bleu(samples: Corpus, references: Corpus) -> Score:
    """Corpus BLEU-4 with exponential smoothing of every sample against all references, 0 .. 100.

    The same number as sacrebleu's `BLEU(tokenize="none").corpus_score` where each reference is given as
    a reference of every sample, which for R references would take R times as long (Post 2018).

    Args:
        samples: sequences of tokens.
        references: sequences of tokens, streamed once.

    Returns:
        The score, NaN without samples or references, and (S,) the linearised share of each sample.
    """
    numbering = Numbering()
    index = Index(numbering.add(samples), ORDER)
    return corpus_bleu_of(index, fold(index, map(numbering.look_up, chunks(references))))


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics: (S, 4) clipped matches and n-grams, (S,) lengths and closest references."""

    matches: Floats
    ngrams: Floats
    lengths: Floats
    closest: Floats


def corpus_bleu_of(index: Index, folded: Folded) -> Score:
    """`corpus_bleu` of indexed samples, of order 4 or higher, against folded references."""
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
    value = BLEU.compute_bleu(
        correct=[int(count) for count in statistics.matches.sum(axis=0)],
        total=[int(count) for count in statistics.ngrams.sum(axis=0)],
        sys_len=int(statistics.lengths.sum()),
        ref_len=int(statistics.closest.sum()),
        smooth_method="exp",
    ).score
    return Score(float(value), value * _relative_shares(statistics))


def _relative_shares(statistics: Statistics) -> Floats:
    """(S,) the change of log BLEU with each sample's weight, times S.

    An order without a match is smoothed to a constant and does not move.
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
    """sacrebleu's own signature of these settings; `tokenize` is sacrebleu's name for the tokenizer."""
    from sacrebleu import BLEU

    metric = BLEU(lowercase=lowercase, tokenize=tokenize)
    metric.num_refs = references
    return str(metric.get_signature())
