"""A look at a run while it trains: three samples, and how far their n-grams are from real ones."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bgan_text.corpora.prepared import Prepared
from bgan_text.run import sample_rows
from bgan_text.scores.distribution import js_of_rows
from bgan_text.scores.sequences import Sequences
from bgan_text.state import State

EVALUATION_SAMPLES = 1000
SHOWN_SAMPLES = 3


@dataclass(frozen=True)
class Evaluation:
    """JS-1..4 of token n-grams against the validation split, and a few samples."""

    divergences: dict[str, float]
    samples: list[str]


class Evaluator:
    """Evaluates states of one run on the validation split, always with the same noise."""

    def __init__(self, prepared: Prepared, seed: int) -> None:
        self.tokenizer, self.space, self.seed = prepared.tokenizer(), prepared.space, seed
        self.validation = self._sequences(prepared.rows("validation"))

    def __call__(self, state: State) -> Evaluation:
        """Sample the weight average and compare; the run's own random stream is not touched."""
        sampler = state.sampler()
        rows = torch.cat(list(sample_rows(sampler, EVALUATION_SAMPLES, self.seed, state.device)))
        values = js_of_rows(self._sequences(rows), self.validation, min(4, self.space.positions))
        return Evaluation(
            {f"js-{order}": value for order, value in values.items()},
            [self.tokenizer.decode(row) for row in rows[:SHOWN_SAMPLES].tolist()],
        )

    def _sequences(self, rows: Tensor) -> Sequences:
        lengths = np.full(len(rows), self.space.positions, dtype=np.int64)
        return Sequences(rows.reshape(-1).numpy(), lengths, self.space.vocabulary)
