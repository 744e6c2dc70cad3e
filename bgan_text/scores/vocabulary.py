"""Conversion of str sequences to rows of integers, for scores that train a network."""

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
    """Sequences as rows of tokens.

    Attributes:
        tokens: (S, L) int64.
        cut: Number of sequences truncated to L tokens.
        unknown: Number of tokens outside the vocabulary.
    """

    tokens: Tensor
    cut: int
    unknown: int


@dataclass(frozen=True)
class Vocabulary:
    """A map from units to tokens: known units by decreasing frequency, the unknown token, the end token.

    Attributes:
        numbers: Tokens of the known units.
        others: Number of distinct units of the training text that the unknown token represents, at least 1.
    """

    numbers: Mapping[str, int] = field(repr=False)
    others: int

    @classmethod
    def of(cls, sequences: Iterable[Sequence[str]], size: int) -> "Vocabulary":
        """Build the vocabulary of the `size` most frequent units. Ties are broken alphabetically.

        Raises:
            UserError: If `size` is below 1.
        """
        if size < 1:
            raise UserError(f"a vocabulary of {size} units: at least 1 is needed")
        times = Counter(unit for sequence in sequences for unit in sequence)
        units = sorted(times, key=lambda unit: (-times[unit], unit))[:size]
        return cls({unit: number for number, unit in enumerate(units)}, max(1, len(times) - len(units)))

    @property
    def unknown(self) -> int:
        """The token of all units outside the vocabulary."""
        return len(self.numbers)

    def space(self, positions: int) -> TokenSpace:
        """Return the space of rows of `positions` tokens."""
        return TokenSpace(positions, len(self.numbers) + 2, end=len(self.numbers) + 1)

    def rows(self, sequences: Iterable[Sequence[str]], positions: int) -> Rows:
        """Convert sequences to rows: truncate to L = `positions` tokens, and fill with the end token.

        The row of a sequence of L or more units has no end token.
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
