"""Distances between samples and data, estimated by a newly trained critic.

The evaluation of Hjelm et al., "Boundary-Seeking Generative Adversarial Networks", ICLR 2018: whatever
objective a generator was trained with, new discriminators estimate the distance of its samples from the data.

The rows are split into a training, a validation and a test set. The training set fits the critic, the
validation set selects the step, and the test set gives the estimate, so the estimate is not biased by taking
a maximum. For an f-divergence the critic estimates a lower bound. A weak critic reports less than the true
divergence, a critic that finds no difference reports 0, and sampling noise can make the estimate negative.
"""

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bgan_text.errors import UserError, choose
from bgan_text.models.sampling import counted
from bgan_text.objectives.discriminator_objective import WASSERSTEIN
from bgan_text.objectives.divergences import LOG_2, divergence_named
from bgan_text.scores.critic_nets import fresh
from bgan_text.scores.critic_training import Critic, CriticDistance, CriticSettings, Progress
from bgan_text.scores.score import Score
from bgan_text.space import PixelSpace, TokenSpace

LEAST_ROWS = 30
SHARES = 0.6, 0.2
"""Shares of the rows in the training set and in the validation set; the rest is the test set."""

CRITIC_DISTANCES = {
    "js": CriticDistance(divergence_named("js"), unit=2.0 * LOG_2),
    "reverse-kl": CriticDistance(divergence_named("reverse-kl")),
    "wasserstein": CriticDistance(WASSERSTEIN, penalised=True),
}
"""Jensen-Shannon divergence in bits, KL(samples || reals) in nats, and Wasserstein-1 distance."""


class CriticEstimate(NamedTuple):
    """The estimate of a single critic.

    Attributes:
        value: The distance.
        steps: Training step of the selected critic.
        gradient_norm: Root mean square of the critic's gradient norm on points between test rows. NaN for a
            distance without a gradient penalty.
    """

    value: float
    steps: int
    gradient_norm: float


def critic_distances(
    samples: Tensor,
    reals: Tensor,
    space: TokenSpace | PixelSpace,
    distance: str,
    *,
    seeds: Sequence[int] = range(3),
    settings: CriticSettings | None = None,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Score:
    """Mean of `critic_distance` over seeds, with one critic per seed.

    The `deviation` of the score reflects initialisation, batch order and split. It does not include the
    variation between sets of samples, which is larger.

    Args:
        samples: See `critic_distance`.
        reals: See `critic_distance`.
        space: See `critic_distance`.
        distance: See `critic_distance`.
        seeds: One seed per critic.
        settings: Size and training of each critic. `None` for the defaults.
        device: Device to train on.
        progress: Called with the number of steps done and the maximum number of steps, over all critics.

    Returns:
        A score with an empty `each`. NaN if the estimate of any seed is NaN.

    Raises:
        UserError: If `seeds` is empty, or as in `critic_distance`.

    Example:
        >>> samples, reals = torch.randint(3, (2, 100, 5))
        >>> score = critic_distances(samples, reals, TokenSpace(5, 3), "js", seeds=range(5))
    """
    if not seeds:
        raise UserError("`seeds` is empty: at least one seed is needed")
    values: list[float] = []

    def advance(done: int, steps: int) -> None:
        if progress is not None:
            progress(len(values) * steps + done, len(seeds) * steps)

    for seed in seeds:
        estimate = critic_distance(
            samples, reals, space, distance, settings=settings, seed=seed, device=device, progress=advance
        )
        values.append(estimate.value)
    known = len(values) > 1 and all(map(math.isfinite, values))
    return Score(
        fmean(values), np.empty(0), deviation=stdev(values) if known else math.nan, seeds=len(values)
    )


def critic_distance(
    samples: Tensor,
    reals: Tensor,
    space: TokenSpace | PixelSpace,
    distance: str,
    *,
    settings: CriticSettings | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> CriticEstimate:
    """Train a critic to tell samples from real rows and evaluate it on held-out rows.

    "js" and "reverse-kl" are the variational bounds of `bgan_text.objectives.divergences` (Nowozin et al.
    2016). "reverse-kl" takes exponentials of scores. It is dominated by the few real rows that resemble
    samples, so its variance is high, and it is unbounded if the supports are disjoint.

    "wasserstein" is E_real[F] - E_sample[F] under the gradient penalty of Gulrajani et al. 2017, eq. 3, on
    straight lines between one-hot sequences. Distances are Euclidean norms of the (L, V) one-hot tensors, so
    rows that differ in k positions are sqrt(2 k) apart; for continuous images they are norms of the pixels.
    The penalty favours a gradient norm of 1 but does not enforce it. A true distance W is estimated as about
    W (1 + W / (2 penalty)), where the factor is the `gradient_norm` of the estimate.

    Args:
        samples: (S, L) int64 tokens, ignored after the first end token, or (S, channels, height, width)
            float32 pixels in [-1, 1].
        reals: (R, L) int64 tokens or (R, channels, height, width) float32 pixels, as `samples`.
        space: Space of both. Images use the strided convolutions of `bgan_text.models.dcgan`.
        distance: A name in `CRITIC_DISTANCES`.
        settings: Size and training of the critic. `None` for the defaults.
        seed: Seed of initialisation, batch order and split. The result is deterministic on a CPU.
        device: Device to train on.
        progress: Called with the number of steps done and the maximum number of steps, at each evaluation
            on the validation set and at the end.

    Returns:
        The estimate. Its value and gradient norm are NaN if the critic's scores became nonfinite.

    Raises:
        UserError: If the distance is unknown, a side has fewer than `LEAST_ROWS` rows, or rows are outside
            the space.
    """
    chosen, settings = choose("critic distance", distance, CRITIC_DISTANCES), settings or CriticSettings()
    rng = torch.Generator(device).manual_seed(seed)
    sides = [_checked("reals", reals, space).to(device), _checked("samples", samples, space).to(device)]
    training, validation, test = zip(*(_split(side, rng) for side in sides), strict=True)
    net = fresh(space, width=settings.width, blocks=settings.blocks, seed=seed)
    net.net.to(device)
    critic = Critic(net, chosen, settings, rng)
    step = critic.train(training, validation, progress or (lambda done, steps: None))
    if step is None:
        return CriticEstimate(math.nan, settings.steps, math.nan)
    gradient_norm = (
        critic.gradient_norms_between(test).square().mean().sqrt().item() if chosen.penalised else math.nan
    )
    value = chosen.divergence.bound(*critic.scores(test)).item() / chosen.unit
    return CriticEstimate(value, step, gradient_norm)


def _split(rows: Tensor, rng: torch.Generator) -> tuple[Tensor, ...]:
    """Shuffle rows and split them into a training, a validation and a test set."""
    order = torch.randperm(len(rows), generator=rng, device=rows.device)
    training, validation = (int(share * len(rows)) for share in SHARES)
    cuts = [training, training + validation]
    return rows[order].tensor_split(cuts)


def _checked(side: str, rows: Tensor, space: TokenSpace | PixelSpace) -> Tensor:
    """Validate rows and fill every position after the first end token with the end token."""
    shape = (
        (space.channels, space.height, space.width) if isinstance(space, PixelSpace) else (space.positions,)
    )
    kind = torch.float32 if isinstance(space, PixelSpace) else torch.int64
    if rows.ndim != len(shape) + 1 or rows.shape[1:] != shape or rows.dtype != kind:
        given, needed = f"{tuple(rows.shape)} of {rows.dtype}", ", ".join(map(str, shape))
        raise UserError(f"{side} are {given}: (rows, {needed}) of {kind} is needed")
    if len(rows) < LEAST_ROWS:
        raise UserError(f"{len(rows)} {side} were given: a critic needs at least {LEAST_ROWS}")
    low, high = (bound.item() for bound in rows.aminmax())
    if isinstance(space, PixelSpace):
        if not (low >= -1.0 and high <= 1.0):
            raise UserError(f"{side} hold pixels {low:g}..{high:g}: values in -1..1 are needed")
        return rows
    if low < 0 or high >= space.vocabulary:
        raise UserError(f"{side} hold tokens {low}..{high}: the space has 0..{space.vocabulary - 1}")
    return rows if space.end is None else rows.masked_fill(~counted(rows, space.end), space.end)
