"""Scores of generated samples.

The scores exported here are exact: they involve no sampling and no approximation.

A corpus is a list of token sequences; references and training text may also be any iterable. A sequence is a
list of words, a row of an integer array, or a str, which is treated as a sequence of characters.

Each score is a `Score`: its value and the contribution of every sample. The value is NaN where the score is
undefined for the given input.
"""

from bgan_text.scores.bleu import bleu, self_bleu
from bgan_text.scores.chrf import chrf
from bgan_text.scores.corpus_bleu import corpus_bleu
from bgan_text.scores.distribution import (
    coverage,
    distinct,
    js,
    length_distance,
    mean_length,
    memorised,
    unique,
)
from bgan_text.scores.memorisation import memorised_span, novelty
from bgan_text.scores.score import Score
from bgan_text.scores.uncertainty import interval
from bgan_text.scores.zipf import zipf

__all__ = [
    "Score",
    "bleu",
    "chrf",
    "corpus_bleu",
    "coverage",
    "distinct",
    "interval",
    "js",
    "length_distance",
    "mean_length",
    "memorised",
    "memorised_span",
    "novelty",
    "self_bleu",
    "unique",
    "zipf",
]
