"""Texts as rows of integers over one vocabulary, for the scores that train a network."""

from collections.abc import Iterable
from functools import cached_property
from itertools import islice, takewhile

import torch
from torch import Tensor

from bgan_text.corpora.ngram_units import splitter
from bgan_text.errors import UserError
from bgan_text.evaluation.inputs import drawn
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.evaluation.text_inputs import Real
from bgan_text.scores.vocabulary import Vocabulary
from bgan_text.space import TokenSpace

LONGEST = 128
"""The most tokens of a text that these scores see."""
REAL_ROWS = 10_000
"""Real texts that a network is trained or evaluated on, at most; chosen at random."""
UNKNOWN = "\ufffd"
"""Stands for an unknown unit in text: a single unit, whatever the units are."""


class TokenRows:
    """Rows over the most frequent units of real training text, one number for all others, and the end.

    They are as long as the longest training text, or as the window that was asked for. `vocabulary`: the most
    units with a number of their own. `cut`: how many texts were longer than a row.
    """

    def __init__(self, options: EvaluationOptions, real: Real, units: str, vocabulary: int) -> None:
        self._real, self._seed, self.cut = real, options.seed, 0
        self._split = splitter(units)
        self._between = "" if units == "char" else " "
        training = list(map(self._split, self._training_texts))
        if not training:
            raise UserError(
                f"{real.name} has a single text, and half of real text is needed to train on: give `train`"
            )
        self.vocabulary = Vocabulary.of(training, vocabulary)
        longest = options.window or max(map(len, training))
        self.space: TokenSpace = self.vocabulary.space(min(longest, LONGEST))

    @cached_property
    def _training_texts(self) -> list[str]:
        """Training text, or every second reference. The texts of the anchor are not among them."""
        if self._real.training is not None:
            return drawn(self._real.training.texts(), REAL_ROWS, self._seed)
        return drawn(islice(self._real.references(), 1, None, 2), REAL_ROWS, self._seed)

    @cached_property
    def training(self) -> Tensor:
        """(R, L) rows of training text."""
        return self.of(self._training_texts)

    def some_training(self, count: int) -> Tensor:
        """(count, L) training rows chosen at random, or all if there are no more."""
        rng = torch.Generator().manual_seed(self._seed)
        return self.training[torch.randperm(len(self.training), generator=rng)[:count]]

    @cached_property
    def held_out(self) -> Tensor:
        """(R, L) rows of real text that is not among the training rows."""
        step = None if self._real.training is not None else 2
        return self.of(drawn(islice(self._real.references(), 0, None, step), REAL_ROWS, self._seed))

    def of(self, texts: Iterable[str]) -> Tensor:
        """(S, L) int64 rows of texts."""
        rows = self.vocabulary.rows(list(map(self._split, texts)), self.space.positions)
        self.cut += rows.cut
        return rows.tokens

    def texts(self, rows: Tensor) -> list[str]:
        """The texts of rows, up to the end."""
        units = [*self.vocabulary.numbers, UNKNOWN]
        return [
            self._between.join(units[token] for token in takewhile(lambda token: token < len(units), row))
            for row in rows.tolist()
        ]
