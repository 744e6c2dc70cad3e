"""Updates of the objectives that pass a gradient through samples: relaxed tokens, or continuous images.

What each of them ascends and descends is in `bgan_text.objectives.pathwise_losses`. The discriminator sees
softmax outputs, or straight-through draws, beside the one-hot vectors of the data, as in the language
model of Gulrajani et al. 2017.
"""

from typing import cast

import torch
from torch import Tensor

from bgan_text.batch import Batch, samples_of
from bgan_text.config import Config
from bgan_text.models.discriminators import Relaxable
from bgan_text.models.random_numbers import uniform
from bgan_text.models.relaxation import Relaxation, softmax, straight_through
from bgan_text.objectives.discriminator_objective import DiscriminatorObjective
from bgan_text.objectives.gradient_penalty import gradient_norms, penalty
from bgan_text.objectives.pathwise_losses import PATHWISE_LOSSES
from bgan_text.training.state import State
from bgan_text.training.update import Numbers, Update


class PathwiseUpdate(Update):
    """Updates of the objectives whose gradient passes through samples."""

    def __init__(self, state: State, config: Config) -> None:
        super().__init__(state, config)
        self.losses = PATHWISE_LOSSES[config.objective]
        self.ascended = cast(DiscriminatorObjective, self.losses.discriminator or state.divergence)

    def step(self, real_batches: list[Batch], progress: float) -> Numbers:
        relax = self.relaxation(progress)
        numbers: Numbers = {}
        for real in real_batches if self.discriminator_turn else ():
            with torch.no_grad():
                fake = self._relaxed(real, relax)
            numbers = self.discriminator_step(real, fake)
        return numbers | self._generator_step(real_batches[-1], self._relaxed(real_batches[-1], relax))

    def relaxation(self, progress: float) -> Relaxation:
        """How logits become points of the simplex; the temperature of Gumbel draws falls geometrically."""
        if not self.losses.gumbel:
            return softmax
        share = min(1.0, progress)
        temperature = self.config.gumbel_start ** (1.0 - share) * self.config.gumbel_end**share
        return straight_through(temperature, self.state.rng)

    def _relaxed(self, real: Batch, relax: Relaxation) -> Tensor:
        conditional = self.conditional(real)
        with self.autocast():
            return conditional.relaxed(relax)

    def _relaxable(self, real: Batch) -> Relaxable:
        return cast(Relaxable, self.judge(real))

    def discriminator_step(self, real: Batch, fake: Tensor) -> Numbers:
        """Ascend the objective on N real samples and (N, L, V) points or N images; clip the weights."""
        self.state.discriminator.train()
        with self.autocast():
            net = self._relaxable(real)
            sides = [net.embedding(samples_of(real)), net.embed_relaxed(fake).float()]
            if self.config.batch_norm:  # each side has statistics of its own
                real_scores, fake_scores = map(net.score_embedded, sides)
            else:
                real_scores, fake_scores = net.score_embedded(torch.cat(sides)).split(len(fake))
        bound = self.ascended.bound(real_scores, fake_scores)
        numbers = {"bound": bound, "real_score": real_scores.mean(), "fake_score": fake_scores.mean()}
        loss = -bound
        if self.losses.penalised:
            norms = self._gradient_norms(net, *sides)
            loss = loss + self.config.gradient_penalty * penalty(norms)
            numbers["penalty_gradient_norm"] = norms.mean()
        numbers |= self.update_discriminator(loss)
        if self.losses.clipped:
            self._clip_weights()
        return numbers

    def _gradient_norms(self, net: Relaxable, real: Tensor, fake: Tensor) -> Tensor:
        mix = uniform((len(real),), self.state.rng)
        with self.autocast():
            return gradient_norms(net, real, fake, mix, graph=True)

    @torch.no_grad()
    def _clip_weights(self) -> None:
        limit = self.config.weight_clip
        for weight in self.state.discriminator.parameters():
            weight.clamp_(-limit, limit)

    def _generator_step(self, real: Batch, points: Tensor) -> Numbers:
        discriminator = self.state.discriminator.eval().requires_grad_(False)
        with self.autocast():
            net = self._relaxable(real)
            scores = net.score_embedded(net.embed_relaxed(points))
        numbers = self.update_generator(self.losses.generator(self.ascended, scores))
        discriminator.requires_grad_(True)
        return numbers
