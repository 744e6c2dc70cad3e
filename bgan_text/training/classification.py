"""Runs whose generator is a classifier: what they are trained on, and how often they are wrong."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from bgan_text.batch import Batch, LabelledImages
from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.labelled import labelled_batches, labels_space, split_of
from bgan_text.errors import UserError
from bgan_text.presets import CLASSIFIER
from bgan_text.space import LabelSpace, Space
from bgan_text.training.run import RunFolder

IMAGES_AT_ONCE = 500


def space_of(prepared: DatasetDirectory, config: Config) -> Space:
    """What a run on this data generates: samples like those of the data, or a classifier labels of them."""
    return labels_space(prepared) if config.generator == CLASSIFIER else prepared.space


def refuse_classifier(run: RunFolder) -> None:
    """Refuse a classifier where samples are wanted."""
    if isinstance(run.space, LabelSpace):
        raise UserError(f"{run.folder} labels images and makes none: bgan-text show tells how well")


def batches_of(
    run: RunFolder, prepared: DatasetDirectory, device: torch.device
) -> Callable[[int, int], Batch]:
    """(step, index) -> a batch of what the run learns from, a pure function."""
    config = run.config
    if isinstance(run.space, LabelSpace):
        return labelled_batches(prepared, config.batch, config.seed, device)
    return prepared.batches(config.batch, config.seed, device)


def error_on_test(run: RunFolder, prepared: DatasetDirectory, device: torch.device) -> float:
    """The share of test images that the run's weight average gives a wrong label."""
    error, _ = judged(run.generator(device), split_of(prepared, "test"), device)
    return error


@torch.no_grad()
def judged(classifier: nn.Module, real: LabelledImages, device: torch.device) -> tuple[float, float]:
    """How well a classifier in evaluation mode labels images.

    Returns:
        The share of images whose most probable label is wrong, and the mean of -log g(label | image) in
        nats.
    """
    wrong = loss = 0.0
    for images, labels in zip(*(part.split(IMAGES_AT_ONCE) for part in real), strict=True):
        logits, right = classifier(images.to(device)).logits.squeeze(1), labels.to(device).squeeze(1)
        wrong += (logits.argmax(dim=1) != right).sum().item()
        loss += cross_entropy(logits, right, reduction="sum").item()
    return wrong / len(real.labels), loss / len(real.labels)
