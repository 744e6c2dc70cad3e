"""Sequences of str as rows of integers, for the scores that train a net."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bgan_text.errors import UserError
from bgan_text.space import TokenSpace


class Rows(NamedTuple):
    """`tokens`: (S, L) int64. `cut`: sequences longer than L. `unknown`: tokens out of the vocabulary."""

    tokens: Tensor
    cut: int
    unknown: int


@dataclass(frozen=True)
class Vocabulary:
    """The numbers of the units, the commonest first, then that of all unknown units, then the end.

    `others`: how many different units of the training text the unknown one stands for, at least 1.
    """

    numbers: Mapping[str, int] = field(repr=False)
    others: int

    @classmethod
    def of(cls, sequences: Iterable[Sequence[str]], size: int) -> "Vocabulary":
        """The `size` commonest units of the training text; of equally common ones the alphabetically first.

        Raises:
            UserError: size is below 1.
        """
        if size < 1:
            raise UserError(f"a vocabulary of {size} units: at least 1 is needed")
        times = Counter(unit for sequence in sequences for unit in sequence)
        units = sorted(times, key=lambda unit: (-times[unit], unit))[:size]
        return cls({unit: number for number, unit in enumerate(units)}, max(1, len(times) - len(units)))

    @property
    def unknown(self) -> int:
        """The number of every unit that has none of its own."""
        return len(self.numbers)

    def space(self, positions: int) -> TokenSpace:
        """The rows of `positions` tokens over this vocabulary."""
        return TokenSpace(positions, len(self.numbers) + 2, end=len(self.numbers) + 1)

    def rows(self, sequences: Iterable[Sequence[str]], positions: int) -> Rows:
        """Sequences as rows: cut at L = `positions`, shorter ones filled with the end token.

        A cut sequence, or one of exactly L units, has no end in its row.
        """
        unknown, end = len(self.numbers), len(self.numbers) + 1
        rows, cut, missed = [], 0, 0
        for sequence in sequences:
            row = [self.numbers.get(unit, unknown) for unit in sequence[:positions]]
            cut += len(sequence) > positions
            missed += row.count(unknown)
            rows.append(row + [end] * (positions - len(row)))
        tokens = np.array(rows, dtype=np.int64).reshape(len(rows), positions)
        return Rows(torch.from_numpy(tokens), cut, missed)
