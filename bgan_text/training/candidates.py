"""Sampling with the weights of the discriminator: of K candidates one is kept.

A discriminator that was trained estimates F(x) = log p(x) / q(x), so p(x) = q(x) exp F(x) says how to correct
the samples of the generator. K candidates are drawn, each from noise of its own, and one is kept, drawn with
its normalised weight softmax(F). As K grows, what is kept is distributed as q exp F, which is p where F is
exact. Two cases differ. After token credit with prefixes of data, F is log p minus the sum of the logs of the
generator's conditionals, each averaged over the noise: that is log p / q if g ignores its noise. At
another temperature than 1, q is that of the temperature, and F is still that of temperature 1.

Sources: Rubin, "Using the SIR algorithm to simulate posterior distributions", 1988; Azadi et al.,
"Discriminator rejection sampling", 2019 (images); Deng et al., "Residual energy-based models for text
generation", 2020.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from bgan_text.errors import UserError
from bgan_text.models.sampling import counted
from bgan_text.objective_table import TOKEN_CREDIT
from bgan_text.objectives.token_weights import sequence_scores
from bgan_text.space import Space, TokenSpace
from bgan_text.training.token_credit import sequences_at_a_time

Item = TypeVar("Item")
Scorer = Callable[[Tensor], Tensor]
"""Samples (n, ...) -> their scores (n,)."""


@dataclass
class EffectiveCandidates:
    """The mean of 1 / sum of squared weights over samples: how many of the K candidates carry the weight.

    Attributes:
        total: its sum.
        samples: how many samples were kept.
    """

    total: float = 0.0
    samples: int = 0

    def add(self, numbers: Tensor) -> None:
        """Take in the effective numbers of some samples, (n,)."""
        self.total += float(numbers.sum())
        self.samples += len(numbers)

    @property
    def mean(self) -> float | None:
        """1: one candidate decides; K: all have equal weight and the choice corrects nothing.

        None if no sample had several candidates.
        """
        return self.total / self.samples if self.samples else None


class Samples(Iterator[Item]):
    """Samples one after the other, and how many of their candidates carry the weight.

    Attributes:
        effective: of the samples so far; of none if each sample had one candidate.
        step: of the checkpoint that they are drawn from.
    """

    def __init__(self, items: Iterator[Item], effective: EffectiveCandidates, step: int) -> None:
        self._items, self.effective, self.step = items, effective, step

    def __next__(self) -> Item:
        return next(self._items)


def scorer(discriminator: nn.Module, credit: str, space: Space) -> Scorer:
    """The log-ratio of whole samples by a discriminator of any credit.

    Args:
        discriminator: in evaluation mode.
        credit: what it was trained for, see `Config.credit`.
        space: of the samples.
    """

    def of_tokens(samples: Tensor) -> Tensor:
        assert isinstance(space, TokenSpace)
        where = counted(samples, space.end)
        return sequence_scores(discriminator(samples, where), samples, where)

    def score(samples: Tensor) -> Tensor:
        if credit == TOKEN_CREDIT:
            assert isinstance(space, TokenSpace)
            return torch.cat([of_tokens(part) for part in samples.split(sequences_at_a_time(space))])
        scores: Tensor = discriminator(samples)
        return scores[:, -1] if credit == "prefix" else scores

    return score


@torch.no_grad()
def kept(
    batches: Iterator[Tensor],
    score: Scorer,
    candidates: int,
    rng: torch.Generator,
    device: torch.device,
    effective: EffectiveCandidates,
) -> Iterator[Tensor]:
    """One of every K samples in succession, drawn with its normalised weight.

    Which one is kept depends on the random numbers and on the candidates, not on how they are batched.

    Args:
        batches: the candidates, (n, ...) each, a multiple of K in all.
        score: their log-ratios.
        candidates: K.
        rng: the random numbers of the choice, on the CPU.
        device: where the candidates are scored.
        effective: where the effective number of candidates is added up.

    Yields:
        Batches of samples, on the CPU.
    """
    samples, scores = torch.empty(0), torch.empty(0)
    for batch in batches:
        fresh = score(batch.to(device)).float().cpu()
        samples = torch.cat([samples, batch]) if len(samples) else batch
        scores = torch.cat([scores, fresh])
        whole = len(samples) // candidates * candidates
        if whole:
            logs = scores[:whole].view(-1, candidates)
            effective.add(effective_numbers(logs))
            picked = chosen(logs, rng)
            yield samples[:whole].unflatten(0, (-1, candidates))[torch.arange(len(picked)), picked]
            samples, scores = samples[whole:], scores[whole:]


def effective_numbers(log_weights: Tensor) -> Tensor:
    """1 / sum of squared normalised weights: (n, K) -> (n,) float64."""
    return log_weights.double().softmax(dim=1).square().sum(dim=1).reciprocal()


def refuse_nonfinite(log_weights: Tensor) -> None:
    """Raise a `UserError` if rows of logs of weights, (n, K), cannot be normalised."""
    if not log_weights.double().logsumexp(dim=1).isfinite().all():
        raise UserError(
            "the discriminator's scores of samples are not finite, so they cannot choose or correct: train "
            "it again with a lower `discriminator_lr`, or name another `step`"
        )


def chosen(log_weights: Tensor, rng: torch.Generator) -> Tensor:
    """(n, K) -> (n,) indices, each drawn with the softmax of its row, on the device of both.

    Raises:
        UserError: weights are not finite.
    """
    refuse_nonfinite(log_weights)
    weights = log_weights.double().softmax(dim=1)
    uniform = torch.rand(len(weights), 1, generator=rng, device=rng.device, dtype=torch.float64)
    return (weights.cumsum(dim=1) < uniform).sum(dim=1).clamp(max=weights.shape[1] - 1)
