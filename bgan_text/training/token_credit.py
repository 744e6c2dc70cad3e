"""Updates with token credit: every token of the vocabulary is weighed after each prefix.

See `bgan_text.objectives.token_weights` for what is computed.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bgan_text.batch import Batch, samples_of
from bgan_text.config import Config
from bgan_text.models.sampling import counted
from bgan_text.objectives.token_weights import (
    TOKEN_DIVERGENCES,
    next_token_bounds,
    prefix_scores,
    row_weights,
    weight_variance,
)
from bgan_text.setting import is_custom
from bgan_text.space import TokenSpace
from bgan_text.training.portions import Portions
from bgan_text.training.state import State
from bgan_text.training.update import Numbers, Update

MOST_LOGITS = 2**25
"""Numbers of a (K, V) tensor of all prefixes at most: 128 MiB in float32, of which a step holds about six.

A batch with more is taken in groups of sequences whose gradients are summed, so that a large vocabulary costs
time, not memory.
"""


def sequences_at_a_time(space: TokenSpace, sides: int = 1) -> int:
    """How many sequences of each side have no more than `MOST_LOGITS` scores of next tokens together."""
    return max(1, MOST_LOGITS // (sides * space.positions * space.vocabulary))


@dataclass(frozen=True)
class Side:
    """Sequences whose prefixes teach.

    Attributes:
        tokens: (N, L) int64.
        where: (N, L) bool, the positions up to the end of each sequence.
        generated: whether the generator is taught after these prefixes too.
        prefixes: how many prefixes the sequences have; the mean of that over the processes.
    """

    tokens: Tensor
    where: Tensor
    generated: bool
    prefixes: Tensor


@dataclass(frozen=True)
class Prefixes:
    """What both nets say after the K prefixes of some sequences of a side.

    On a GPU K = N L: the positions behind the end of a sequence are there too, but count nothing. To leave
    them out the host would have to wait for their number.

    Attributes:
        tokens: (N, L) int64 sequences.
        where: (N, L) bool, the positions up to the end of each sequence.
        every: whether the positions behind the end are among the K.
        share: what `where` holds of all prefixes of the side, so that means of groups add up to the mean of
            the batch. With several processes the mean of their sums does.
        weights: (K,) what each prefix counts in a bound, see `row_weights`; 0 behind the end.
        log_probs: (K, V) log g; None where the generator is not taught.
        scores: (K, V) of the discriminator.
    """

    tokens: Tensor
    where: Tensor
    every: bool
    share: Tensor
    weights: Tensor
    log_probs: Tensor | None
    scores: Tensor

    def next_tokens(self) -> Tensor:
        """(K,) the token that follows each prefix."""
        return self.tokens.flatten() if self.every else self.tokens[self.where]

    def mean(self, values: Tensor) -> Tensor:
        """The group's part of the mean over all prefixes of the side, of one value for each of the K."""
        if self.every:
            counted_ones = values.masked_fill(~self.where.flatten(), 0.0)
            return counted_ones.sum() / self.where.sum() * self.share
        return values.mean() * self.share

    @torch.no_grad()
    def mean_scores(self) -> Numbers:
        """`mean` of the score of the tokens that follow, and of those that the generator would draw."""
        assert self.log_probs is not None
        own = self.scores.gather(-1, self.next_tokens().unsqueeze(-1))
        drawn = (self.log_probs.exp() * self.scores).sum(dim=-1)
        return {"real_score": self.mean(own.squeeze(-1)), "fake_score": self.mean(drawn)}

    def ratios(self) -> Tensor:
        """(K,) the log-ratio of each prefix with the token that follows."""
        return prefix_scores(self.scores, self.tokens, self.where)


class TokenCreditUpdate(Update):
    """Updates of importance and reinforce with token credit.

    Each net makes one forward pass over the prefixes. The generator's log g serves the bound, where it
    carries no gradient, and its own loss. The discriminator's scores serve the bound and, where they carry no
    gradient, the weights. Both gradients are taken before either net changes.
    """

    def __init__(self, state: State, config: Config) -> None:
        super().__init__(state, config)
        own = is_custom(config.generator) or is_custom(config.discriminator or "")
        sides = 1 if config.prefixes == "data" else 2
        self.portions = Portions("sequences", sequences_at_a_time(state.generator.space, sides))
        self.every = state.device.type != "cpu" and not own  # nets of the user's take the counted positions

    def step(self, real_batches: list[Batch], progress: float) -> Numbers:
        *earlier, last = real_batches
        for real in earlier if self.discriminator_turn else ():
            self._learn(real, generator=False, discriminator=True)
        return self._learn(last, generator=True, discriminator=self.discriminator_turn)

    def _learn(self, real: Batch, *, generator: bool, discriminator: bool) -> Numbers:
        """Teach the chosen nets from one batch, a few sequences at a time."""
        given, sides, weights = self._drawn(real)
        optimizers = self.state.generator_optimizer, self.state.discriminator_optimizer

        def forget() -> None:
            for optimizer in optimizers:
                optimizer.zero_grad()

        def taught(group: slice) -> Numbers:
            numbers: Numbers = {}
            prefixes = self._group(
                given,
                sides,
                weights,
                group,
                generator=generator and not self.frozen,
                discriminator=discriminator,
            )
            if discriminator:
                numbers |= self._discriminator_numbers(prefixes)
                (-numbers["bound"]).backward()
            if generator:
                numbers |= self._generator_numbers(prefixes)
                if not self.frozen:
                    numbers["generator_loss"].backward()
            return {name: number.detach() for name, number in numbers.items()}

        forget()
        total: Numbers = {}
        for numbers in self.portions.made(len(given), taught, forget):
            total = {name: total.get(name, 0.0) + number for name, number in numbers.items()}
        if discriminator:
            total |= self.finish_discriminator_update(total["bound"])
        if generator:
            total |= self.finish_generator_update(total["generator_loss"])
        return total

    def _drawn(self, real: Batch) -> tuple[Tensor, list[Side], Tensor]:
        """Noise, the sides whose prefixes teach (data, then as many samples), and the weights of rows."""
        given, kind, state = self.given(real), self.config.prefixes, self.state
        sides = [self._side(samples_of(real), generated=kind != "samples")]
        if kind != "data":
            with self.autocast():
                drawn = state.generator(given)
                samples = drawn.sample(1, self.stream(drawn)).squeeze(0)
            sides.append(self._side(samples, generated=True))
        return given, sides, row_weights(sides[0].where, state.group)

    def _group(
        self,
        given: Tensor,
        sides: list[Side],
        weights: Tensor,
        group: slice,
        *,
        generator: bool,
        discriminator: bool,
    ) -> tuple[Prefixes, ...]:
        """The prefixes of a few sequences of each side. Only the nets that learn keep what gradients need."""
        with self.autocast(), torch.set_grad_enabled(generator):
            conditional = self.state.generator(given[group])
        return tuple(
            self._prefixes(
                conditional, side, weights, group, generator=generator, discriminator=discriminator
            )
            for side in sides
        )

    def _side(self, tokens: Tensor, *, generated: bool) -> Side:
        where, group = counted(tokens, self.state.generator.space.end), self.state.group
        return Side(tokens, where, generated, group.mean(where.sum().float()))

    def _prefixes(
        self,
        conditional: Any,
        side: Side,
        weights: Tensor,
        group: slice,
        *,
        generator: bool,
        discriminator: bool,
    ) -> Prefixes:
        tokens, where = side.tokens[group], side.where[group]
        chosen = None if self.every else where
        each = weights[group].unsqueeze(1)
        weights = (each * where).flatten() if chosen is None else each.expand_as(where)[chosen]
        with torch.set_grad_enabled(generator):
            with self.autocast():
                logits = conditional.next_token_logits(tokens, chosen) if side.generated else None
            log_probs = None if logits is None else logits.log_softmax(dim=-1)
        with self.autocast(), torch.set_grad_enabled(discriminator):
            scores = self.state.discriminator(tokens, chosen)
        share = where.sum() / side.prefixes
        return Prefixes(tokens, where, self.every, share, weights, log_probs, scores)

    def _discriminator_numbers(self, sides: tuple[Prefixes, ...]) -> Numbers:
        """The group's part of the bound after prefixes of data, of that on whole prefixes, or their mean."""
        divergence = self.state.divergence
        assert divergence is not None
        data, *samples = sides
        bounds: Numbers = {}
        scores: Numbers = {}
        for drawn in samples:
            real, fake = data.ratios(), drawn.ratios()
            bounds["prefix_bound"] = (data.weights * divergence.real(real)).sum() - (
                drawn.weights * divergence.fake(fake)
            ).sum()
            scores = {"real_score": data.mean(real), "fake_score": drawn.mean(fake)}
        if data.log_probs is not None:
            each = next_token_bounds(divergence, data.scores, data.log_probs, data.next_tokens())
            bounds["next_token_bound"] = (data.weights * each).sum()
            scores = data.mean_scores()
        return bounds | scores | {"bound": torch.stack(list(bounds.values())).mean()}

    def _generator_numbers(self, sides: tuple[Prefixes, ...]) -> Numbers:
        """The group's part of what the generator descends, a mean over the kinds of prefixes."""
        descended = TOKEN_DIVERGENCES[self.config.objective]
        losses, variances = [], []
        for side in sides:
            if side.log_probs is not None:
                scores = side.scores.detach()
                losses.append(side.mean(descended(side.log_probs, scores)))
                with torch.no_grad():
                    variances.append(side.mean(weight_variance(side.log_probs, scores)))
        return {
            "generator_loss": torch.stack(losses).mean(),
            "importance_variance": torch.stack(variances).mean(),
        }
