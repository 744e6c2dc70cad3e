"""The arithmetic of `benchmarks/projection.py`: what it counts, and what it makes of it."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from bgan_text.space import TokenSpace

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "projection.py"
projection = SimpleNamespace(**runpy.run_path(str(BENCHMARK)))
SPACE = TokenSpace(5, 7, end=0)
NETS = {"generator": "conv", "objective": "importance", "credit": "sequence", "draws": 3, "noise": 4}
NETS |= {"width": 8, "blocks": 1, "discriminator_width": 8, "discriminator_blocks": 1}


def test_what_a_step_costs_is_counted() -> None:
    """By hand: products of dense layers and 5-wide convolutions; a backward pass is two forward ones."""
    cost = projection.counted(NETS, SPACE, batch=7)
    conv, positions = 2 * 5 * 8 * 8, 5
    generator = 3 * (2 * 4 * positions * 8 + positions * (2 * conv + 2 * 8 * 7)) - 2 * 4 * positions * 8
    forward = positions * 2 * conv + 2 * positions * 8  # behind the first layer, whose products are looked up
    scored = 3 * forward + 2 * 3 * forward
    assert cost.operations == pytest.approx(generator + scored, rel=0.05)
    assert cost.generator < cost.parameters < 4 * cost.generator
    assert cost.kernels > 100


def test_all_parts_are_linear_in_the_number_of_blocks() -> None:
    one, two, three = (projection.counted(NETS | {"blocks": blocks}, SPACE) for blocks in (1, 2, 3))
    found = projection.deeper(one, two, (1, 2), 3)
    for name, value in vars(three).items():
        assert getattr(found, name) == pytest.approx(value, rel=0.02), name


def test_an_epoch_on_several_gpus() -> None:
    gpu = projection.Gpu(
        operations=1e12, reached=0.5, launch=1e-5, within=1e9, between=1e8, node=2, price=2.0
    )
    cost = projection.Cost(operations=1e9, kept=1e6, kernels=100, parameters=1e6, generator=5e5)
    alone, pair, four = (projection.project(cost, 10, gpus, gpu) for gpus in (1, 2, 4))
    assert (alone.compute, alone.reduce) == (pytest.approx(0.02), 0.0)
    assert alone.hours == pytest.approx(projection.SENTENCES / 10 * 0.02 / 3600)
    assert alone.dollars == pytest.approx(2 * alone.hours)
    assert (pair.reduced, pair.reduce) == (4e6, pytest.approx(0.004))
    assert (four.reduced, four.reduce) == (6e6, pytest.approx(0.06))
    assert pair.hours == pytest.approx(alone.hours / 2 * 0.024 / 0.02)
    launches = projection.project(cost, 0.1, 1, gpu)
    assert launches.compute == pytest.approx(0.001)  # of 100 kernels, longer than the arithmetic
    assert projection.largest_batch(cost, gpu) == int((80e9 - 16e6) / 5e5)
    assert projection.checkpoint(cost) == 14e6
