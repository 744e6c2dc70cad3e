"""Updates with token credit: every token of the vocabulary is weighed after each prefix.

See `bgan_text.objectives.token_weights` for what is computed.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bgan_text.batch import Batch, samples_of
from bgan_text.models.sampling import counted
from bgan_text.objectives.token_weights import (
    TOKEN_DIVERGENCES,
    next_token_bound,
    prefix_scores,
    weight_variance,
)
from bgan_text.training.update import Numbers, Update


@dataclass(frozen=True)
class Prefixes:
    """What both nets say after the K prefixes of N sequences.

    Attributes:
        tokens: (N, L) int64 sequences.
        where: (N, L) bool, the K positions up to the end of each sequence.
        log_probs: (K, V) log g; None where the generator is not taught.
        scores: (K, V) of the discriminator.
    """

    tokens: Tensor
    where: Tensor
    log_probs: Tensor | None
    scores: Tensor

    def next_tokens(self) -> Tensor:
        """(K,) the token that follows each prefix."""
        return self.tokens[self.where]

    @torch.no_grad()
    def mean_scores(self) -> Numbers:
        """The mean score of the tokens that follow, and of those that the generator would draw."""
        assert self.log_probs is not None
        own = self.scores.gather(-1, self.next_tokens().unsqueeze(-1))
        drawn = (self.log_probs.exp() * self.scores).sum(dim=-1)
        return {"real_score": own.mean(), "fake_score": drawn.mean()}

    def ratios(self) -> Tensor:
        """(K,) the log-ratio of each prefix with the token that follows."""
        return prefix_scores(self.scores, self.tokens, self.where)


class TokenCreditUpdate(Update):
    """Updates of importance and reinforce with token credit.

    Each net makes one forward pass over the prefixes. The generator's log g serves the bound, where it
    carries no gradient, and its own loss. The discriminator's scores serve the bound and, where they carry no
    gradient, the weights.
    """

    def step(self, real_batches: list[Batch], progress: float) -> Numbers:
        *earlier, last = real_batches
        for real in earlier if self.discriminator_turn else ():
            self._discriminator_step(*self._sides(real))
        data, samples = self._sides(last)
        numbers = self._discriminator_step(data, samples) if self.discriminator_turn else {}
        sides = (data,) if samples is None else (data, samples)
        taught = [(side.log_probs, side.scores.detach()) for side in sides if side.log_probs is not None]
        return numbers | self._generator_step(taught)

    def _sides(self, real: Batch) -> tuple[Prefixes, Prefixes | None]:
        """The prefixes of data, with log g if they teach the generator, and those of as many samples."""
        conditional, kind = self.conditional(real), self.config.prefixes
        data = self._prefixes(conditional, samples_of(real), generated=kind != "samples")
        if kind == "data":
            return data, None
        with self.autocast():
            tokens = conditional.sample(1, self.state.rng).squeeze(0)
        return data, self._prefixes(conditional, tokens, generated=True)

    def _prefixes(self, conditional: Any, tokens: Tensor, *, generated: bool) -> Prefixes:
        where = counted(tokens, self.state.generator.space.end)
        with self.autocast():
            logits = conditional.next_token_logits(tokens, where) if generated else None
            scores = self.state.discriminator(tokens, where)
        log_probs = None if logits is None else logits.log_softmax(dim=-1)
        return Prefixes(tokens, where, log_probs, scores)

    def _discriminator_step(self, data: Prefixes, samples: Prefixes | None) -> Numbers:
        """Ascend the bound after prefixes of data, that on whole prefixes, or the mean of both."""
        divergence = self.state.divergence
        assert divergence is not None
        bounds: list[Tensor] = []
        numbers: Numbers = {}
        if data.log_probs is not None:
            bounds.append(next_token_bound(divergence, data.scores, data.log_probs, data.next_tokens()))
            numbers |= {"next_token_bound": bounds[-1], **data.mean_scores()}
        if samples is not None:
            real, fake = data.ratios(), samples.ratios()
            bounds.append(divergence.bound(real, fake))
            numbers = {"real_score": real.mean(), "fake_score": fake.mean(), **numbers}
            numbers["prefix_bound"] = bounds[-1]
        bound = torch.stack(bounds).mean()
        return self.update_discriminator(-bound) | {"bound": bound} | numbers

    def _generator_step(self, taught: list[tuple[Tensor, Tensor]]) -> Numbers:
        """Descend the mean divergence over the kinds of prefixes, each with (K, V) log g and scores."""
        descended = TOKEN_DIVERGENCES[self.config.objective]
        losses = [descended(log_probs, scores).mean() for log_probs, scores in taught]
        with torch.no_grad():
            variances = [weight_variance(log_probs, scores).mean() for log_probs, scores in taught]
        return self.update_generator(torch.stack(losses).mean()) | {
            "importance_variance": torch.stack(variances).mean()
        }
