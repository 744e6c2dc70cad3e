"""Validation during training: a few samples, and the distance of many from the validation split."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bgan_text.batch import LabelledImages
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.corpora.image_grid import grid, write_png
from bgan_text.corpora.labelled import labelled_split
from bgan_text.corpora.oracle import Oracle
from bgan_text.scores.distribution import js_of_rows
from bgan_text.scores.patches import patch_colours, patch_js
from bgan_text.scores.sequences import Sequences
from bgan_text.space import LabelSpace, TokenSpace
from bgan_text.training.held_out_bound import gives_probabilities, held_out_bound
from bgan_text.training.run import GRIDS, RunFolder
from bgan_text.training.samples import sample_rows
from bgan_text.training.state import State
from bgan_text.validation_scores import ORDERS, SIDES

VALIDATION_SAMPLES = 1000
HELD_OUT_ROWS = 500
"""Always the same, so that their likelihoods tell apart checkpoints; with 5,000 tokens seconds of work."""
KEPT_SAMPLES = 10
GRID_SAMPLES = 64
IMAGES_AT_ONCE = 500


@dataclass(frozen=True)
class Validation:
    """The result of one validation.

    Attributes:
        values: scores by name against the validation split. Text: Jensen-Shannon divergences of token n-grams
            in bits, and on data of an oracle negative log-likelihoods in nats per token. Images: divergences
            of patches. A classifier: error rate and cross-entropy in nats.
        title: what the values are.
        samples: ten samples of text; empty for images and labels.
        record: further entries for metrics.jsonl.
    """

    values: dict[str, float]
    title: str
    samples: list[str]
    record: dict[str, Any]


class Validator:
    """Validates states of one run. The random stream of training is not touched."""

    def __call__(self, state: State) -> Validation:
        """Validate the weight average of a state."""
        raise NotImplementedError


class ClassifierValidator(Validator):
    """Error rate and cross-entropy of a classifier."""

    def __init__(self, dataset: DatasetDirectory) -> None:
        self.real = labelled_split(dataset, "validation")

    def __call__(self, state: State) -> Validation:
        error, loss = evaluate_classifier(state.sampler(), self.real, state.device)
        values = {"error": error, "cross-entropy": loss}
        return Validation(values, "error, cross-entropy", [], {"samples": []})


class SampleValidator(Validator):
    """Compares samples with real ones. Every validation of a run uses the same noise."""

    def __init__(self, dataset: DatasetDirectory, run: RunFolder) -> None:
        self.space, self.seed = dataset.space, run.config.seed

    def __call__(self, state: State) -> Validation:
        rows = sample_rows(state.sampler(), VALIDATION_SAMPLES, self.seed, state.device)
        return self.validate(torch.cat(list(rows)), state.step)

    def validate(self, rows: Tensor, step: int) -> Validation:
        """Compare samples, shaped as `sample_rows` gives them, with the validation split."""
        raise NotImplementedError


class TextValidator(SampleValidator):
    """Shows samples, and JS-1 to JS-4 of token n-grams."""

    def __init__(self, dataset: DatasetDirectory, run: RunFolder) -> None:
        super().__init__(dataset, run)
        self.tokenizer = dataset.tokenizer()
        self.real = self._sequences(dataset.rows("validation"))

    def validate(self, rows: Tensor, step: int) -> Validation:
        values = js_of_rows(self._sequences(rows), self.real, min(ORDERS[-1], rows.shape[1]))
        samples = [self.tokenizer.decode(row) for row in rows[:KEPT_SAMPLES].tolist()]
        named = {f"js-{order}": value for order, value in values.items()}
        return Validation(named, f"JS-1..{len(values)}", samples, {"samples": samples})

    def _sequences(self, rows: Tensor) -> Sequences:
        assert isinstance(self.space, TokenSpace)
        lengths = np.full(len(rows), self.space.positions, dtype=np.int64)
        return Sequences(rows.reshape(-1).numpy(), lengths, self.space.vocabulary)


class OracleValidator(TextValidator):
    """Adds, in nats per token, the exact NLL of the samples, and that of the validation split, a bound."""

    def __init__(self, dataset: DatasetDirectory, run: RunFolder, oracle: Oracle) -> None:
        super().__init__(dataset, run)
        self.oracle = oracle
        rows = np.arange(min(HELD_OUT_ROWS, dataset.counts["validation"]))
        self.held_out = dataset.chosen("validation", rows)

    def __call__(self, state: State) -> Validation:
        found, generator = super().__call__(state), state.sampler()
        if not gives_probabilities(generator, state.device):
            return found
        nats = held_out_bound(generator, self.held_out, self.seed, state.device)
        nll = -float(nats.double().mean()) / self.held_out.shape[1]
        return _with(found, "nll-validation", nll)

    def validate(self, rows: Tensor, step: int) -> Validation:
        nll = -float(self.oracle.log_prob(rows).mean()) / rows.shape[1]
        return _with(super().validate(rows, step), "nll-oracle", nll)


def _with(found: Validation, name: str, value: float) -> Validation:
    """A validation with one more score."""
    title = f"{found.title}, {name.replace('nll', 'NLL')}"
    return replace(found, values=found.values | {name: value}, title=title)


class ImageValidator(SampleValidator):
    """Writes a grid of samples, and computes the JS of patches of 1, 2 and 3 pixels a side."""

    def __init__(self, dataset: DatasetDirectory, run: RunFolder) -> None:
        super().__init__(dataset, run)
        self.palette, self.grids = dataset.palette(), run.grids()
        # No more real images than samples: every image has as many patches as pixels.
        self.real = patch_colours(dataset.rows("validation")[:VALIDATION_SAMPLES], self.space)

    def validate(self, rows: Tensor, step: int) -> Validation:
        sides = [side for side in SIDES if side <= min(self.real.shape[1:])]
        values = patch_js(patch_colours(rows, self.space), self.real, sides)
        name = f"{step:09d}.png"
        write_png(self.grids / name, grid([self.palette.decode(row) for row in rows[:GRID_SAMPLES].numpy()]))
        named = {f"patch-js-{side}": score.value for side, score in values.items()}
        return Validation(named, f"patch JS-1..{len(values)}", [], {"samples": [], "grid": f"{GRIDS}/{name}"})


def validator(dataset: DatasetDirectory, run: RunFolder) -> Validator:
    """The validator of a run on a dataset."""
    if isinstance(run.space, LabelSpace):
        return ClassifierValidator(dataset)
    if (oracle := dataset.oracle()) is not None:
        return OracleValidator(dataset, run, oracle)
    return ImageValidator(dataset, run) if run.images else TextValidator(dataset, run)


@torch.no_grad()
def evaluate_classifier(
    classifier: nn.Module, real: LabelledImages, device: torch.device
) -> tuple[float, float]:
    """Error rate and cross-entropy of a classifier in evaluation mode.

    Args:
        classifier: maps (N, channels, height, width) images to a distribution with `logits` (N, 1, classes).
        real: R images with their labels.
        device: where the classifier is.

    Returns:
        The share of images whose most probable label is wrong, and the mean of -log g(label | image) in nats.
    """
    wrong = loss = 0.0
    for images, labels in zip(*(part.split(IMAGES_AT_ONCE) for part in real), strict=True):
        logits, right = classifier(images.to(device)).logits.squeeze(1), labels.to(device).squeeze(1)
        wrong += (logits.argmax(dim=1) != right).sum().item()
        loss += cross_entropy(logits, right, reduction="sum").item()
    return wrong / len(real.labels), loss / len(real.labels)


def classification_error(run: RunFolder, dataset: DatasetDirectory, device: torch.device) -> float:
    """The share of test images that the weight average of a run's classifier labels wrongly."""
    error, _ = evaluate_classifier(run.generator(device), labelled_split(dataset, "test"), device)
    return error
