"""What a run learns from: the sample space and the training batches of a dataset directory."""

from collections.abc import Callable

import torch

from bgan_text.batch import Batch
from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.labelled import labelled_batches, labels_space
from bgan_text.group import ALONE, Group
from bgan_text.presets import CLASSIFIER
from bgan_text.space import LabelSpace, Space


def sample_space(dataset: DatasetDirectory, config: Config) -> Space:
    """The space of a run's samples: that of the dataset, or for a classifier the labels of its images."""
    return labels_space(dataset) if config.generator == CLASSIFIER else dataset.space


def training_batches(
    dataset: DatasetDirectory, space: Space, config: Config, device: torch.device, group: Group = ALONE
) -> Callable[[int, int], Batch]:
    """Training batches as a pure function of the step and of the index of the discriminator step.

    Args:
        dataset: where the samples come from.
        space: the run's sample space, see `sample_space`.
        config: its settings; `batch`, `seed` and `discriminator_steps` are read.
        device: where the batches go.
        group: the processes that share each batch.

    Returns:
        (step, index) -> N samples drawn with replacement from the training split, or this process's share.
    """
    own, each_step = group.rows(config.batch), config.discriminator_steps
    if isinstance(space, LabelSpace):
        return labelled_batches(dataset, config.batch, config.seed, device, own, each_step)
    return dataset.batches(config.batch, config.seed, device, own, each_step)
