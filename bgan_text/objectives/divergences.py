"""f-divergences, each declared as two functions of the discriminator's score.

For a convex f with conjugate f*, Nowozin et al. ("f-GAN", 2016, section 2.2) bound the divergence

    D_f(p || q) >= E_p[T] - E_q[f*(T)],   tight at T = f'(p / q).

With the output activation T = f'(exp F) the density ratio is exp F for *every* f, so the score F
always estimates log p/q and the decision boundary is always F = 0 (Hjelm et al., "Boundary-Seeking
GANs", ICLR 2018, section 2). A divergence is then a pair

    real(F) = f'(exp F)        fake(F) = f*(f'(exp F)) = exp(F) f'(exp F) - f(exp F).

Exponentials go through `bounded_exp`, so that any finite score gives a finite loss and gradient.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from bgan_text.errors import choose
from bgan_text.objectives.discriminator_objective import DiscriminatorObjective
from bgan_text.presets import ALPHA

EXPONENT_LIMIT = 30.0
"""Where `bounded_exp` leaves the exponential: a density ratio of 1e13."""

LINEAR_LIMIT = 1e6
"""Length of the linear part beyond `EXPONENT_LIMIT`, after which `bounded_exp` is constant."""


def bounded_exp(exponent: Tensor) -> Tensor:
    """exp up to `EXPONENT_LIMIT`, then its tangent, and constant `LINEAR_LIMIT` beyond that.

    Unlike a clamp, the tangent still has a gradient that pulls a diverging score back.
    """
    curved = exponent.clamp(max=EXPONENT_LIMIT).exp()
    beyond = (exponent - EXPONENT_LIMIT).clamp(min=0.0, max=LINEAR_LIMIT)
    return curved + math.exp(EXPONENT_LIMIT) * beyond


@dataclass(frozen=True)
class Divergence(DiscriminatorObjective):
    """An f-divergence in the parametrisation F = log p/q.

    Args:
        name: what `--divergence` calls it.
        title: what it is, in a few words.
        real: T(F) = f'(exp F), elementwise.
        fake: f*(T(F)) = exp(F) f'(exp F) - f(exp F), elementwise.

    Example:
        Half of Pearson's chi-squared divergence, f(u) = (u - 1)^2 / 2:

        >>> half_pearson = Divergence(
        ...     "half-pearson",
        ...     "half of Pearson's chi-squared divergence",
        ...     real=lambda score: bounded_exp(score) - 1.0,
        ...     fake=lambda score: 0.5 * (bounded_exp(2.0 * score) - 1.0),
        ... )
    """


def _power(exponent: float, score: Tensor) -> Tensor:
    """(exp(exponent * F) - 1) / exponent, bounded as `bounded_exp` is; F itself for an exponent of 0."""
    if exponent == 0.0:
        return score
    inside = (exponent * score).clamp(max=EXPONENT_LIMIT)
    beyond = bounded_exp(exponent * score) - inside.exp()  # 0 below the limit, where expm1 stays exact
    return (torch.expm1(inside) + beyond) / exponent


def alpha_divergence(alpha: float) -> Divergence:
    """The alpha-divergence, f(u) = (u^a - 1) / (a (a - 1)) - (u - 1) / (a - 1).

    alpha 1 is KL(p || q) and alpha 0 is KL(q || p), as limits; 0.5 is twice the squared Hellinger
    distance, and 2 half of Pearson's divergence. The smaller alpha is, the less a bound minds what q misses
    and the more it minds what q adds.

    Source: Minka, "Divergence measures and message passing", 2005, section 2.

    Args:
        alpha: at least 0.

    Example:
        >>> alpha_divergence(1.0).real(torch.tensor([0.5]))
        tensor([0.5000])
    """
    return Divergence(
        "alpha",
        f"alpha-divergence with alpha {alpha:g}",
        real=lambda score: _power(alpha - 1.0, score),
        fake=lambda score: _power(alpha, score),
    )


LOG_2 = math.log(2.0)

DIVERGENCES: dict[str, Divergence] = {
    divergence.name: divergence
    for divergence in (
        Divergence(
            "gan",
            "the original GAN's value: twice Jensen-Shannon minus log 4",
            real=lambda score: -softplus(-score),
            fake=lambda score: softplus(score),
        ),
        Divergence(
            "js",
            "twice the Jensen-Shannon divergence",
            real=lambda score: LOG_2 - softplus(-score),
            fake=lambda score: softplus(score) - LOG_2,
        ),
        Divergence(
            "kl",
            "Kullback-Leibler divergence KL(p || q)",
            real=lambda score: 1.0 + score,
            fake=lambda score: bounded_exp(score),
        ),
        Divergence(
            "reverse-kl",
            "reverse Kullback-Leibler divergence KL(q || p)",
            real=lambda score: -bounded_exp(-score),
            fake=lambda score: score - 1.0,
        ),
        Divergence(
            "pearson",
            "Pearson chi-squared divergence",
            real=lambda score: 2.0 * (bounded_exp(score) - 1.0),
            fake=lambda score: bounded_exp(2.0 * score) - 1.0,
        ),
        Divergence(
            "hellinger",
            "squared Hellinger distance",
            real=lambda score: 1.0 - bounded_exp(-0.5 * score),
            fake=lambda score: bounded_exp(0.5 * score) - 1.0,
        ),
        Divergence(
            "jeffreys",
            "Jeffreys divergence KL(p || q) + KL(q || p)",
            real=lambda score: 1.0 + score - bounded_exp(-score),
            fake=lambda score: bounded_exp(score) + score - 1.0,
        ),
        alpha_divergence(ALPHA),
    )
}


def divergence_named(name: str, alpha: float = ALPHA) -> Divergence:
    """The divergence of that name, or a `UserError` that lists the names. Only `alpha` reads `alpha`."""
    found = choose("divergence", name, DIVERGENCES)
    return alpha_divergence(alpha) if name == "alpha" else found
