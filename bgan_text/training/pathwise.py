"""Steps of the objectives that pass a gradient through samples: relaxed ones, or draws that pretend to be.

    wgan         Arjovsky et al. 2017: the critic's weights are clipped after each of its steps
    wgan-gp      Gulrajani et al. 2017: its gradient norm is held near 1 by a penalty
    gan-relaxed  Goodfellow et al. 2014, for any f-divergence (Nowozin et al. 2016)
    gumbel       the same on straight-through Gumbel-softmax draws (Jang et al. 2017)

and, where the samples are images of real numbers, through which a gradient passes anyway, besides wgan and
wgan-gp:

    gan          the generator descends the very bound that the discriminator ascends (saturating)
    non-saturating        it ascends E_q[T(F)] instead: for `gan` and `js` log D, DCGAN's
    bgan         it descends E_q[F^2] / 2, half the squared log-ratio (Hjelm et al. 2018, section 3)
    lsgan        least squares on both sides (Mao et al. 2017)

The first three show the discriminator the softmax outputs beside the one-hot vectors of the data, as the
language model of Gulrajani et al. does. The discriminator ascends E_p[T(F)] - E_q[f*(T(F))], the generator
E_q[T(F)]: for `gan` that is -log(1 - D) turned into log D (Goodfellow et al. 2014, section 3; Nowozin et al.
2016, section 3.2), which still has a gradient where the discriminator is sure. For a Wasserstein critic T and
f* are the score itself.
"""

import torch
from torch import Tensor

from bgan_text.batch import Batch, samples_of
from bgan_text.config import Config
from bgan_text.models.discriminators import PrefixDiscriminator, Relaxable
from bgan_text.models.relaxation import Relaxation, softmax, straight_through
from bgan_text.objectives.divergences import LEAST_SQUARES, MEANS, Divergence, divergence_named
from bgan_text.objectives.gradient_penalty import gradient_norms, penalty
from bgan_text.training.state import State
from bgan_text.training.update import Numbers, Update

UNRELATED = {"wgan": MEANS, "wgan-gp": MEANS, "lsgan": LEAST_SQUARES}
"""What the discriminator ascends where that is no f-divergence."""


def generator_loss(objective: str, divergence: Divergence, scores: Tensor) -> Tensor:
    """What the generator descends, from the scores of its samples: (N,) -> scalar."""
    if objective == "gan":
        return -divergence.fake(scores).mean()
    if objective == "bgan":
        return 0.5 * scores.square().mean()
    return -divergence.real(scores).mean()


class PathwiseUpdate(Update):
    """Steps of the objectives whose gradient passes through samples."""

    def __init__(self, state: State, config: Config) -> None:
        super().__init__(state, config)
        self.divergence = UNRELATED.get(config.objective) or divergence_named(config.divergence)

    def step(self, real_batches: list[Batch], progress: float) -> Numbers:
        relax = self.relaxation(progress)
        numbers: Numbers = {}
        for real in real_batches if self.discriminator_turn else ():
            with torch.no_grad():
                fake = self._relaxed(real, relax)
            numbers = self.discriminator_step(real, fake)
        return numbers | self._generator_step(real_batches[-1], self._relaxed(real_batches[-1], relax))

    def relaxation(self, progress: float) -> Relaxation:
        """How logits become points; the temperature of `gumbel` falls geometrically."""
        config = self.config
        if config.objective != "gumbel":
            return softmax
        share = min(1.0, progress)
        temperature = config.gumbel_start ** (1.0 - share) * config.gumbel_end**share
        return straight_through(temperature, self.state.rng)

    def _relaxed(self, real: Batch, relax: Relaxation) -> Tensor:
        conditional = self.conditional(real)
        with self.autocast():
            return conditional.relaxed(relax)

    def _relaxable(self, real: Batch) -> Relaxable:
        net = self.judge(real)
        assert not isinstance(net, PrefixDiscriminator), "prefix credit weighs tokens"
        return net

    def discriminator_step(self, real: Batch, fake: Tensor) -> Numbers:
        """Ascend the bound on N reals and points (N, L, V), or on images, and stay in bounds."""
        config = self.config
        self.state.discriminator.train()
        with self.autocast():
            net = self._relaxable(real)
            sides = [net.embedding(samples_of(real)), net.embed_relaxed(fake).float()]
            if config.batch_norm:  # the statistics are those of one side
                real_scores, fake_scores = map(net.score_embedded, sides)
            else:
                real_scores, fake_scores = net.score_embedded(torch.cat(sides)).split(len(fake))
        bound = self.divergence.bound(real_scores, fake_scores)
        numbers = {"bound": bound, "real_score": real_scores.mean(), "fake_score": fake_scores.mean()}
        loss = -bound
        if config.objective == "wgan-gp":
            norms = self._gradient_norms(net, *sides)
            loss = loss + config.gradient_penalty * penalty(norms)
            numbers["penalty_gradient_norm"] = norms.mean()
        numbers |= self.update_discriminator(loss)
        if config.objective == "wgan":
            self._clip_weights()
        return numbers

    def _gradient_norms(self, net: Relaxable, real: Tensor, fake: Tensor) -> Tensor:
        mix = torch.rand(len(real), device=real.device, generator=self.state.rng)
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
        numbers = self.update_generator(generator_loss(self.config.objective, self.divergence, scores))
        discriminator.requires_grad_(True)
        return numbers
