"""Density and coverage against the formulas of Naeem et al. 2020, as their package prdc has them."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bgan_text.scores import embedding
from bgan_text.scores.embedding import density_and_coverage

Array = NDArray[np.float64]


def normal(seed: int, *shape: int, shift: float = 0.0) -> Array:
    return np.random.default_rng(seed).normal(size=shape) + shift


def literal(samples: Array, reals: Array, neighbours: int) -> tuple[float, float]:
    """compute_prdc of prdc 0.2, by the whole matrix of distances."""
    among = np.linalg.norm(reals[:, None] - reals[None], axis=2)
    radii = np.partition(among, neighbours, axis=1)[:, neighbours]
    between = np.linalg.norm(reals[:, None] - samples[None], axis=2)
    density = (1.0 / neighbours) * (between < radii[:, None]).sum(axis=0).mean()
    coverage = (between.min(axis=1) < radii).mean()
    return float(density), float(coverage)


@pytest.mark.parametrize("block", [1 << 20, 7])
@pytest.mark.parametrize(("rows", "others", "shift"), [(30, 40, 0.4), (60, 20, 0.0), (1, 12, 0.0)])
def test_both_equal_the_literal_formulas(
    rows: int, others: int, shift: float, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "BLOCK_ELEMENTS", block)
    samples, reals = normal(1, rows, 4, shift=shift), normal(2, others, 4)
    for neighbours in (1, 3, 5):
        found = density_and_coverage(samples, reals, neighbours)
        assert [score.value for score in found] == pytest.approx(literal(samples, reals, neighbours))


def test_each_sample_counts_its_balls_and_the_jackknife_of_coverage_leaves_it_out() -> None:
    samples, reals = normal(3, 25, 3, shift=0.5), normal(4, 30, 3)
    density, coverage = density_and_coverage(samples, reals, 3)
    alone = [literal(sample[None], reals, 3)[0] for sample in samples]
    assert density.each == pytest.approx(np.array(alone))
    without = np.array([literal(np.delete(samples, at, axis=0), reals, 3)[1] for at in range(25)])
    assert coverage.each == pytest.approx(25 * coverage.value - 24 * without)
    assert len(set(coverage.each)) > 2


def test_real_text_against_itself_has_density_and_coverage_of_one() -> None:
    """The k-th neighbour is on the surface of a ball, which is outside, wherever the origin lies."""
    for reals in (normal(5, 50, 30), normal(5, 50, 30) + 1e3):
        density, coverage = density_and_coverage(reals, reals)
        assert (density.value, coverage.value) == (pytest.approx(1.0), 1.0)
    tensor = torch.tensor(normal(5, 50, 30).astype(np.float32))
    assert density_and_coverage(tensor, tensor)[0].value == pytest.approx(1.0)


def test_an_outlier_among_real_text_raises_precision_but_not_density() -> None:
    reals = np.concatenate([normal(7, 60, 2), [[40.0, 40.0]]])
    between = normal(8, 60, 2) + 20  # in the ball of the outlier alone
    assert embedding.precision(between, reals).value == 1.0
    density, coverage = density_and_coverage(between, reals)
    assert density.value == pytest.approx(0.2)
    assert coverage.value == pytest.approx(1 / 61)


def test_too_few_and_wrong_arrays() -> None:
    many, few = normal(9, 10, 3), normal(10, 5, 3)
    assert all(math.isnan(score.value) for score in density_and_coverage(many, few))
    assert not any(math.isnan(score.value) for score in density_and_coverage(few, many))
    with pytest.raises(ValueError, match="neighbours = 0: at least 1"):
        density_and_coverage(many, many, 0)
    with pytest.raises(ValueError, match="samples are 3 wide, reals 2"):
        density_and_coverage(many, many[:, :2])
