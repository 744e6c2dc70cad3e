"""Which classes a classifier sees in samples, and how sure it is.

Shapes: S samples, R real images, V classes.
"""

import math

import numpy as np
import torch
from torch import Tensor

from bgan_text.scores.score import Score

PRESENT = 0.2
"""The part of its share in real images from which on a class counts as there."""


def confidence(logits: Tensor) -> Score:
    """Mean largest probability of samples, 1 / V .. 1: (S, V) logits. NaN without samples."""
    each = logits.double().softmax(dim=1).amax(dim=1)
    return Score(float(each.mean()) if len(each) else math.nan, each.numpy())


def class_scores(samples: Tensor, reals: Tensor, classes: int) -> dict[str, Score]:
    """How samples spread over classes, beside real images.

    Args:
        samples: (S,) int64 predicted classes, S at least 1.
        reals: (R,) likewise, R at least 1.
        classes: how many there are.

    Returns:
        `modes-covered`: how many of those that real images have come up with at least `PRESENT` of their real
        share; without an interval. `largest-class`, `smallest-class`: the shares of the commonest and of the
        rarest class that real images have. `class-distance`: total variation between the shares, 0 .. 1.
    """
    ours, theirs = (shares(predicted, classes) for predicted in (samples, reals))
    there = theirs > 0
    present = int((ours[there] >= PRESENT * theirs[there]).sum())
    commonest = int(ours.argmax())
    rarest = int(torch.where(there, ours, torch.inf).argmin())
    # Each sample moves the share of its own class alone.
    pull = 0.5 * (ours - theirs).sign()
    return {
        "modes-covered": Score(float(present), np.empty(0)),
        "largest-class": _share_of(commonest, samples),
        "smallest-class": _share_of(rarest, samples),
        "class-distance": Score(0.5 * float((ours - theirs).abs().sum()), pull[samples].numpy()),
    }


def shares(predicted: Tensor, classes: int) -> Tensor:
    """(S,) classes -> (V,) float64 shares."""
    return torch.bincount(predicted, minlength=classes).double() / len(predicted)


def _share_of(which: int, predicted: Tensor) -> Score:
    each = (predicted == which).double()
    return Score(float(each.mean()), each.numpy())
