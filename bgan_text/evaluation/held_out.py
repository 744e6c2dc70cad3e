"""The log-likelihood of held-out text under a generator itself, or under what corrects its tokens."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.evaluation.candidate_settings import drawing_of
from bgan_text.evaluation.ngrams import Scores
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.models.sampling import counted
from bgan_text.sampling_options import PREFIXES
from bgan_text.scores.score import Score
from bgan_text.scores.uncertainty import ratio
from bgan_text.space import TokenSpace
from bgan_text.training.held_out_bound import gives_probabilities, held_out_bound
from bgan_text.training.run import RunFolder

MOST_ROWS = 2_000
"""The most texts that are used, the first of the test split: a second or two of work."""


def held_out_rows(data: DatasetDirectory) -> Tensor:
    """The rows of the test split that likelihoods are measured on."""
    return data.chosen("test", np.arange(min(MOST_ROWS, data.counts["test"])))


def held_out_scores(
    run: RunFolder, data: DatasetDirectory, options: EvaluationOptions, device: torch.device
) -> Scores:
    """The score `held-out-likelihood` of a run, if what is sampled has probabilities token by token.

    On data of an oracle it is also the score `nll-test`, with the other sign and an interval over the rows.

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
    if not gives_probabilities(generator, device):
        return {}
    corrected = drawing.correct == PREFIXES  # with one candidate by token credit alone
    discriminator = run.discriminator(device, step=options.step) if corrected else None
    rows = held_out_rows(data)
    nats = held_out_bound(generator, rows, options.seed, device, discriminator)
    tokens = counted(rows, run.space.end).sum(dim=1)
    found = ratio(nats.double().numpy(), tokens.double().numpy())
    scores = {"held-out-likelihood": Score(found.value, np.empty(0))}  # no samples, so no interval over them
    return scores | ({"nll-test": Score(-found.value, -found.each)} if data.has_oracle else {})
