"""The Zipf coefficient of token frequencies."""

import math
from dataclasses import dataclass

import numpy as np

from bgan_text.scores.ngrams import Index, Level, per_sample
from bgan_text.scores.score import Floats, Score
from bgan_text.scores.sequences import Corpus, Integers, Numbering
from bgan_text.scores.uncertainty import jackknife

RANKS = 5000
"""The ranks that count, from 1: as in the code of Holtzman et al. 2020."""


def zipf(samples: Corpus, ranks: int = RANKS) -> Score:
    """Zipf coefficient: minus the slope of log frequency over log rank (Holtzman et al. 2020, section 5.3).

    Tokens are ranked by their number of occurrences in all samples, most frequent first; equal frequencies
    have ranks of their own. A least-squares line is fitted to the points (log rank, log frequency) of ranks 1
    to `ranks`, or of all if there are fewer. Natural text has about 1. The value depends on the number of
    tokens, so compare only equal numbers of samples.

    Args:
        samples: Token sequences.
        ranks: The largest rank, at least 2.

    Returns:
        A score of at least 0, with `each` (S,) jackknife pseudo-values. NaN for fewer than two different
        tokens.

    Example:
        >>> round(zipf(["aaaa", "bb"]).value, 6)  # frequencies 4 and 2
        1.0
    """
    return zipf_of(Index(Numbering().add(samples), 1), ranks)


def zipf_of(index: Index, ranks: int = RANKS) -> Score:
    """Compute `zipf` from indexed samples."""
    level, size = index.levels[0], len(index)
    if level.distinct < 2:
        return Score(math.nan, np.full(size, np.nan))
    times = level.occurrences()
    line = _Line.of(times, ranks)
    value = float(line.slope(*(np.array([part]) for part in line.sums()))[0])
    without = line.slope(*line.sums_without(level, times, size))
    return Score(value, jackknife(value, without))


@dataclass(frozen=True)
class _Line:
    """The least-squares line through (log rank, log frequency).

    By summation by parts, the sum over ranks of a(rank) log f(rank) is the sum over frequencies j of
    (log j - log(j - 1)) times the sum of a over the ranks of the tokens that occur at least j times. Leaving
    out a sample changes few of those numbers of tokens.

    Attributes:
        ranks: The largest rank.
        tokens: (F,) number of tokens that occur at least 1, 2, ... F times.
        steps: (F,) log j - log(j - 1), 0 for j = 1.
        logs: (V + 1,) sum of the logarithms of the first 0, 1, ... V ranks.
        squares: (V + 1,) sum of their squares.
    """

    ranks: int
    tokens: Integers
    steps: Floats
    logs: Floats
    squares: Floats

    @classmethod
    def of(cls, times: Integers, ranks: int) -> "_Line":
        tokens = np.cumsum(np.bincount(times)[::-1])[::-1][1:]
        steps = np.diff(np.log(np.arange(1, len(tokens) + 1)), prepend=0.0)
        places = np.log(np.arange(1, len(times) + 1))
        logs, squares = (np.concatenate([[0.0], np.cumsum(part)]) for part in (places, places**2))
        return cls(ranks, tokens, steps, logs, squares)

    def slope(self, count: Floats, products: Floats, frequencies: Floats) -> Floats:
        """Minus the slope, from the number of ranks and the sums of products and of log frequencies.

        NaN for a single rank.
        """
        places = count.astype(np.int64)
        logs, squares = self.logs[places], self.squares[places]
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes = (products - logs * frequencies / count) / (squares - logs**2 / count)
        return np.asarray(np.where(count > 1, -slopes, np.nan))

    def sums(self) -> tuple[float, float, float]:
        """The arguments of `slope` for all samples."""
        used = np.minimum(self.tokens, self.ranks)
        return float(used[0]), float(self.steps @ self.logs[used]), float(self.steps @ used)

    def sums_without(self, level: Level, times: Integers, samples: int) -> tuple[Floats, Floats, Floats]:
        """The arguments of `slope` without each of the samples."""
        counts = level.counts
        # A token of frequency f that a sample has k times falls below f, f - 1, ... f - k + 1.
        owner = np.repeat(counts.owner, counts.count).astype(np.int64)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(counts.count) - counts.count, counts.count)
        place = np.repeat(times[counts.ids], counts.count) - 1 - within
        keys, fallen = np.unique(owner * len(self.tokens) + place, return_counts=True)
        owner, place = np.divmod(keys, len(self.tokens))
        before = np.minimum(self.tokens[place], self.ranks)
        after = np.minimum(self.tokens[place] - fallen, self.ranks)
        lost = (
            np.where(place == 0, before - after, 0),
            self.steps[place] * (self.logs[before] - self.logs[after]),
            self.steps[place] * (before - after),
        )
        first, second, third = (
            whole - per_sample(owner, part, samples) for whole, part in zip(self.sums(), lost, strict=True)
        )
        return first, second, third
