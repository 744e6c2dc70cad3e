"""Distances between samples and data, each estimated by a fresh critic on frozen sequences.

The measure of Hjelm et al., "Boundary-Seeking Generative Adversarial Networks", ICLR 2018: whatever a
generator was trained on, new discriminators estimate how far its samples are from the data. A critic is
trained on one part of the rows, chosen among its steps by a second and read on a third, so that no
maximum enters the number. For an f-divergence it estimates a lower bound: a critic that finds less than
there is reports less, one that finds nothing 0, and chance can take it below 0.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bgan_text.discriminator import Discriminator
from bgan_text.divergence import LOG_2, Divergence, divergence_named
from bgan_text.errors import UserError, choose
from bgan_text.sampling import counted
from bgan_text.space import Space

LEAST_ROWS = 30
SHARES = 0.6, 0.2
"""Shares of the rows that train a critic and that choose among its steps; it is read on the others."""

SCALES = [(step / 20) ** 2 for step in range(21)]
"""What the scores are multiplied by, as the validation part prefers: a critic of few rows is too sure."""

CAUTION = 2.0
"""Standard errors below its value at which the validation part judges a critic: none is chosen for what a
few rows say. Where nothing is borne out the scale is 0, and so is the f-divergence."""

EMBEDDING_SCALE = 0.3
"""Of the initial embedding: chance directions of rare tokens would teach a critic its rows by heart."""

LEAST_SQUARE = 1e-12
"""Where a squared gradient norm is cut: its root has no derivative at 0."""

BETAS = 0.5, 0.99
CHUNK_ROWS = 256
Pair = tuple[Tensor, ...]
"""Reals (R, L) and samples (S, L)."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CriticDistance:
    """`divergence`: what a critic ascends; `unit`: of the distance, in nats.

    `penalised`: the critic's slope is held near 1; its weights then need no decay, its scores no scale.
    """

    divergence: Divergence
    unit: float = 1.0
    penalised: bool = False


MEANS = Divergence(
    "means", "difference of the mean scores", real=lambda score: score, fake=lambda score: score
)

CRITIC_DISTANCES = {
    "js": CriticDistance(divergence_named("js"), unit=2.0 * LOG_2),
    "reverse-kl": CriticDistance(divergence_named("reverse-kl")),
    "wasserstein": CriticDistance(MEANS, penalised=True),
}
"""Jensen-Shannon divergence in bits, KL(samples || reals) in nats, Wasserstein-1 distance."""


@dataclass(frozen=True, kw_only=True)
class CriticSettings:
    """A critic's size and training.

    `batch`: rows of each side in a step. `steps`: at most. `interval`: steps between looks at the
    validation part. `patience`: looks without a better value that end it. `decay`: of the weights, as
    in AdamW, without a gradient penalty. `penalty`: the weight of that.
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
                raise UserError(f"critic setting {name} {value}: a finite number from {least} up is needed")


class CriticEstimate(NamedTuple):
    """A distance, the training step of the critic that gave it, and that critic's slope.

    `slope`: root mean square of the gradient norm between test rows; NaN without a penalty.
    """

    value: float
    steps: int
    slope: float


class CriticSummary(NamedTuple):
    """Estimates of several seeds. `deviation`: their standard deviation, NaN for one seed.

    It shows what initialisation, batches and split do; new samples would differ by more.
    """

    mean: float
    deviation: float
    values: tuple[float, ...]


def critic_distances(
    samples: Tensor,
    reals: Tensor,
    space: Space,
    distance: str,
    *,
    seeds: Sequence[int] = range(3),
    settings: CriticSettings | None = None,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> CriticSummary:
    """`critic_distance` by one critic for each seed; NaN if one of them is."""
    if not seeds:
        raise UserError("no critic was asked for: at least one seed is needed")
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
    return CriticSummary(fmean(values), stdev(values) if known else math.nan, tuple(values))


def critic_distance(
    samples: Tensor,
    reals: Tensor,
    space: Space,
    distance: str,
    *,
    settings: CriticSettings | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> CriticEstimate:
    """Train a fresh critic between samples and reals and read it on rows that it has not seen.

    "js" and "reverse-kl" are the variational bounds of `bgan_text.divergence` (Nowozin et al. 2016). The
    latter takes exponentials of scores: the few reals that pass for samples decide it, so it spreads
    widely, and where the two sides share nothing it has no top. "wasserstein" is E_real[F] - E_sample[F]
    under the gradient penalty of Gulrajani et al. 2017, eq. 3, on straight lines between one-hot
    sequences. Its unit is the Euclidean norm of the (L, V) one-hot tensor: rows that differ in k
    positions are sqrt(2 k) apart. The penalty asks for a slope of 1 and does not force it: a distance W
    comes out as about W (1 + W / (2 penalty)), the factor being the `slope` of the estimate.

    Args:
        samples: (S, L) int64 tokens; what follows an end does not count.
        reals: (R, L) int64 tokens, likewise.
        space: of both.
        distance: a name of `CRITIC_DISTANCES`.
        settings: of the critic; the defaults if `None`.
        seed: of initialisation, batches and split. On a CPU the same seed gives the same number.
        device: where the critic is trained.
        progress: told the steps made and the most there will be, at every look and at the end.

    Returns:
        The estimate; its value and slope are NaN if the scores stopped being finite.

    Raises:
        UserError: an unknown distance, fewer than `LEAST_ROWS` rows, or rows that are not of the space.
    """
    chosen, settings = choose("critic distance", distance, CRITIC_DISTANCES), settings or CriticSettings()
    rng = torch.Generator(device).manual_seed(seed)
    sides = [_checked("reals", reals, space).to(device), _checked("samples", samples, space).to(device)]
    training, validation, test = zip(*(_split(side, rng) for side in sides), strict=True)
    critic = _Critic(_fresh(space, settings, seed).to(device), chosen, settings, rng)
    step = critic.train(training, validation, progress or (lambda done, steps: None))
    if step is None:
        return CriticEstimate(math.nan, settings.steps, math.nan)
    slope = critic.slopes_between(test).square().mean().sqrt().item() if chosen.penalised else math.nan
    value = chosen.divergence.bound(*critic.scores(test)).item() / chosen.unit
    return CriticEstimate(value, step, slope)


def slopes(net: Discriminator, one: Tensor, other: Tensor, mix: Tensor, *, graph: bool = False) -> Tensor:
    """Norm of the critic's gradient with respect to a one-hot sequence, between two sequences.

    The critic sees a one-hot sequence x only as x W, W the (V, width) embedding. So with g, (L, width),
    its gradient with respect to x W, that with respect to x is g W', and its squared norm the sum over
    positions of g (W' W) g': no (K, L, V) tensor is made.

    Args:
        net: the critic.
        one: (K, L) int64 tokens.
        other: (K, L) int64 tokens.
        mix: (K,) float, 0 at `one` and 1 at `other`.
        graph: whether the result is to be differentiated with respect to the weights.

    Returns:
        (K,) float.
    """
    with torch.enable_grad():
        weight = net.embedding.weight
        embedded = torch.lerp(net.embedding(one), net.embedding(other), mix.view(-1, 1, 1))
        (gradient,) = torch.autograd.grad(net.score_embedded(embedded).sum(), embedded, create_graph=graph)
        square = (gradient @ (weight.T @ weight) * gradient).sum(dim=(1, 2))
    return square.clamp(min=LEAST_SQUARE).sqrt()


class _Critic:
    """A net, what it ascends, and how."""

    def __init__(
        self, net: Discriminator, distance: CriticDistance, settings: CriticSettings, rng: torch.Generator
    ) -> None:
        self.net, self.distance, self.settings, self.rng = net, distance, settings, rng
        self.dense = net.get_parameter("dense.weight")
        positions = self.dense.numel() // settings.width
        others = [weight for weight in net.parameters() if weight is not self.dense]
        # Adam moves every weight alike, and the dense layer has one for every position: at the full rate
        # it would learn the training rows by heart before the shared layers learn what they have in common.
        groups: list[dict[str, Any]] = [
            {"params": others},
            {"params": [self.dense], "lr": settings.rate / positions},
        ]
        self.optimizer = torch.optim.AdamW(
            groups,
            settings.rate,
            BETAS,
            weight_decay=0.0 if distance.penalised else settings.decay,
            fused=True,
        )

    def train(self, training: Pair, validation: Pair, progress: Progress) -> int | None:
        """Leave the net as it was at its best look at the validation part; the step of that look.

        None if the scores stopped being finite.
        """
        if self.distance.penalised:  # start near where the penalty will hold it
            start = tuple(side[:CHUNK_ROWS] for side in training)
            self.dense.data /= self.slopes_between(start).mean()
        best, found, kept = -math.inf, 0, self.net.state_dict()
        for step in range(self.settings.steps + 1):
            if step % self.settings.interval == 0 or step == self.settings.steps:
                progress(step, self.settings.steps)
                value, scale = self._look(validation)
                if not math.isfinite(value):
                    return None
                if value > best:
                    best, found, kept = value, step, self._scaled(scale)
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
            loss = loss + self._penalty(slopes(self.net, real, fake, mix, graph=True))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def _penalty(self, norms: Tensor) -> Tensor:
        return self.settings.penalty * (norms - 1.0).square().mean()

    def _look(self, rows: Pair) -> tuple[float, float]:
        """The best cautious value that scaling the scores gives, and that scale."""
        real, fake = self.scores(rows)
        if self.distance.penalised:
            return (self._cautious(real, fake) - self._penalty(self.slopes_between(rows))).item(), 1.0
        values = torch.stack([self._cautious(scale * real, scale * fake) for scale in SCALES])
        value, index = values.max(dim=0)
        return value.item(), SCALES[int(index)]

    def _cautious(self, real: Tensor, fake: Tensor) -> Tensor:
        """The bound less `CAUTION` of its standard errors."""
        divergence = self.distance.divergence
        squares = [terms.var() / len(terms) for terms in (divergence.real(real), divergence.fake(fake))]
        return divergence.bound(real, fake) - CAUTION * torch.stack(squares).sum().sqrt()

    @torch.no_grad()
    def scores(self, rows: Pair) -> Pair:
        """Scores of (R, L) reals and (S, L) samples: (R,), (S,)."""
        return tuple(torch.cat([self.net(part) for part in side.split(CHUNK_ROWS)]) for side in rows)

    def slopes_between(self, rows: Pair) -> Tensor:
        """`slopes` at evenly spread points between the i-th real and the i-th sample: (min(R, S),)."""
        count = min(map(len, rows))
        mix = torch.linspace(0.0, 1.0, count, device=self.dense.device)
        parts = zip(*(each[:count].split(CHUNK_ROWS) for each in (*rows, mix)), strict=True)
        return torch.cat([slopes(self.net, *part).detach() for part in parts])

    def _scaled(self, scale: float) -> dict[str, Tensor]:
        """A copy of the net's weights with its scores multiplied by `scale`."""
        dense = {"dense.weight", "dense.bias"}
        return {
            name: weight * (scale if name in dense else 1.0) for name, weight in self.net.state_dict().items()
        }


def _fresh(space: Space, settings: CriticSettings, seed: int) -> Discriminator:
    """A critic that starts as the mean over positions of one small function of a position's surroundings."""
    with torch.random.fork_rng(devices=[]):  # layers initialise from the global stream: set it, put it back
        torch.default_generator.manual_seed(seed)
        net = Discriminator(space, width=settings.width, blocks=settings.blocks, spectral=False)
    net.embedding.weight.data *= EMBEDDING_SCALE
    dense = net.get_parameter("dense.weight")
    dense.data = dense.data.view(space.positions, -1).mean(dim=0).repeat(space.positions).unsqueeze(0)
    return net


def _split(rows: Tensor, rng: torch.Generator) -> tuple[Tensor, ...]:
    """Rows in random order, cut into those that train, that choose and that are read on."""
    order = torch.randperm(len(rows), generator=rng, device=rows.device)
    training, validation = (int(share * len(rows)) for share in SHARES)
    cuts = [training, training + validation]
    return rows[order].tensor_split(cuts)


def _checked(side: str, rows: Tensor, space: Space) -> Tensor:
    """Rows of the space, ends filled up; a `UserError` for anything else."""
    if rows.ndim != 2 or rows.shape[1] != space.positions or rows.dtype != torch.int64:
        given = f"{tuple(rows.shape)} of {rows.dtype}"
        raise UserError(f"{side} are {given}: (rows, {space.positions}) of torch.int64 are needed")
    if len(rows) < LEAST_ROWS:
        raise UserError(f"{len(rows)} {side} were given: a critic needs at least {LEAST_ROWS}")
    low, high = rows.aminmax()
    if low < 0 or high >= space.vocabulary:
        raise UserError(f"{side} hold tokens {low}..{high}: the space has 0..{space.vocabulary - 1}")
    return rows if space.end is None else rows.masked_fill(~counted(rows, space.end), space.end)
