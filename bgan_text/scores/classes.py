"""Scores of the class distribution that a classifier predicts, and of its confidence.

Shapes: S samples, R real images, V classes.
"""

import numpy as np
import torch
from torch import Tensor

from bgan_text.scores.score import SHARE, Score, mean

PRESENT = 0.2
"""Least ratio of a class's share in the samples to its share in the real images to count as covered."""


def confidence(logits: Tensor) -> Score:
    """Mean of the largest class probability, in [1 / V, 1], from (S, V) logits. NaN without samples."""
    each = logits.double().softmax(dim=1).amax(dim=1)
    return mean(each.numpy(), (1 / logits.shape[1], 1.0))


def class_scores(samples: Tensor, reals: Tensor, classes: int) -> dict[str, Score]:
    """Compare the class distribution of samples with that of real images.

    Args:
        samples: (S,) int64 predicted classes, S at least 1.
        reals: (R,) int64 predicted classes, R at least 1.
        classes: Number of classes V.

    Returns:
        Four scores by name.

        - `modes-covered`: number of classes of the real images whose share in the samples is at least
          `PRESENT` times their share in the real images. It has no interval.
        - `largest-class`: share of the most frequent class in the samples.
        - `smallest-class`: share in the samples of the rarest class, among classes of the real images.
        - `class-distance`: total variation distance between the class distributions, in [0, 1].
    """
    ours, theirs = (shares(predicted, classes) for predicted in (samples, reals))
    in_reals = theirs > 0
    present = int((ours[in_reals] >= PRESENT * theirs[in_reals]).sum())
    commonest = int(ours.argmax())
    rarest = int(torch.where(in_reals, ours, torch.inf).argmin())
    # A sample changes only the share of its own class.
    pull = 0.5 * (ours - theirs).sign()
    distance = 0.5 * float((ours - theirs).abs().sum())
    return {
        "modes-covered": Score(float(present), np.empty(0)),
        "largest-class": _share_of(commonest, samples),
        "smallest-class": _share_of(rarest, samples),
        "class-distance": Score(distance, pull[samples].numpy(), limits=SHARE),
    }


def shares(predicted: Tensor, classes: int) -> Tensor:
    """(S,) int64 classes -> (V,) float64 shares."""
    return torch.bincount(predicted, minlength=classes).double() / len(predicted)


def _share_of(which: int, predicted: Tensor) -> Score:
    return mean((predicted == which).double().numpy(), SHARE)
