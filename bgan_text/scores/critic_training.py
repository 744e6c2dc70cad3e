"""Training of a critic: its objective, model selection and early stopping.

Shapes: R and S rows, L positions. Continuous images are (R, channels, height, width) instead of (R, L).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bgan_text.errors import UserError
from bgan_text.objectives.discriminator_objective import DiscriminatorObjective
from bgan_text.objectives.gradient_penalty import gradient_norms, penalty
from bgan_text.scores.critic_nets import CriticNet

SCALES = [(step / 20) ** 2 for step in range(21)]
"""Candidate factors of the scores, selected on the validation set.

A critic trained on few rows is overconfident.
"""

CAUTION = 2.0
"""Number of standard errors subtracted from the validation value.

This prevents the selection of a critic on the evidence of a few rows. If no positive value remains, the
selected scale is 0 and the f-divergence is estimated as 0.
"""

BETAS = 0.5, 0.99
CHUNK_ROWS = 256
Pair = tuple[Tensor, ...]
"""(R, L) real rows and (S, L) samples."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CriticDistance:
    """A distance that a critic can estimate.

    Attributes:
        divergence: Objective that the critic maximises.
        unit: Unit of the distance, in nats.
        penalised: Whether a gradient penalty keeps the critic's gradient norm near 1. Weight decay and
            scaling of the scores are then disabled.
    """

    divergence: DiscriminatorObjective
    unit: float = 1.0
    penalised: bool = False


@dataclass(frozen=True, kw_only=True)
class CriticSettings:
    """Size and training of a critic.

    Attributes:
        width: Channels.
        blocks: Residual blocks of a sequence network.
        batch: Rows of each side per step.
        rate: Learning rate.
        steps: Maximum number of steps.
        interval: Steps between evaluations on the validation set.
        patience: Number of evaluations without improvement after which training stops.
        decay: AdamW weight decay. Not used with a gradient penalty.
        penalty: Weight of the gradient penalty.

    Raises:
        UserError: If a setting is out of range.
    """

    width: int = 32
    blocks: int = 1
    batch: int = 64
    rate: float = 3e-3
    steps: int = 1000
    interval: int = 20
    patience: int = 20
    decay: float = 1.0
    penalty: float = 10.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = 0 if name in ("blocks", "rate", "decay", "penalty") else 1
            if not least <= value < math.inf:
                raise UserError(
                    f"critic setting `{name}` {value}: a finite number of at least {least} is needed"
                )


class Critic:
    """A critic network with its objective, settings and optimizer."""

    def __init__(
        self, critic: CriticNet, distance: CriticDistance, settings: CriticSettings, rng: torch.Generator
    ) -> None:
        self.net, self.distance, self.settings, self.rng = critic.net, distance, settings, rng
        self._critic, self.dense = critic, critic.weight
        others = [weight for weight in self.net.parameters() if weight is not self.dense]
        # Adam's step size does not depend on the scale of the gradient, and the dense layer has weights for
        # every position. At the full learning rate it would memorise the training rows before the shared
        # layers learn what the rows have in common.
        groups: list[dict[str, Any]] = [
            {"params": others},
            {"params": [self.dense], "lr": settings.rate / critic.places},
        ]
        self.optimizer = torch.optim.AdamW(
            groups,
            settings.rate,
            BETAS,
            weight_decay=0.0 if distance.penalised else settings.decay,
            fused=True,
        )

    def train(self, training: Pair, validation: Pair, progress: Progress) -> int | None:
        """Train with early stopping and restore the weights with the best validation value.

        Returns:
            The step of the best validation value, or `None` if the scores became nonfinite.
        """
        if self.distance.penalised:  # start near the norm that the penalty favours
            start = tuple(side[:CHUNK_ROWS] for side in training)
            self.dense.data /= self.gradient_norms_between(start).mean()
        best, found, kept = -math.inf, 0, self.net.state_dict()
        for step in range(self.settings.steps + 1):
            if step % self.settings.interval == 0 or step == self.settings.steps:
                progress(step, self.settings.steps)
                value, scale = self._look(validation)
                if not math.isfinite(value):
                    return None
                if value > best:
                    best, found, kept = value, step, self._critic.scaled(scale)
                elif step - found >= self.settings.patience * self.settings.interval:
                    break
            if step < self.settings.steps:
                self._ascend(training)
        progress(self.settings.steps, self.settings.steps)
        self.net.load_state_dict(kept)
        return found

    def _ascend(self, training: Pair) -> None:
        batch, device = self.settings.batch, self.dense.device
        real, fake = (
            side[torch.randint(len(side), (batch,), generator=self.rng, device=device)] for side in training
        )
        real_scores, fake_scores = self.net(torch.cat([real, fake])).split(batch)
        loss = -self.distance.divergence.bound(real_scores, fake_scores)
        if self.distance.penalised:
            mix = torch.rand(batch, generator=self.rng, device=device)
            loss = loss + self.settings.penalty * penalty(self._gradient_norms(real, fake, mix, graph=True))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def _gradient_norms(self, real: Tensor, fake: Tensor, mix: Tensor, *, graph: bool = False) -> Tensor:
        with torch.enable_grad():
            return gradient_norms(
                self.net, self.net.embedding(real), self.net.embedding(fake), mix, graph=graph
            )

    def _look(self, rows: Pair) -> tuple[float, float]:
        """Return the best lower confidence value over `SCALES`, and its scale."""
        real, fake = self.scores(rows)
        if self.distance.penalised:
            return (
                self._cautious(real, fake)
                - self.settings.penalty * penalty(self.gradient_norms_between(rows))
            ).item(), 1.0
        values = torch.stack([self._cautious(scale * real, scale * fake) for scale in SCALES])
        value, index = values.max(dim=0)
        return value.item(), SCALES[int(index)]

    def _cautious(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the bound minus `CAUTION` standard errors."""
        divergence = self.distance.divergence
        squares = [terms.var() / len(terms) for terms in (divergence.real(real), divergence.fake(fake))]
        return divergence.bound(real, fake) - CAUTION * torch.stack(squares).sum().sqrt()

    @torch.no_grad()
    def scores(self, rows: Pair) -> Pair:
        """Score real rows and samples: (R, L), (S, L) -> (R,), (S,)."""
        return tuple(torch.cat([self.net(part) for part in side.split(CHUNK_ROWS)]) for side in rows)

    def gradient_norms_between(self, rows: Pair) -> Tensor:
        """(min(R, S),) gradient norms at evenly spaced mixes of the i-th real row and the i-th sample."""
        count = min(map(len, rows))
        mix = torch.linspace(0.0, 1.0, count, device=self.dense.device)
        parts = zip(*(each[:count].split(CHUNK_ROWS) for each in (*rows, mix)), strict=True)
        return torch.cat([self._gradient_norms(*part).detach() for part in parts])
