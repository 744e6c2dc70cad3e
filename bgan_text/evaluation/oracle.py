"""Exact likelihoods of samples under the oracle that the data were drawn from."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bgan_text.corpora.oracle import Oracle
from bgan_text.evaluation.ngrams import Group, Scores
from bgan_text.reporter import Reporter
from bgan_text.scores.score import Score

DIGITS = 20
"""A word of so many digits is no token."""


def oracle_scores(
    groups: Sequence[Group], held_out: Tensor, oracle: Oracle, reporter: Reporter
) -> list[Scores]:
    """The score `nll-oracle` of each group; of the last one, real rows, `nll-test` under the oracle as well.

    Args:
        groups: samples as text, the anchor last.
        held_out: (R, L) rows of the test split.
        oracle: the distribution of the data.
        reporter: receives the progress.
    """
    found: list[Scores] = []
    with reporter.task("likelihood under the oracle", "models") as progress:
        for group in groups:
            found.append({"nll-oracle": nll_oracle(group.texts, oracle, held_out.shape[1])})
            progress(len(found), len(groups))
        found[-1]["nll-test"] = nll_of(held_out, oracle)
    return found


def nll_oracle(texts: Sequence[str], oracle: Oracle, positions: int) -> Score:
    """The mean negative log-likelihood of samples under the oracle, in nats per token.

    It is undefined if some are no rows of so many tokens: these have probability 0. The note counts them.
    """
    rows = [row for text in texts if (row := _row(text, oracle.vocabulary, positions)) is not None]
    if others := len(texts) - len(rows):
        wanted = f"{positions} token{'s' * (positions > 1)} below {oracle.vocabulary:,}"
        note = f"{others:,} of {len(texts):,} samples are not {wanted} and have probability 0"
        return Score(math.nan, np.empty(0), note=note)
    return nll_of(torch.tensor(rows), oracle) if rows else Score(math.nan, np.empty(0))


def nll_of(rows: Tensor, oracle: Oracle) -> Score:
    """The mean negative log-likelihood of rows under the oracle, in nats per token: (S, L) int64."""
    each = -oracle.log_prob(rows).numpy() / rows.shape[1]
    return Score(float(each.mean()), each)


def _row(text: str, vocabulary: int, positions: int) -> list[int] | None:
    """The tokens of a text, if there are so many and all of them are numbers below `vocabulary`."""
    words = text.split()
    if len(words) != positions or not all(word.isdecimal() and len(word) < DIGITS for word in words):
        return None
    tokens = [int(word) for word in words]
    return tokens if max(tokens) < vocabulary else None
