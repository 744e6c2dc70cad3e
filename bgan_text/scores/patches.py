"""Scores that compare the distributions of small image patches in samples and in real images."""

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
"""Number of grey levels to which continuous pixels are quantised."""
DENSE_BELOW = 2**40
"""Bound on patch codes: they are renumbered before they would exceed it and overflow 64 bits."""


def patch_colours(samples: Tensor, space: TokenSpace | PixelSpace) -> Integers:
    """Convert images to the colours that patches consist of.

    Args:
        samples: (S, L) int64 tokens, or (S, channels, height, width) float32 pixels in [-1, 1].
        space: Space of the images.

    Returns:
        (S, height, width) int64: tokens, or for continuous images grey levels from 0 to `LEVELS` - 1.
    """
    if isinstance(space, PixelSpace):
        grey = (samples.mean(dim=1) + 1.0) / 2.0
        return (grey * LEVELS).long().clamp(max=LEVELS - 1).numpy()
    assert space.shape is not None
    return samples.view(-1, *space.shape).numpy()


def patch_js(samples: Integers, references: Integers, sides: Iterable[int] = SIDES) -> dict[int, Score]:
    """Jensen-Shannon divergence between the distributions of square patches.

    This is the n-gram divergence of texts with patches in place of n-grams. Patches at all positions inside
    an image count.

    Args:
        samples: (S, height, width) tokens.
        references: (R, height, width) tokens.
        sides: Sides of the patches in pixels, at most the height and the width of the images.

    Returns:
        The divergence for each side, in bits, in [0, 1].

    Raises:
        ValueError: If the images differ in size or are smaller than a patch.
    """
    if samples.shape[1:] != references.shape[1:]:
        raise ValueError(
            f"images of {samples.shape[1:]} and of {references.shape[1:]} pixels: equal sizes were expected"
        )
    both = np.concatenate([samples, references])
    return {side: _divergence(_patches(both, side), len(samples)) for side in sides}


def _patches(images: Integers, side: int) -> Integers:
    """(count, patches) numbers that are equal for equal patches."""
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
    """Renumber codes 0, 1, ... without gaps; also return the number of distinct codes."""
    distinct, inverse = np.unique(codes, return_inverse=True)
    return inverse.reshape(codes.shape), len(distinct)


def _divergence(patches: Integers, samples: int) -> Score:
    vocabulary = int(patches.max()) + 1

    def sequences(rows: Integers) -> Sequences:
        lengths = np.full(len(rows), rows.shape[1], dtype=np.int64)
        return Sequences(rows.reshape(-1).astype(np.int32), lengths, vocabulary)

    index = Index(sequences(patches[:samples]), 1)
    return js_of(index, fold(index, [sequences(patches[samples:])]))[1]
