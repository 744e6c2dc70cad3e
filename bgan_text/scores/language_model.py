"""A plain autoregressive language model: the project's recurrent generator without noise.

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
"""Rows that are scored or drawn at a time."""


@dataclass(frozen=True)
class LanguageModel:
    """An autoregressive distribution over rows: the recurrent generator with its noise held at zero.

    With noise, p(x) would be an integral over it that has no closed form. With noise that is always
    zero only the biases of the layers that read it are left, and log p(x) is exact in one pass.

    `held_out`: the best log-likelihood of the rows held out, nats per token, reached after `step` steps.
    """

    net: RecurrentGenerator
    held_out: float = math.nan
    step: int = 0

    @torch.no_grad()
    def log_prob(self, rows: Tensor) -> Tensor:
        """log p of each row in nats, end token included: (S, L) -> (S,), on the device of `rows`.

        Raises:
            UserError: the rows are not of the model's space.
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
        """(count, L) int64 rows, on the model's device, as is `rng`. Logits are divided by `temperature`.

        Raises:
            UserError: the count is below 1, or the temperature not above 0.
        """
        if count < 1 or not temperature > 0:
            raise UserError(f"{count} samples at temperature {temperature:g}: numbers above 0 are needed")
        sizes = [min(ROWS, count - begin) for begin in range(0, count, ROWS)]
        return torch.cat([self._rows(size).sample(1, rng, temperature)[0] for size in sizes])

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.net.logits.weight.device

    def _rows(self, count: int) -> AutoregressiveDistribution:
        return self.net.forward(torch.zeros(count, self.net.noise, device=self.device))


def check_rows(rows: Tensor, space: TokenSpace) -> None:
    """Raise a `UserError` unless the rows are (S, L) tokens of the space."""
    if rows.dim() != 2 or rows.shape[1] != space.positions:
        raise UserError(f"rows of shape {tuple(rows.shape)}: (rows, {space.positions}) is needed")
    least, most = (int(rows.min()), int(rows.max())) if len(rows) else (0, 0)
    if least < 0 or most >= space.vocabulary:
        raise UserError(f"tokens {least}..{most}: outside the vocabulary, 0..{space.vocabulary - 1}")


def token_count(rows: Tensor, end: int | None) -> Tensor:
    """How many tokens of each row count, the end token included: (S, L) -> (S,) int64."""
    return counted(rows, end).sum(dim=-1)


def trimmed(rows: Tensor, end: int | None) -> Tensor:
    """Rows without the last positions, of which none counts."""
    return rows[:, : int(token_count(rows, end).max())]
