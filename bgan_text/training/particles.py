"""Sampling with the weights of the discriminator along the sequence: sequential Monte Carlo.

The discriminator estimates the log-ratio S_t = log p / q of every prefix of t tokens; after token credit with
prefixes of data, the ratio of p to the product of the generator's conditionals, each averaged over the noise.
So the K candidates of a sample need not wait for their end to be weighed: they grow together, token by token,
as particles. A particle has noise z of its own. At each position its token is drawn and its weight
multiplied:

    credit token    F_t(v) scores every token v after the prefix, and S_t is the sum of F_s(x_s) over s <= t.
                    The token is drawn from the optimal proposal p~_t(v) = g(v | x_<t, z) exp F_t(v) / Z_t,
                    and the weight is multiplied by Z_t, the sum of g(v | x_<t, z) exp F_t(v) over v.
    credit prefix   The token is drawn from g, and the weight is multiplied by exp(S_t - S_t-1).

Where the effective number of particles of a sample, 1 / sum of squared weights, falls below K / 2, they are
resampled: those with small weights give way to copies of those with large ones. At the end one is kept, drawn
with its weight. That number is never below 1, so two particles are never resampled, only weighed. As K grows,
what is kept is distributed as q exp F, as with whole samples. With one candidate and credit token each token
is drawn from p~_t.

Sources: Doucet, de Freitas and Gordon (editors), "Sequential Monte Carlo methods in practice", 2001;
Naesseth, Lindsten and Schön, "Elements of sequential Monte Carlo", 2019.

Shapes: G samples that grow at a time, K candidates each, R = G K particles, T tokens so far, L positions, V
vocabulary.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.models.distributions import AutoregressiveDistribution
from bgan_text.models.sampling import draw_each, tempered
from bgan_text.objective_table import TOKEN_CREDIT
from bgan_text.space import TokenSpace
from bgan_text.training.candidates import (
    EffectiveCandidates,
    chosen,
    effective_numbers,
    refuse_nonfinite,
)
from bgan_text.training.samples import SAMPLING_BATCH

PREFIX_CREDIT = "prefix"
MOST_PROPOSALS = 2**27
"""Numbers of an (R, V) tensor at most: 512 MiB in float32, of which a step holds about six."""


class Guide(Protocol):
    """What a discriminator says of R prefixes while they grow."""

    def ahead(self, prefixes: Tensor) -> Tensor | None:
        """Scores that change the proposal of the next token: (R, T) -> (R, V); None if it has none."""

    def behind(self, prefixes: Tensor) -> Tensor | None:
        """What the last token adds to the log-ratio, unless `ahead` has told: (R, T) -> (R,) or None."""

    def reorder(self, rows: Tensor) -> None:
        """From now on the prefixes are those of these rows, (R,) int64."""


class TokenGuide:
    """A discriminator of token credit, which reads each token once.

    One of the user's that has no `start`, `step` and `reorder` is run over the whole prefix at each position.
    """

    def __init__(self, discriminator: Any, space: TokenSpace) -> None:
        self.discriminator, self.space = discriminator, space
        self.steps = all(hasattr(discriminator, name) for name in ("start", "step", "reorder"))
        self.state: Any = None

    def ahead(self, prefixes: Tensor) -> Tensor:
        """(R, T) -> (R, V), the scores F of every token that may follow."""
        length = prefixes.shape[1]
        if self.steps:
            last = (
                prefixes[:, -1] if length else prefixes.new_full((len(prefixes),), self.discriminator.start)
            )
            scores, self.state = self.discriminator.step(last, self.state)
        else:
            where = torch.zeros(len(prefixes), self.space.positions, dtype=torch.bool, device=prefixes.device)
            where[:, length] = True
            scores = self.discriminator(padded(prefixes, self.space), where)
        found: Tensor = scores
        return found

    def behind(self, prefixes: Tensor) -> None:
        """Nothing: the proposal has taken the scores in."""

    def reorder(self, rows: Tensor) -> None:
        """The state goes with the prefixes."""
        if self.steps:
            self.state = self.discriminator.reorder(self.state, rows)


class PrefixGuide:
    """A discriminator of prefix credit. It is run over the whole prefix at each position."""

    def __init__(self, discriminator: nn.Module, space: TokenSpace) -> None:
        self.discriminator, self.space = discriminator, space
        self.before: Tensor | None = None  # (R,) the log-ratios of the prefixes before the last token

    def ahead(self, prefixes: Tensor) -> None:
        """Nothing: the score of a token is known only after it was drawn."""

    def behind(self, prefixes: Tensor) -> Tensor:
        """(R, T) -> (R,), the log-ratio of each prefix minus that of the prefix without its last token."""
        now: Tensor = self.discriminator(padded(prefixes, self.space))[:, prefixes.shape[1] - 1]
        gained = now if self.before is None else now - self.before
        self.before = now
        return gained

    def reorder(self, rows: Tensor) -> None:
        """The scores go with the prefixes."""
        if self.before is not None:
            self.before = self.before[rows]


def padded(prefixes: Tensor, space: TokenSpace) -> Tensor:
    """(R, T) prefixes -> (R, L), with tokens behind them that a causal net does not look at."""
    missing = space.positions - prefixes.shape[1]
    return torch.nn.functional.pad(prefixes, (0, missing), value=space.end or 0)


GUIDES: dict[str, Callable[[nn.Module, TokenSpace], Guide]] = {
    TOKEN_CREDIT: TokenGuide,
    PREFIX_CREDIT: PrefixGuide,
}
"""The guide by what a discriminator gives credit to. One of another credit scores whole samples."""


def guide_of(config: Config, discriminator: nn.Module, space: TokenSpace) -> Callable[[], Guide]:
    """What makes a guide for new prefixes, by a discriminator in evaluation mode."""
    return partial(GUIDES[config.credit], discriminator, space)


class Particles:
    """G samples of K candidates each, from their first token on.

    Args:
        conditional: the generator's distribution, with R noise vectors.
        guide: of new prefixes.
        candidates: K.
        temperature: divides the logits of the generator, before the weights.
    """

    def __init__(
        self, conditional: AutoregressiveDistribution, guide: Guide, candidates: int, temperature: float
    ) -> None:
        self.net, self.noise, self.guide = conditional.net, conditional.noise, guide
        self.logits = conditional.logits
        self.candidates, self.temperature = candidates, temperature
        rows = len(self.noise)
        self.state = self.net.initial(self.noise)
        self.tokens = torch.empty(rows, 0, dtype=torch.int64, device=self.noise.device)
        self.alive = torch.ones(rows, dtype=torch.bool, device=self.noise.device)
        self.weights = torch.zeros(rows // candidates, candidates, device=self.noise.device)  # their logs
        self.effective = torch.full((len(self.weights),), float(candidates), dtype=torch.float64)

    def proposal(self) -> Tensor:
        """(R, V) log of g exp F of the next token, which sums to Z over the vocabulary."""
        length = self.tokens.shape[1]
        last = self.tokens[:, -1:] if length else self.tokens.new_full((len(self.tokens), 1), self.net.start)
        hidden, self.state = self.net.step(last, self.noise, self.state)
        logits = self.logits(hidden.squeeze(1))
        log_probs = tempered(logits, self.temperature).log_softmax(dim=-1)
        scores = self.guide.ahead(self.tokens)
        return log_probs if scores is None else log_probs + scores

    def grow(self, rng: torch.Generator) -> None:
        """Draw one more token of each particle and weigh the particles. What has ended stays as it is."""
        proposal, end = self.proposal(), self.net.space.end
        token = draw_each(proposal, 1, rng).squeeze(1)
        gained = proposal.logsumexp(dim=-1)
        if end is not None:
            token = torch.where(self.alive, token, end)
        self.tokens = torch.cat([self.tokens, token.unsqueeze(1)], dim=1)
        if (more := self.guide.behind(self.tokens)) is not None:
            gained = gained + more
        self.weights += gained.masked_fill(~self.alive, 0.0).view_as(self.weights)
        if end is not None:
            self.alive = self.alive & (token != end)

    def resample(self, rng: torch.Generator) -> None:
        """Draw the particles of a sample anew, by their weights, where fewer than K / 2 carry the weight."""
        numbers = effective_numbers(self.weights)
        self.effective = torch.minimum(self.effective, numbers.cpu())
        poor = numbers < self.candidates / 2
        if not poor.any():
            return
        uniform = torch.rand(len(numbers), 1, generator=rng, device=rng.device, dtype=torch.float64)
        picked = systematic(self.weights, uniform)
        same = torch.arange(self.candidates, device=picked.device)
        picked = torch.where(poor.unsqueeze(1), picked, same)
        rows = (picked + self.candidates * torch.arange(len(picked), device=picked.device)[:, None]).flatten()
        self.weights = self.weights.masked_fill(poor.unsqueeze(1), 0.0)
        self.tokens, self.alive, self.noise = self.tokens[rows], self.alive[rows], self.noise[rows]
        self.state = self.net.reorder(self.state, rows)
        self.guide.reorder(rows)

    def run(self, rng: torch.Generator) -> Tensor:
        """Grow to the end, and keep one particle of each sample: (G, L) int64."""
        space = self.net.space
        for position in range(space.positions):
            if position and self.candidates > 1:
                self.resample(rng)
            self.grow(rng)
            if not self.alive.any():
                break
        self.effective = torch.minimum(self.effective, effective_numbers(self.weights).cpu())
        groups = padded(self.tokens, space).view(-1, self.candidates, space.positions)
        if self.candidates == 1:
            refuse_nonfinite(self.weights)
            return groups[:, 0]
        picked = chosen(self.weights, rng)
        return groups[torch.arange(len(groups), device=picked.device), picked]


def systematic(log_weights: Tensor, uniform: Tensor) -> Tensor:
    """Systematic resampling: K places at equal distances on the cumulated weights, shifted together.

    Args:
        log_weights: (G, K) logs of weights, not normalised.
        uniform: (G, 1) float64 in 0 .. 1, the shifts.

    Returns:
        (G, K) int64, ascending; particle k occurs K w_k times, rounded up or down.

    Example:
        >>> systematic(torch.tensor([[0.5, 0.25, 0.25, 1e-9]]).log(), torch.tensor([[0.5]]).double())
        tensor([[0, 0, 1, 2]])
    """
    candidates = log_weights.shape[1]
    ends = log_weights.double().softmax(dim=1).cumsum(dim=1)
    places = (uniform + torch.arange(candidates, device=uniform.device)) / candidates
    return torch.searchsorted(ends, places).clamp(max=candidates - 1)


def groups_of(candidates: int) -> int:
    """How many samples of K candidates grow at a time: as many whatever their count, which changes none."""
    return max(1, SAMPLING_BATCH // candidates)


@torch.no_grad()
def grown_rows(
    generator: Any,
    guide: Callable[[], Guide],
    count: int,
    rng: torch.Generator,
    *,
    candidates: int,
    temperature: float,
    effective: EffectiveCandidates,
) -> Tensor:
    """Samples that grew as particles.

    Args:
        generator: an autoregressive generator in evaluation mode.
        guide: makes a guide of new prefixes.
        count: the number of samples, at most `groups_of(candidates)`. Fewer are the first ones of these.
        rng: the random numbers of noise and draws, on the device of the nets.
        candidates: K.
        temperature: divides the logits of the generator.
        effective: where the effective numbers of candidates are added up, of each sample the least along the
            sequence. One candidate has none.

    Returns:
        (count, L) int64 tokens on the CPU; every token after the end token is the end token too.
    """
    noise = torch.randn(groups_of(candidates) * candidates, generator.noise, device=rng.device, generator=rng)
    particles = Particles(generator(noise), guide(), candidates, temperature)
    rows = particles.run(rng)[:count]
    if candidates > 1:
        effective.add(particles.effective[: len(rows)])
    return rows.cpu()


def refuse_unsteppable(generator: Any, candidates: int, device: torch.device) -> None:
    """Raise a `UserError` unless a generator can grow so many candidates.

    It draws token by token, its state can be reordered, and their next tokens fit into memory.
    """
    most = max(1, MOST_PROPOSALS // generator.space.vocabulary)
    if candidates > most:
        raise UserError(
            f"`candidates` {candidates} with `correct` prefixes: with a vocabulary of "
            f"{generator.space.vocabulary:,} tokens at most {most:,} can grow together"
        )
    conditional = generator(torch.zeros(1, generator.noise, device=device))
    if not isinstance(conditional, AutoregressiveDistribution):
        raise UserError("`correct` prefixes needs a generator that draws token by token: rnn or transformer")
    if candidates > 1 and not hasattr(conditional.net, "reorder"):
        raise UserError(
            f"`correct` prefixes with several `candidates` needs a method `reorder` of "
            f"{type(conditional.net).__name__}, see `TokenByTokenNet`"
        )
