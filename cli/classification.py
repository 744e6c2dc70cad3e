"""Runs whose generator is a classifier: what they are trained on, and how often they are wrong."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bgan_text.batch import Batch, Labelled
from bgan_text.config import CLASSIFIER, Config
from bgan_text.corpora.labelled import labelled_batches, labels_space, split_of
from bgan_text.corpora.prepared import Prepared
from bgan_text.errors import UserError
from bgan_text.run import Run
from bgan_text.space import AnySpace, Labels

PICTURES_AT_ONCE = 500


def space_of(prepared: Prepared, config: Config) -> AnySpace:
    """What a run on this data generates: samples like those of the data, or a classifier labels of them."""
    return labels_space(prepared) if config.generator == CLASSIFIER else prepared.space


def refuse_classifier(run: Run) -> None:
    """Refuse a classifier where samples are wanted."""
    if isinstance(run.space, Labels):
        raise UserError(f"{run.folder} labels pictures and makes none: bgan-text show tells how well")


def batches_of(run: Run, prepared: Prepared, device: torch.device) -> Callable[[int, int], Batch]:
    """(step, index) -> a batch of what the run learns from, a pure function."""
    config = run.config
    if isinstance(run.space, Labels):
        return labelled_batches(prepared, config.batch, config.seed, device)
    return prepared.batches(config.batch, config.seed, device)


def error_on_test(run: Run, prepared: Prepared, device: torch.device) -> float:
    """The share of test pictures that the run's weight average gives a wrong label."""
    error, _ = judged(run.generator(device), split_of(prepared, "test"), device)
    return error


@torch.no_grad()
def judged(classifier: nn.Module, real: Labelled, device: torch.device) -> tuple[float, float]:
    """How well a classifier in evaluation mode labels pictures.

    Returns:
        The share of pictures whose most probable label is wrong, and the mean of -log g(label | picture) in
        nats.
    """
    wrong = loss = 0.0
    for pictures, labels in zip(*(part.split(PICTURES_AT_ONCE) for part in real), strict=True):
        logits, right = classifier(pictures.to(device)).logits.squeeze(1), labels.to(device).squeeze(1)
        wrong += (logits.argmax(dim=1) != right).sum().item()
        loss += cross_entropy(logits, right, reduction="sum").item()
    return wrong / len(real.labels), loss / len(real.labels)
