"""Scores of pixels, classes and neighbours against literal sums and numerical derivatives."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from bgan_text.scores import neighbours as neighbours_module
from bgan_text.scores import pixels as pixels_module
from bgan_text.scores.classes import class_scores, confidence
from bgan_text.scores.neighbours import nearest, neighbour_distance
from bgan_text.scores.patches import patch_colours
from bgan_text.scores.pixels import colour_distance, deviation_distance, mean_distance
from bgan_text.scores.score import Score
from bgan_text.space import PixelSpace, TokenSpace

Weights = NDArray[np.float64]
STEP = 1e-6


def assert_first_order(score: Score, value: Callable[[Weights], float]) -> None:
    """`value` of weights that sum to 1 is the score, and its derivative is what each sample adds."""
    size = len(score.each)
    equal = np.full(size, 1 / size)
    assert score.value == pytest.approx(value(equal), abs=1e-12)
    for sample in range(size):
        moved = (1 - STEP) * equal
        moved[sample] += STEP
        slope = (value(moved) - value(equal)) / STEP
        assert score.each[sample] - score.each.mean() == pytest.approx(slope, abs=1e-4)


# Pixels


@pytest.mark.parametrize("block", [1 << 22, 7])
def test_colour_distance_is_the_mean_total_variation(
    block: int, rng: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels_module, "BLOCK_ELEMENTS", block)
    samples, references = (torch.randint(most, (count, 6), generator=rng) for count, most in ((7, 4), (9, 3)))

    def literal(weights: Weights) -> float:
        total = 0.0
        for pixel, colour in itertools.product(range(6), range(4)):
            ours = sum(w for w, row in zip(weights, samples.tolist(), strict=True) if row[pixel] == colour)
            theirs = sum(row[pixel] == colour for row in references.tolist()) / 9
            total += abs(ours - theirs) / 2
        return total / 6

    assert_first_order(colour_distance(samples, references, 4), literal)
    assert colour_distance(references, references, 4).value == 0.0
    zeros, ones = torch.zeros(3, 6, dtype=torch.int64), torch.ones(2, 6, dtype=torch.int64)
    assert colour_distance(zeros, ones, 2).value == 1.0


@pytest.mark.parametrize("block", [1 << 22, 20])
@pytest.mark.parametrize("which", ["mean", "deviation"])
def test_distances_of_moments_are_literal_and_in_units_of_the_range(
    which: str, block: int, rng: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels_module, "BLOCK_ELEMENTS", block)
    samples, references = (2 * torch.rand(count, 2, 2, 3, generator=rng) - 1 for count in (6, 8))
    ours, theirs = (side.flatten(1).double().numpy() for side in (samples, references))

    def literal(weights: Weights) -> float:
        mean = weights @ ours
        if which == "mean":
            return float(np.abs(mean - theirs.mean(axis=0)).mean() / 2)
        deviation = np.sqrt(weights @ np.square(ours - mean))
        return float(np.abs(deviation - theirs.std(axis=0)).mean() / 2)

    score = mean_distance if which == "mean" else deviation_distance
    assert_first_order(score(samples, references), literal)
    assert score(samples, samples).value == 0.0


def test_the_furthest_that_moments_can_be_apart() -> None:
    black, white = -torch.ones(4, 1, 2, 2), torch.ones(4, 1, 2, 2)
    assert mean_distance(black, white).value == 1.0
    assert deviation_distance(black, white).value == 0.0
    assert deviation_distance(torch.cat([black, white]), black).value == pytest.approx(0.5)
    assert np.isfinite(deviation_distance(black, white).each).all()


@pytest.mark.parametrize("score", [mean_distance, deviation_distance])
def test_images_of_different_size_or_none_are_refused(score: Callable[[Tensor, Tensor], Score]) -> None:
    for samples, references in (
        (torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 5)),
        (torch.zeros(0, 1, 4, 4), torch.zeros(2, 1, 4, 4)),
    ):
        with pytest.raises(ValueError, match="were expected"):
            score(samples, references)
    with pytest.raises(ValueError, match="were expected"):
        colour_distance(torch.zeros(2, 3), torch.zeros(2, 4), 2)


def test_patches_of_numbers_are_grey_in_eight_steps() -> None:
    canvas = PixelSpace(3, 1, 4)
    pixels = torch.tensor([-1.0, -0.76, -0.74, 1.0]).view(1, 1, 1, 4).expand(1, 3, 1, 4).clone()
    assert patch_colours(pixels, canvas).tolist() == [[[0, 0, 1, 7]]]
    pixels[0, :, 0, 3] = torch.tensor([1.0, -1.0, 0.3])
    assert patch_colours(pixels, canvas)[0, 0, 3] == 4
    tokens = torch.arange(6).view(1, 6)
    assert patch_colours(tokens, TokenSpace(6, 6, shape=(2, 3))).tolist() == [[[0, 1, 2], [3, 4, 5]]]


# Classes


def test_shares_of_classes_are_counted() -> None:
    samples = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 1, 2])
    reals = torch.tensor([0, 1, 1, 2, 2, 2, 2, 3, 3, 3])
    found = class_scores(samples, reals, 5)
    # Shares .6 .3 .1 0 0 beside .1 .2 .4 .3 0: class 2 has a quarter of its share, 3 nothing, 4 is not there.
    assert found["modes-covered"].value == 3
    assert found["largest-class"].value == pytest.approx(0.6)
    assert found["smallest-class"].value == 0.0
    assert found["class-distance"].value == pytest.approx((0.5 + 0.1 + 0.3 + 0.3) / 2)
    assert found["modes-covered"].shares.size == 0
    few = class_scores(torch.tensor([0] * 9 + [1]), torch.tensor([0, 1] * 5), 2)
    assert few["modes-covered"].value == 2  # .1 is a fifth of .5
    assert few["smallest-class"].value == pytest.approx(0.1)
    fewer = class_scores(torch.tensor([0] * 10 + [1]), torch.tensor([0, 1] * 5), 2)
    assert fewer["modes-covered"].value == 1
    absent = class_scores(torch.tensor([0, 0, 1]), torch.tensor([0, 1]), 3)
    assert absent["smallest-class"].value == pytest.approx(1 / 3)  # a class without real images is none


def test_what_a_sample_adds_to_shares_of_classes() -> None:
    samples, reals = torch.tensor([0, 0, 1, 2, 1, 0, 0]), torch.tensor([0, 1, 1, 2, 2, 2])
    found = class_scores(samples, reals, 3)
    theirs = np.bincount(reals.numpy(), minlength=3) / len(reals)

    def ours(weights: Weights) -> Weights:
        return np.bincount(samples.numpy(), weights, minlength=3)

    assert_first_order(
        found["class-distance"], lambda weights: float(np.abs(ours(weights) - theirs).sum()) / 2
    )
    assert_first_order(found["largest-class"], lambda weights: float(ours(weights)[0]))
    assert_first_order(found["smallest-class"], lambda weights: float(ours(weights)[2]))


def test_confidence_is_the_mean_largest_probability(rng: torch.Generator) -> None:
    logits = torch.randn(5, 3, generator=rng)
    each = [max(math.exp(x) for x in row) / sum(math.exp(x) for x in row) for row in logits.tolist()]
    found = confidence(logits)
    assert found.value == pytest.approx(sum(each) / 5)
    assert found.each.tolist() == pytest.approx(each)
    assert math.isnan(confidence(logits[:0]).value)
    assert confidence(torch.zeros(4, 10)).value == pytest.approx(0.1)


# Neighbours


@pytest.mark.parametrize("block", [1 << 24, 30])
def test_neighbours_are_those_of_an_exhaustive_search(
    block: int, rng: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours_module, "BLOCK_ELEMENTS", block)
    samples, training = (
        torch.randint(256, (count, 9), generator=rng, dtype=torch.uint8) for count in (6, 23)
    )
    found = nearest(samples, training, 4)
    for sample, distances, places in zip(samples, found.distances, found.places, strict=True):
        all_of_them = sorted(
            (
                math.sqrt(
                    sum(((int(a) - int(b)) / 255) ** 2 for a, b in zip(sample, other, strict=True)) / 9
                ),
                i,
            )
            for i, other in enumerate(training)
        )
        assert distances.tolist() == pytest.approx([distance for distance, _ in all_of_them[:4]], abs=1e-6)
        assert places.tolist() == [place for _, place in all_of_them[:4]]
    score = neighbour_distance(samples, training)
    assert score.each.tolist() == pytest.approx(found.distances[:, 0].tolist())
    assert score.value == pytest.approx(found.distances[:, 0].mean().item())


def test_a_copy_is_at_distance_0_exactly(rng: torch.Generator) -> None:
    training = 200 + torch.randint(56, (50, 3000), generator=rng, dtype=torch.uint8)
    found = nearest(training[[7, 31]], training)
    assert found.distances.tolist() == [[0.0], [0.0]]
    assert found.places.tolist() == [[7], [31]]
    numbers = torch.zeros(1, 4), torch.full((1, 4), 0.5)
    assert neighbour_distance(*numbers).value == 0.5


def test_more_neighbours_than_there_are_and_other_sizes_are_refused() -> None:
    images = torch.zeros(3, 4)
    for samples, count, message in (
        (images, 4, "4 neighbours among 3"),
        (images[:, :3], 1, "3 and of 4"),
    ):
        with pytest.raises(ValueError, match=message):
            nearest(samples, images, count)
    with pytest.raises(ValueError, match="0 neighbours"):
        nearest(images, images, 0)
