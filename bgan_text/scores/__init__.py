"""Scores of generated sequences. Those listed here are exact: nothing is sampled or approximated.

A corpus is a list (or, for references and training text, any stream) of token sequences: lists of
words, rows of an integer array, or str, each the sequence of its characters. Each score is a `Score`:
its value and what every sample contributes. A score that is not defined for what it was given is NaN.
"""

from bgan_text.scores.bleu import bleu, self_bleu
from bgan_text.scores.copying import copied_span
from bgan_text.scores.corpus_bleu import corpus_bleu
from bgan_text.scores.distribution import (
    copied,
    coverage,
    distinct,
    distinct_samples,
    js,
    length_distance,
    mean_length,
)
from bgan_text.scores.score import Score
from bgan_text.scores.uncertainty import interval

__all__ = [
    "Score",
    "bleu",
    "copied",
    "copied_span",
    "corpus_bleu",
    "coverage",
    "distinct",
    "distinct_samples",
    "interval",
    "js",
    "length_distance",
    "mean_length",
    "self_bleu",
]
