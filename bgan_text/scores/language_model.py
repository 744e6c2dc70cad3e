"""An autoregressive language model: the recurrent generator without noise.

Shapes: S rows, L positions, V vocabulary.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bgan_text.errors import UserError
from bgan_text.models.distributions import AutoregressiveDistribution
from bgan_text.models.generators import RecurrentGenerator
from bgan_text.models.sampling import counted
from bgan_text.space import TokenSpace

ROWS = 256
"""Number of rows scored or sampled at a time."""


@dataclass(frozen=True)
class LanguageModel:
    """An autoregressive distribution over rows: the recurrent generator with its noise set to zero.

    With noise, p(x) would be an integral over the noise without closed form. With zero noise only the biases
    of the layers that read it remain, and one forward pass gives log p(x) exactly.

    Attributes:
        net: The generator.
        held_out: Best log-likelihood on the validation set, in nats per token.
        step: Number of steps after which it was reached.
    """

    net: RecurrentGenerator
    held_out: float = math.nan
    step: int = 0

    @torch.no_grad()
    def log_prob(self, rows: Tensor) -> Tensor:
        """Log-probability of each row in nats, including the end token.

        Args:
            rows: (S, L) int64.

        Returns:
            (S,) float32 on the device of `rows`.

        Raises:
            UserError: If the rows are outside the model's space.
        """
        check_rows(rows, self.net.space)
        end, values = self.net.space.end, torch.empty(len(rows), device=rows.device)
        by_length = token_count(rows, end).argsort()
        for chosen in by_length.split(ROWS) if len(rows) else ():
            part = trimmed(rows[chosen], end).to(self.device)
            values[chosen] = self._rows(len(part)).log_prob(part[None])[0].to(rows.device)
        return values

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Sample rows from the model.

        Args:
            count: Number of rows, at least 1.
            rng: Generator on the model's device.
            temperature: Divisor of the logits, above 0.

        Returns:
            (count, L) int64 on the model's device.

        Raises:
            UserError: If `count` or `temperature` is out of range.
        """
        if count < 1 or not temperature > 0:
            raise UserError(f"{count} samples at temperature {temperature:g}: numbers above 0 are needed")
        sizes = [min(ROWS, count - begin) for begin in range(0, count, ROWS)]
        return torch.cat([self._rows(size).sample(1, rng, temperature)[0] for size in sizes])

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return self.net.logits.weight.device

    def _rows(self, count: int) -> AutoregressiveDistribution:
        return self.net.forward(torch.zeros(count, self.net.noise, device=self.device))


def check_rows(rows: Tensor, space: TokenSpace) -> None:
    """Raise `UserError` unless the rows are (S, L) tokens of the space."""
    if rows.dim() != 2 or rows.shape[1] != space.positions:
        raise UserError(f"rows of shape {tuple(rows.shape)}: (rows, {space.positions}) is needed")
    least, most = (int(rows.min()), int(rows.max())) if len(rows) else (0, 0)
    if least < 0 or most >= space.vocabulary:
        raise UserError(f"tokens {least}..{most}: outside the vocabulary, 0..{space.vocabulary - 1}")


def token_count(rows: Tensor, end: int | None) -> Tensor:
    """Number of tokens of each row up to and including the end token: (S, L) -> (S,) int64."""
    return counted(rows, end).sum(dim=-1)


def trimmed(rows: Tensor, end: int | None) -> Tensor:
    """Remove the trailing positions that follow the end token in every row."""
    return rows[:, : int(token_count(rows, end).max())]
