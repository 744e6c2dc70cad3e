"""Distances between samples and data, each estimated by a fresh critic on frozen sequences or images.

The measure of Hjelm et al., "Boundary-Seeking Generative Adversarial Networks", ICLR 2018: whatever a
generator was trained on, new discriminators estimate how far its samples are from the data. A critic is
trained on one part of the rows, chosen among its steps by a second and read on a third, so that no
maximum enters the number. For an f-divergence it estimates a lower bound: a critic that finds less than
there is reports less, one that finds nothing 0, and chance can take it below 0.
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
"""Shares of the rows that train a critic and that choose among its steps; it is read on the others."""

CRITIC_DISTANCES = {
    "js": CriticDistance(divergence_named("js"), unit=2.0 * LOG_2),
    "reverse-kl": CriticDistance(divergence_named("reverse-kl")),
    "wasserstein": CriticDistance(WASSERSTEIN, penalised=True),
}
"""Jensen-Shannon divergence in bits, KL(samples || reals) in nats, Wasserstein-1 distance."""


class CriticEstimate(NamedTuple):
    """A distance, the training step of the critic that gave it, and that critic's gradient norm.

    `gradient_norm`: root mean square of the gradient norm between test rows; NaN without a penalty.
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
    """The mean of `critic_distance` over seeds, with one critic per seed.

    Its `deviation` shows the effect of initialisation, batches and split; new samples would differ by more.

    Args:
        samples: as in `critic_distance`, like all other arguments.
        reals: likewise.
        space: likewise.
        distance: likewise.
        seeds: one per critic.
        settings: of every critic.
        device: where the critics are trained.
        progress: called with the steps done and the maximum number of steps, over all critics.

    Returns:
        A score with an empty `each`, NaN if the estimate of any seed is.

    Raises:
        UserError: no seeds, and what `critic_distance` raises.

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
    return Score(fmean(values), np.empty(0), deviation=stdev(values) if known else math.nan)


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
    """Train a fresh critic between samples and reals and read it on rows that it has not seen.

    "js" and "reverse-kl" are the variational bounds of `bgan_text.objectives.divergences` (Nowozin et al.
    2016). The latter takes exponentials of scores: the few reals that pass for samples decide it, so it
    spreads widely, and where the two sides share nothing it has no top. "wasserstein" is E_real[F] -
    E_sample[F] under the gradient penalty of Gulrajani et al. 2017, eq. 3, on straight lines between one-
    hot sequences. Its unit is the Euclidean norm of the (L, V) one-hot tensor: rows that differ in k
    positions are sqrt(2 k) apart; of images of numbers it is that of their pixels. The penalty asks for a
    gradient norm of 1 and does not force it: a distance W comes out as about W (1 + W / (2 penalty)), the
    factor being the `gradient_norm` of the estimate.

    Args:
        samples: (S, L) int64 tokens; what follows an end does not count. Or (S, channels, height, width)
            float32 pixels in -1 .. 1.
        reals: (R, L) int64 tokens, likewise.
        space: of both. Images are judged by the strided convolutions of `bgan_text.models.dcgan`.
        distance: a name of `CRITIC_DISTANCES`.
        settings: of the critic; the defaults if `None`.
        seed: of initialisation, batches and split. On a CPU the same seed gives the same number.
        device: where the critic is trained.
        progress: told the steps made and the most there will be, at every look and at the end.

    Returns:
        The estimate; its value and gradient norm are NaN if the scores stopped being finite.

    Raises:
        UserError: an unknown distance, fewer than `LEAST_ROWS` rows, or rows that are not of the space.
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
    """Rows in random order, cut into those that train, that choose and that are read on."""
    order = torch.randperm(len(rows), generator=rng, device=rows.device)
    training, validation = (int(share * len(rows)) for share in SHARES)
    cuts = [training, training + validation]
    return rows[order].tensor_split(cuts)


def _checked(side: str, rows: Tensor, space: TokenSpace | PixelSpace) -> Tensor:
    """Rows of the space, ends filled up; a `UserError` for anything else."""
    shape = (
        (space.channels, space.height, space.width) if isinstance(space, PixelSpace) else (space.positions,)
    )
    kind = torch.float32 if isinstance(space, PixelSpace) else torch.int64
    if rows.ndim != len(shape) + 1 or rows.shape[1:] != shape or rows.dtype != kind:
        given, needed = f"{tuple(rows.shape)} of {rows.dtype}", ", ".join(map(str, shape))
        raise UserError(f"{side} are {given}: (rows, {needed}) of {kind} are needed")
    if len(rows) < LEAST_ROWS:
        raise UserError(f"{len(rows)} {side} were given: a critic needs at least {LEAST_ROWS}")
    low, high = (bound.item() for bound in rows.aminmax())
    if isinstance(space, PixelSpace):
        if not (low >= -1.0 and high <= 1.0):
            raise UserError(f"{side} hold pixels {low:g}..{high:g}: numbers in -1..1 are needed")
        return rows
    if low < 0 or high >= space.vocabulary:
        raise UserError(f"{side} hold tokens {low}..{high}: the space has 0..{space.vocabulary - 1}")
    return rows if space.end is None else rows.masked_fill(~counted(rows, space.end), space.end)
