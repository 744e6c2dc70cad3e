"""Score-function updates: draws are scored and weighted, and no gradient passes through them."""

from itertools import chain

import torch
from torch import Tensor

from bgan_text.batch import Batch, samples_of
from bgan_text.config import Config
from bgan_text.models.distributions import AutoregressiveDistribution, ConditionalDistribution
from bgan_text.objectives.divergences import DIVERGENCES
from bgan_text.objectives.weights import (
    coefficients,
    continuation,
    effective_sample_size,
    importance_weights,
    partition_weights,
)
from bgan_text.training.state import State
from bgan_text.training.synchronised import batch_variance
from bgan_text.training.update import Numbers, Update

MOST_SCORED = 2**22
"""Numbers in a layer of the discriminator while it scores draws on a CPU: 16 MiB in float32."""


class ScoreFunctionUpdate(Update):
    """Updates of importance, partition, reinforce and constant."""

    def __init__(self, state: State, config: Config) -> None:
        super().__init__(state, config)
        # The control trains a discriminator as well, although no divergence was chosen.
        self.divergence = state.divergence or DIVERGENCES[Config.divergence]

    def step(self, real_batches: list[Batch], progress: float) -> Numbers:
        config = self.config
        *earlier, last = real_batches
        for real in earlier if self.discriminator_turn else ():
            with torch.no_grad():
                fake = self._sample(self.conditional(real), config.discriminator_draws)
            self.discriminator_step(real, fake)
        conditional = self.conditional(last)
        # The draws that train the discriminator are not the draws that it scores: it has just learned
        # that the former are fake.
        tokens = self._sample(conditional, config.discriminator_draws + config.draws)
        fake, draws = tokens.split([config.discriminator_draws, config.draws])
        numbers = self.discriminator_step(last, fake) if self.discriminator_turn else {}
        return numbers | self._generator_step(last, conditional, draws)

    def _sample(self, conditional: ConditionalDistribution, draws: int) -> Tensor:
        with self.autocast():
            return conditional.sample(draws, self.stream(conditional))

    def discriminator_step(self, real: Batch, fake: Tensor) -> Numbers:
        """Ascend the bound on N real samples and (K, N, L) draws."""
        self.state.discriminator.train()
        samples = samples_of(real)
        with self.autocast():
            scores = self.judge(real)(torch.cat([samples, fake.flatten(0, 1)]))
        real_scores, fake_scores = scores[: len(samples)], scores[len(samples) :]
        bound = self.divergence.bound(real_scores, fake_scores)
        return self.update_discriminator(-bound) | {
            "bound": bound,
            "real_score": real_scores.mean(),
            "fake_score": fake_scores.mean(),
        }

    def _generator_step(self, real: Batch, conditional: ConditionalDistribution, draws: Tensor) -> Numbers:
        state, config = self.state, self.config
        scores = self.score(real, draws)
        if config.credit == "prefix" and config.objective == "reinforce":
            scores = continuation(scores)
        state.running.update(scores, state.group)
        baseline = "none" if config.objective == "constant" else config.baseline
        chosen = coefficients(config.objective, baseline, scores, state.running)
        weights = importance_weights(scores)
        return self._descend(conditional, draws, chosen) | {
            "effective_sample_size": effective_sample_size(weights).mean(),
            "importance_variance": (config.draws * weights).var(correction=0),
            "partition_variance": batch_variance(partition_weights(scores, state.running), state.group),
        }

    def _descend(self, conditional: ConditionalDistribution, draws: Tensor, chosen: Tensor) -> Numbers:
        """Descend -sum of c log g over the draws, a portion at a time where each has a graph of its own."""

        def loss_of(portion: slice) -> Tensor:
            with self.autocast():
                return -conditional.weighted_log_prob(draws[portion], chosen[portion])

        if self.frozen or not isinstance(conditional, AutoregressiveDistribution):
            return self.update_generator(loss_of(slice(None)))

        def taught(portion: slice) -> Tensor:
            loss = loss_of(portion)
            loss.backward()
            return loss.detach()

        forget = self.state.generator_optimizer.zero_grad
        forget()
        losses = self.portions.made(len(draws), taught, forget)
        return self.finish_generator_update(torch.stack(losses).sum())

    @torch.no_grad()
    def score(self, real: Batch, draws: Tensor) -> Tensor:
        """The discriminator's scores of draws, without a gradient.

        (M, N, L) -> (M, N), or (M, N, L) if it scores prefixes.
        """
        self.state.discriminator.eval()
        with self.autocast():
            judge = self.judge(real)
            found = self.portions.made(
                len(draws),
                lambda portion: [judge(few.flatten(0, 1)) for few in draws[portion].split(self._few(draws))],
            )
        scores: Tensor = torch.cat(list(chain.from_iterable(found)))
        return scores.view(*draws.shape[:2], *scores.shape[1:])

    def _few(self, draws: Tensor) -> int:
        """How many draws are scored at a time: on a CPU few are as quick as all, and take less memory."""
        numbers = draws[0].numel() * self.config.discriminator_width
        return max(1, MOST_SCORED // numbers) if draws.device.type == "cpu" else len(draws)
