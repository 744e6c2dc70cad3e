"""The log-likelihood of held-out text under a generator itself, or under what corrects its tokens."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.evaluation.candidate_settings import drawing_of
from bgan_text.evaluation.ngrams import Scores
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.models.sampling import counted
from bgan_text.objectives.token_weights import sequence_scores, weighted_tokens
from bgan_text.sampling_options import PREFIXES
from bgan_text.scores.score import Score
from bgan_text.space import TokenSpace
from bgan_text.training.run import RunFolder
from bgan_text.training.token_credit import sequences_at_a_time

NOISES = 4
"""Noise vectors for each text. The bound is the tighter the more there are."""
MOST_ROWS = 2_000
"""The most texts that are used, the first of the test split: a second or two of work."""
BATCH = 64


def held_out_scores(
    run: RunFolder, data: DatasetDirectory, options: EvaluationOptions, device: torch.device
) -> Scores:
    """The score `held-out-likelihood` of a run, if what is sampled has probabilities token by token.

    There is none if one of several candidates is kept, and none at another temperature than 1.

    Args:
        run: its tokens must be those of `data`; else there is no score.
        data: whose test split is held out.
        options: whose `step` names the checkpoint, and whose `correct` says whether the discriminator
            corrects each token, where it can.
        device: where the nets run.
    """
    same = run.data["tokenizer"] == data.tokenizer_signature and run.space == data.space
    drawing, _ = drawing_of(run, options)
    plain = drawing.candidates == 1 and options.temperature == 1.0
    if not (same and plain) or not isinstance(run.space, TokenSpace):
        return {}
    generator: Any = run.generator(device, step=options.step)
    if not hasattr(generator(torch.zeros(2, generator.noise, device=device)), "token_log_prob"):
        return {}
    corrected = drawing.correct == PREFIXES  # with one candidate by token credit alone
    discriminator = run.discriminator(device, step=options.step) if corrected else None
    rows = data.chosen("test", np.arange(min(MOST_ROWS, data.counts["test"])))
    nats = held_out_bound(generator, rows, options.seed, device, discriminator)
    tokens = counted(rows, run.space.end).sum(dim=1)
    value = float(nats.double().sum() / tokens.sum())
    return {"held-out-likelihood": Score(value, np.empty(0))}  # no samples, so no interval over them


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
