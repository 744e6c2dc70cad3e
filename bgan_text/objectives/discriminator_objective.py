"""What a discriminator ascends, from the scores of real and generated samples.

Every f-divergence gives such an objective (`bgan_text.objectives.divergences`). The two here are no
f-divergences: their scores estimate no density ratio, so no weight can be read from them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class DiscriminatorObjective:
    """E_p[real(F)] - E_q[fake(F)], where F is the score.

    Attributes:
        name: a short name.
        title: what it is, in a few words.
        real: elementwise function of the scores of real samples.
        fake: elementwise function of the scores of generated samples.
    """

    name: str
    title: str
    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]

    def bound(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        """The objective's value; for an f-divergence its variational lower bound, in nats.

        Args:
            real_scores: (R,) scores of samples from p.
            fake_scores: (K,) scores of samples from q.

        Returns:
            A scalar; the discriminator ascends it.
        """
        return self.real(real_scores).mean() - self.fake(fake_scores).mean()


WASSERSTEIN = DiscriminatorObjective(
    "wasserstein", "difference of the mean scores", real=lambda score: score, fake=lambda score: score
)
"""What a Wasserstein critic ascends (Arjovsky et al. 2017, equation 2)."""

LEAST_SQUARES = DiscriminatorObjective(
    "least-squares",
    "half the squared distance of the scores from 1 (real) and 0 (generated), negated",
    real=lambda score: -0.5 * (score - 1.0).square(),
    fake=lambda score: 0.5 * score.square(),
)
"""What the discriminator of LSGAN ascends (Mao et al. 2017, equation 9)."""
