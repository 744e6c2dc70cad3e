"""Scores of generated sequences. Those listed here are exact: nothing is sampled or approximated.

A corpus is a list (or, for references and training text, any stream) of token sequences: lists of
words, rows of an integer array, or str, each the sequence of its characters. Each score is a `Score`:
its value and what every sample contributes. A score that is not defined for what it was given is NaN.
"""

from bgan_text.scores.bleu import bleu, self_bleu
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
from bgan_text.scores.memorisation import memorised_span
from bgan_text.scores.score import Score
from bgan_text.scores.uncertainty import interval

__all__ = [
    "Score",
    "bleu",
    "corpus_bleu",
    "coverage",
    "distinct",
    "interval",
    "js",
    "length_distance",
    "mean_length",
    "memorised",
    "memorised_span",
    "self_bleu",
    "unique",
]
