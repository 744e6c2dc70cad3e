"""One adversarial step: discriminator up its bound, generator along its objective.

Nothing here waits for the device: the numbers of a step stay tensors until someone reads them, and a
loss that is not finite is kept from the weights by the optimizer itself.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.divergence import divergence_named
from bgan_text.generator import Conditional
from bgan_text.objective import (
    ADVERSARIAL_OBJECTIVES,
    effective_draws,
    importance_weights,
    partition_weights,
)
from bgan_text.state import State


@dataclass
class Report:
    """The numbers of one step, scalar tensors by name. See `docs/metrics.md` for what each means."""

    step: int
    numbers: dict[str, Tensor]

    def read(self) -> dict[str, float]:
        """The numbers as floats: the one place that waits for the device."""
        values = torch.stack([value.detach().float() for value in self.numbers.values()]).tolist()
        return dict(zip(self.numbers, values, strict=True))


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """float32 or bfloat16; 'auto' takes bfloat16 where the device multiplies it natively."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.backends.mkldnn.is_available() and torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32


class Trainer:
    """Makes the steps of a run. N = `config.batch`, M = `config.draws`, L positions."""

    def __init__(self, state: State, config: Config) -> None:
        self.state, self.config = state, config
        self.divergence = divergence_named(config.divergence)
        self.dtype = resolve_precision(config.precision, state.device)

    def autocast(self) -> AbstractContextManager[object]:
        """One region per forward pass: leaving it drops the low-precision copies of the weights, which
        must not be read again after an update."""
        return torch.autocast(self.state.device.type, torch.bfloat16, enabled=self.dtype is torch.bfloat16)

    def step(self, real_batches: list[Tensor], progress: float) -> Report:
        """One generator step, after its discriminator steps.

        Args:
            real_batches: one (N, L) int64 batch of data per discriminator step.
            progress: the share of the run that is done, 0 .. 1, which sets the learning rates.

        Returns:
            The step's numbers, unread.
        """
        self._set_rates(progress)
        if self.config.objective == "mle":
            numbers = self._likelihood_step(real_batches[0])
        else:
            numbers = self._adversarial_step(real_batches)
        self.state.average.update_parameters(self.state.generator)
        self.state.step += 1
        return Report(self.state.step, numbers)

    def _set_rates(self, progress: float) -> None:
        share = max(0.0, 1.0 - progress) if self.config.decay == "linear" else 1.0
        rates = self.config.generator_rate, self.config.discriminator_rate
        for rate, (_, optimizer, _) in zip(rates, self.state.optimizers(), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * share

    def _conditional(self) -> Conditional:
        state, config = self.state, self.config
        noise = torch.randn(config.batch, config.noise, device=state.device, generator=state.rng)
        with self.autocast():
            conditional: Conditional = state.generator(noise)
        return conditional

    def _sample(self, conditional: Conditional, draws: int) -> Tensor:
        with self.autocast():
            return conditional.sample(draws, self.state.rng)

    def _adversarial_step(self, real_batches: list[Tensor]) -> dict[str, Tensor]:
        config = self.config
        *earlier, last = real_batches
        for real in earlier:
            with torch.no_grad():
                fake = self._sample(self._conditional(), config.discriminator_draws)
            self._discriminator_step(real, fake)
        conditional = self._conditional()
        # The draws that train the discriminator are not those that it weighs: it has just been taught
        # that the former are fake.
        tokens = self._sample(conditional, config.discriminator_draws + config.draws)
        fake, draws = tokens.split([config.discriminator_draws, config.draws])
        numbers = self._discriminator_step(last, fake)
        return numbers | self._generator_step(conditional, draws)

    def _discriminator_step(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        state = self.state
        state.discriminator.train()
        with self.autocast():
            scores = state.discriminator(torch.cat([real, fake.flatten(0, 1)]))
        real_scores, fake_scores = scores[: len(real)], scores[len(real) :]
        bound = self.divergence.bound(real_scores, fake_scores)
        norm = self._update(-bound, state.discriminator_optimizer, state.discriminator)
        return {
            "bound": bound,
            "real_score": real_scores.mean(),
            "fake_score": fake_scores.mean(),
            "discriminator_gradient": norm,
        }

    def _generator_step(self, conditional: Conditional, draws: Tensor) -> dict[str, Tensor]:
        state, config = self.state, self.config
        scores = self.score(draws)
        state.running.update(scores)
        coefficients = ADVERSARIAL_OBJECTIVES[config.objective](scores, state.running)
        with self.autocast():
            loss = -conditional.weighted_log_prob(draws, coefficients)
        norm = self._update(loss, state.generator_optimizer, state.generator)
        weights = importance_weights(scores)
        return {
            "generator_loss": loss,
            "generator_gradient": norm,
            "effective_draws": effective_draws(weights).mean(),
            "importance_variance": (config.draws * weights).var(correction=0),
            "partition_variance": partition_weights(scores, state.running).var(correction=0),
        }

    @torch.no_grad()
    def score(self, draws: Tensor) -> Tensor:
        """The discriminator's scores of draws, without a gradient: (M, N, L) -> (M, N)."""
        self.state.discriminator.eval()
        with self.autocast():
            scores: Tensor = self.state.discriminator(draws.flatten(0, 1))
        return scores.view(draws.shape[:2])

    def _likelihood_step(self, real: Tensor) -> dict[str, Tensor]:
        conditional = self._conditional()
        with self.autocast():
            loss = -conditional.log_prob(real.unsqueeze(0)).mean()
        norm = self._update(loss, self.state.generator_optimizer, self.state.generator)
        return {"generator_loss": loss, "generator_gradient": norm}

    def _update(self, loss: Tensor, optimizer: torch.optim.Adam, net: nn.Module) -> Tensor:
        """Descend `loss` unless it, its gradient or an earlier one is not finite; the gradient norm."""
        state = self.state
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), self.config.clip)
        state.broken = torch.maximum(state.broken, (~torch.isfinite(norm + loss.detach())).float())
        optimizer.found_inf = state.broken  # type: ignore[attr-defined]  # fused Adam skips its step
        optimizer.step()
        return norm


def train(
    state: State,
    config: Config,
    batches: Callable[[int, int], Tensor],
    progress: Callable[[State], float],
) -> Iterator[Report]:
    """Train until `progress` reaches 1; yields after every generator step.

    Args:
        state: what is trained, in place.
        config: its settings.
        batches: (step, index) -> an (N, L) int64 batch of data on the device, a pure function, so that
            a resumed run needs no loader's state.
        progress: the share of the run that is done.

    Yields:
        The numbers of each step, unread.
    """
    trainer = Trainer(state, config)
    while (done := progress(state)) < 1.0:
        step = state.step
        yield trainer.step([batches(step, index) for index in range(config.discriminator_steps)], done)
