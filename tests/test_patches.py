"""Patch statistics against dictionaries of tuples."""

import math
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from bgan_text.scores.patches import patch_js


def literal(samples: NDArray[np.int64], references: NDArray[np.int64], side: int) -> float:
    def shares(images: NDArray[np.int64]) -> dict[tuple[int, ...], float]:
        counts: Counter[tuple[int, ...]] = Counter()
        for image in images:
            for top in range(image.shape[0] - side + 1):
                for left in range(image.shape[1] - side + 1):
                    counts[tuple(image[top : top + side, left : left + side].reshape(-1).tolist())] += 1
        total = sum(counts.values())
        return {patch: count / total for patch, count in counts.items()}

    p, q = shares(samples), shares(references)
    value = 0.0
    for patch in p.keys() | q.keys():
        ours, theirs = p.get(patch, 0.0), q.get(patch, 0.0)
        middle = (ours + theirs) / 2
        value += sum(share / 2 * math.log2(share / middle) for share in (ours, theirs) if share)
    return value


@pytest.mark.parametrize("colours", [2, 5, 256])
@pytest.mark.parametrize("side", [1, 2, 3])
def test_patch_divergences_equal_those_of_counted_tuples(colours: int, side: int) -> None:
    rng = np.random.default_rng(colours)
    samples, references = rng.integers(0, colours, (7, 6, 5)), rng.integers(0, colours, (9, 6, 5)) // 2
    assert patch_js(samples, references)[side].value == pytest.approx(
        literal(samples, references, side), abs=1e-12
    )


def test_patches_tell_images_whose_pixels_are_alike() -> None:
    stripes = np.tile(np.arange(8) % 2, (4, 8, 1))
    shuffled = np.random.default_rng(0).permuted(stripes.reshape(4, -1), axis=1).reshape(4, 8, 8)
    values = patch_js(shuffled, stripes)
    assert values[1].value == pytest.approx(0.0, abs=1e-9)
    assert values[2].value > 0.5
    assert patch_js(stripes, stripes)[3].value == pytest.approx(0.0, abs=1e-12)


def test_every_pixel_of_a_patch_counts_however_many_colours_there_are() -> None:
    samples = np.full((4, 3, 3), 255)
    for place in range(9):
        references = samples.copy()
        references.reshape(4, 9)[:, place] = 7
        assert patch_js(samples, references, (3,))[3].value == pytest.approx(1.0)


def test_images_of_other_sizes_and_too_large_patches_are_refused() -> None:
    images = np.zeros((2, 4, 4), dtype=np.int64)
    with pytest.raises(ValueError, match="pixels"):
        patch_js(images, np.zeros((2, 4, 5), dtype=np.int64))
    with pytest.raises(ValueError, match="no patch"):
        patch_js(images, images, (5,))
