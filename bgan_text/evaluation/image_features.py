"""Scores of the features and classes that a classifier of real images finds in samples."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bgan_text.corpora.palette import numbers
from bgan_text.evaluation.image_inputs import RealImages, Samples
from bgan_text.evaluation.ngrams import Scores
from bgan_text.reporter import Reporter
from bgan_text.scores.classes import class_scores, confidence
from bgan_text.scores.embedding import density_and_coverage, frechet, precision, recall
from bgan_text.scores.feature_classifier import Classified, FeatureClassifier
from bgan_text.scores.feature_classifier_fit import ClassifierSettings, accuracy, fitted

VALIDATION = 5000
"""Images of a split that the accuracy of the classifier is measured on, at most."""


def feature_scores(
    groups: Sequence[Samples],
    real: RealImages,
    settings: ClassifierSettings,
    seed: int,
    device: torch.device,
    reporter: Reporter,
) -> tuple[list[Scores], dict[str, Any]]:
    """The scores of features, and of classes if the images have labels, by group; and the settings.

    The images of the anchor are not among the classifier's training images.
    """
    labelled = _numbered(real, real.training_labels)
    height, width = real.palette.height, real.palette.width
    if labelled is None and height != width:
        reporter.warning(
            f"images of {width} x {height} pixels without labels: features are learned from labels, or from "
            "rotating square images, so their scores are omitted."
        )
        return [{} for _ in groups], {}
    net = _classifier(real, labelled, settings, seed, device, reporter)
    with reporter.task("features of images"):
        references = net.classified(real.references)
        seen = [net.classified(group.images) for group in groups]
        scores = [_scores(one, references, labelled is not None) for one in seen]
        accuracies = _accuracies(net, real)
    task = "rotations" if labelled is None else "labels"
    return scores, {"trained on": task} | accuracies | asdict(settings)


def _classifier(
    real: RealImages,
    labels: Tensor | None,
    settings: ClassifierSettings,
    seed: int,
    device: torch.device,
    reporter: Reporter,
) -> FeatureClassifier:
    rng = torch.Generator(device).manual_seed(seed)
    with reporter.task("classifier of real images", "steps") as progress:
        return fitted(
            real.space,
            real.training[real.anchor :],
            None if labels is None else labels[real.anchor :],
            rng,
            colours=_colours(real),
            settings=settings,
            progress=progress,
        )


def _colours(real: RealImages) -> Tensor | None:
    """(V, channels) the colours of the tokens, -1 .. 1; None if pixels are real numbers."""
    if real.palette.colors is None:
        return None
    return numbers(torch.from_numpy(real.palette.colors))


def _numbered(real: RealImages, labels: Tensor | None) -> Tensor | None:
    """Labels numbered 0, 1, ... in the order of the training labels, others -1; None for a single class."""
    if labels is None or real.training_labels is None:
        return None
    known = real.training_labels.unique()
    if len(known) < 2:
        return None
    places = torch.searchsorted(known, labels).clamp(max=len(known) - 1)
    return torch.where(known[places] == labels, places, -1)


def _scores(samples: Classified, references: Classified, labelled: bool) -> Scores:
    density, coverage = density_and_coverage(samples.features, references.features)
    scores = {
        "classifier-frechet": frechet(samples.features, references.features),
        "classifier-precision": precision(samples.features, references.features),
        "classifier-recall": recall(samples.features, references.features),
        "classifier-density": density,
        "classifier-coverage": coverage,
    }
    if labelled:
        ours, theirs = (side.logits.argmax(dim=1) for side in (samples, references))
        scores["confidence"] = confidence(samples.logits)
        scores |= class_scores(ours, theirs, samples.logits.shape[1])
    return scores


def _accuracies(net: FeatureClassifier, real: RealImages) -> dict[str, float]:
    """Accuracy of the classifier on images that it was not trained on."""
    data = real.data
    places = np.arange(min(VALIDATION, data.counts["validation"]))
    labels = data.labels("validation")
    sides = {
        "test": (real.references[:VALIDATION], real.reference_labels),
        "validation": (data.chosen("validation", places), labels),
    }
    found = {}
    for name, (images, known) in sides.items():
        numbered = _numbered(real, None if known is None else known[: len(images)])
        if len(images):
            found[f"{name} accuracy"] = round(accuracy(net, images, numbered), 4)
    return found
