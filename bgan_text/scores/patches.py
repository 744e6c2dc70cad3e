"""How the colours of neighbouring pixels go together, in samples and in real images."""

from collections.abc import Iterable

import numpy as np
from torch import Tensor

from bgan_text.scores.distribution import js_of
from bgan_text.scores.ngrams import Index, fold
from bgan_text.scores.score import Score
from bgan_text.scores.sequences import Integers, Sequences
from bgan_text.space import PixelSpace, TokenSpace

SIDES = (1, 2, 3)
LEVELS = 8
"""Grey levels into which continuous pixels are sorted."""
DENSE_BELOW = 2**40
"""Codes of patches are numbered anew before they could outgrow 64 bits."""


def patch_colours(samples: Tensor, space: TokenSpace | PixelSpace) -> Integers:
    """What patches are made of: (S, height, width) colours; of numbers, the grey level in `LEVELS` steps.

    Args:
        samples: (S, L) int64 tokens, or (S, channels, height, width) float32 pixels in -1 .. 1.
        space: of images.
    """
    if isinstance(space, PixelSpace):
        grey = (samples.mean(dim=1) + 1.0) / 2.0
        return (grey * LEVELS).long().clamp(max=LEVELS - 1).numpy()
    assert space.shape is not None
    return samples.view(-1, *space.shape).numpy()


def patch_js(samples: Integers, references: Integers, sides: Iterable[int] = SIDES) -> dict[int, Score]:
    """Jensen-Shannon divergence between the distributions of square patches, in bits, 0 .. 1.

    The n-gram divergence of texts, with patches for n-grams: every place of a patch inside an image counts.

    Args:
        samples: (S, height, width) tokens.
        references: (R, height, width) tokens.
        sides: of the patches, in pixels, at most the image's own.

    Returns:
        side -> divergence.
    """
    if samples.shape[1:] != references.shape[1:]:
        raise ValueError(f"images of {samples.shape[1:]} and of {references.shape[1:]} pixels")
    both = np.concatenate([samples, references])
    return {side: _divergence(_patches(both, side), len(samples)) for side in sides}


def _patches(images: Integers, side: int) -> Integers:
    """(count, patches) numbers, equal where patches are equal."""
    height, width = (size - side + 1 for size in images.shape[1:])
    if min(height, width) < 1:
        raise ValueError(f"an image of {images.shape[1:]} pixels has no patch of side {side}")
    tokens = images.astype(np.int64)
    colours = int(tokens.max()) + 1
    codes = np.zeros((len(images), height, width), dtype=np.int64)
    most = 1
    for down in range(side):
        for right in range(side):
            if most * colours > DENSE_BELOW:
                codes, most = _numbered(codes)
            codes = codes * colours + tokens[:, down : down + height, right : right + width]
            most *= colours
    return _numbered(codes)[0].reshape(len(images), -1)


def _numbered(codes: Integers) -> tuple[Integers, int]:
    """The codes numbered 0, 1, ... without gaps, and how many there are."""
    distinct, inverse = np.unique(codes, return_inverse=True)
    return inverse.reshape(codes.shape), len(distinct)


def _divergence(patches: Integers, samples: int) -> Score:
    vocabulary = int(patches.max()) + 1

    def sequences(rows: Integers) -> Sequences:
        lengths = np.full(len(rows), rows.shape[1], dtype=np.int64)
        return Sequences(rows.reshape(-1).astype(np.int32), lengths, vocabulary)

    index = Index(sequences(patches[:samples]), 1)
    return js_of(index, fold(index, [sequences(patches[samples:])]))[1]
