"""What each pathwise objective does, from the scores of its samples.

    wgan            Arjovsky et al. 2017: the critic's weights are clipped after each of its steps
    wgan-gp         Gulrajani et al. 2017: a penalty holds the norm of the critic's gradient near 1
    gan-relaxed     Goodfellow et al. 2014, for any f-divergence (Nowozin et al. 2016)
    gumbel          the same on straight-through Gumbel-softmax draws (Jang et al. 2017)

On continuous images, through which a gradient passes anyway, besides wgan and wgan-gp:

    gan             the generator descends the bound that the discriminator ascends (saturating)
    non-saturating  it ascends E_q[T(F)] instead, for `gan` and `js` log D, as DCGAN
    bgan            it descends E_q[F^2] / 2, half the squared log-ratio (Hjelm et al. 2018, section 3)
    lsgan           least squares on both sides (Mao et al. 2017)

The discriminator ascends E_p[T(F)] - E_q[f*(T(F))]. Unless said otherwise the generator ascends E_q[T(F)]:
for `gan` that turns -log(1 - D) into log D (Goodfellow et al. 2014, section 3; Nowozin et al. 2016,
section 3.2), which still has a gradient where the discriminator is sure.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from bgan_text.objectives.discriminator_objective import LEAST_SQUARES, WASSERSTEIN, DiscriminatorObjective

GeneratorLoss = Callable[[DiscriminatorObjective, Tensor], Tensor]
"""(what the discriminator ascends, (N,) scores of generated samples) -> what the generator descends."""


def non_saturating(ascended: DiscriminatorObjective, scores: Tensor) -> Tensor:
    """-E_q[T(F)]: (N,) -> scalar."""
    return -ascended.real(scores).mean()


def saturating(ascended: DiscriminatorObjective, scores: Tensor) -> Tensor:
    """-E_q[f*(T(F))]: (N,) -> scalar."""
    return -ascended.fake(scores).mean()


def boundary_seeking(ascended: DiscriminatorObjective, scores: Tensor) -> Tensor:
    """E_q[F^2] / 2: (N,) -> scalar."""
    return 0.5 * scores.square().mean()


@dataclass(frozen=True, kw_only=True)
class PathwiseLosses:
    """A pathwise objective.

    Attributes:
        generator: what the generator descends.
        discriminator: what the discriminator ascends; None for the bound of an f-divergence.
        gumbel: whether samples are straight-through draws, not softmax outputs.
        penalised: whether the norm of the discriminator's gradient is held near 1.
        clipped: whether the discriminator's weights are clipped.
    """

    generator: GeneratorLoss = non_saturating
    discriminator: DiscriminatorObjective | None = None
    gumbel: bool = False
    penalised: bool = False
    clipped: bool = False


PATHWISE_LOSSES: dict[str, PathwiseLosses] = {
    "wgan": PathwiseLosses(discriminator=WASSERSTEIN, clipped=True),
    "wgan-gp": PathwiseLosses(discriminator=WASSERSTEIN, penalised=True),
    "gan-relaxed": PathwiseLosses(),
    "gumbel": PathwiseLosses(gumbel=True),
    "gan": PathwiseLosses(generator=saturating),
    "non-saturating": PathwiseLosses(),
    "bgan": PathwiseLosses(generator=boundary_seeking),
    "lsgan": PathwiseLosses(discriminator=LEAST_SQUARES),
}
"""The pathwise rows of `bgan_text.objective_table.OBJECTIVES`."""
