"""The log-likelihood of held-out rows under a generator itself, or under what corrects its tokens."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from bgan_text.models.sampling import counted
from bgan_text.objectives.token_weights import sequence_scores, weighted_tokens
from bgan_text.training.token_credit import sequences_at_a_time

NOISES = 4
"""Noise vectors for each text. The bound is the tighter the more there are."""
BATCH = 64


@torch.no_grad()
def gives_probabilities(generator: Any, device: torch.device) -> bool:
    """Whether the distributions of a generator tell the probability of each token."""
    return hasattr(generator(torch.zeros(2, generator.noise, device=device)), "token_log_prob")


@torch.no_grad()
def held_out_bound(
    generator: Any,
    rows: Tensor,
    seed: int,
    device: torch.device,
    discriminator: nn.Module | None = None,
) -> Tensor:
    """A lower bound on the log-probability of each row in nats.

    p(x) is an integral over the noise. The logarithm of the mean of g(x | z) over a few noise vectors is at
    most log p(x) in expectation, and approaches it as they become more (Burda et al. 2016, "Importance
    weighted autoencoders", section 3, with the prior as proposal).

    Args:
        generator: in evaluation mode; its distributions have `token_log_prob`.
        rows: (S, L) int64.
        seed: of the noise.
        device: where the nets are.
        discriminator: of token credit, in evaluation mode. With it, g(v | x_<t, z) exp F_t(v), normalised,
            stands in place of g.

    Returns:
        (S,) float32 on the CPU.
    """
    rng = torch.Generator(device).manual_seed(seed)
    bounds = []
    for part in rows.split(BATCH):
        part = part.to(device)
        each = torch.stack([_log_prob(generator, discriminator, part, rng) for _ in range(NOISES)])
        bounds.append((each.logsumexp(dim=0) - math.log(NOISES)).cpu())
    return torch.cat(bounds)


def _log_prob(generator: Any, discriminator: nn.Module | None, rows: Tensor, rng: torch.Generator) -> Tensor:
    """(S, L) -> (S,) log-probabilities, each with a noise vector of its own."""
    noise = torch.randn(len(rows), generator.noise, device=rows.device, generator=rng)
    if discriminator is None:
        log_probs: Tensor = generator(noise).token_log_prob(rows.unsqueeze(0))
        return log_probs.squeeze(0).sum(dim=-1)
    few, parts = sequences_at_a_time(generator.space), []
    for part, given in zip(rows.split(few), noise.split(few), strict=True):
        where = counted(part, generator.space.end)
        log_g = generator(given).next_token_logits(part, where).log_softmax(dim=-1)
        parts.append(sequence_scores(weighted_tokens(log_g, discriminator(part, where)), part, where))
    return torch.cat(parts)
