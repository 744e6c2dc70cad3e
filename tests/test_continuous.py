"""Objectives of images whose pixels are real numbers."""

import copy
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.models.discriminators import ContinuousImageDiscriminator
from bgan_text.models.generators import ContinuousImageGenerator
from bgan_text.objective_table import CONTINUOUS, OBJECTIVES, objectives_on
from bgan_text.objectives.discriminator_objective import LEAST_SQUARES, WASSERSTEIN
from bgan_text.objectives.divergences import divergence_named
from bgan_text.objectives.gradient_penalty import gradient_norms
from bgan_text.objectives.pathwise_losses import PATHWISE_LOSSES
from bgan_text.presets import DIVERGENCES
from bgan_text.space import PixelSpace, TokenSpace, space_from_json, space_to_json
from bgan_text.training.pathwise import PathwiseUpdate
from bgan_text.training.samples import sample_rows
from bgan_text.training.state import State
from bgan_text.training.trainer import train

CPU = torch.device("cpu")
CANVAS = PixelSpace(3, 8, 12)
TINY = {"batch": 8, "width": 4, "discriminator_width": 4, "noise": 3, "precision": "float32"}
MATRIX = [
    (objective, divergence)
    for objective, divergence in itertools.product(objectives_on(CONTINUOUS), [None, *DIVERGENCES])
    if not (divergence and OBJECTIVES[objective].no_divergence)
]

Command = Callable[..., Any]


@pytest.fixture
def scores(rng: torch.Generator) -> Tensor:
    return torch.randn(20, generator=rng, dtype=torch.float64)


def test_what_generators_descend_is_the_textbooks(scores: Tensor) -> None:
    """D = 1 / (1 + exp(-F)): Goodfellow et al. 2014; Hjelm et al. 2018, section 3; Mao et al. 2017."""
    judged = scores.sigmoid()
    gan = divergence_named("gan")
    torch.testing.assert_close(PATHWISE_LOSSES["gan"].generator(gan, scores), (1 - judged).log().mean())
    torch.testing.assert_close(PATHWISE_LOSSES["non-saturating"].generator(gan, scores), -judged.log().mean())
    boundary = 0.5 * (judged.log() - (1 - judged).log()).square().mean()
    torch.testing.assert_close(PATHWISE_LOSSES["bgan"].generator(gan, scores), boundary)
    torch.testing.assert_close(
        PATHWISE_LOSSES["lsgan"].generator(LEAST_SQUARES, scores), 0.5 * (scores - 1).square().mean()
    )
    torch.testing.assert_close(PATHWISE_LOSSES["wgan"].generator(WASSERSTEIN, scores), -scores.mean())


def test_the_saturating_generator_descends_what_the_discriminator_ascends(scores: Tensor) -> None:
    for divergence in map(divergence_named, DIVERGENCES):
        samples = scores.clone().requires_grad_()
        (bound,) = torch.autograd.grad(divergence.bound(scores, samples), samples)
        (loss,) = torch.autograd.grad(PATHWISE_LOSSES["gan"].generator(divergence, samples), samples)
        torch.testing.assert_close(loss, bound)


def test_least_squares_is_solved_by_the_share_of_data() -> None:
    """Mao et al. 2017, equation 5 with labels 1 and 0: F = p / (p + q)."""
    p, q = torch.tensor([0.7, 0.2, 0.1]), torch.tensor([0.1, 0.3, 0.6])
    scores = (p / (p + q)).requires_grad_()
    bound = (p * LEAST_SQUARES.real(scores) - q * LEAST_SQUARES.fake(scores)).sum()
    (gradient,) = torch.autograd.grad(bound, scores)
    torch.testing.assert_close(gradient, torch.zeros(3), rtol=0, atol=1e-7)


def test_slopes_of_images_are_those_of_autograd(rng: torch.Generator) -> None:
    net = ContinuousImageDiscriminator(CANVAS, width=4, spectral=False)
    one, other = (torch.randn(5, 3, 8, 12, generator=rng) for _ in range(2))
    mix = torch.rand(5, generator=rng)
    between = (one + mix.view(-1, 1, 1, 1) * (other - one)).requires_grad_()
    (gradient,) = torch.autograd.grad(net(between).sum(), between)
    torch.testing.assert_close(gradient_norms(net, one, other, mix), gradient.flatten(1).norm(dim=1))


@pytest.mark.parametrize(("objective", "divergence"), MATRIX)
def test_every_objective_trains_on_numbers(objective: str, divergence: str | None) -> None:
    config = Config.given(TINY | {"objective": objective, "divergence": divergence, "steps": 3})
    state = State.fresh(config, CANVAS, CPU)
    before = [parameter.detach().clone() for parameter in state.generator.parameters()]
    real = torch.rand(8, 3, 8, 12, generator=torch.Generator().manual_seed(1)) * 2 - 1
    (*_, last) = train(state, config, lambda step, index: real, lambda state: state.step / 3)
    assert state.nonfinite.item() == 0
    assert all(np.isfinite(value) for value in last.read().values())
    assert not any(torch.equal(*pair) for pair in zip(before, state.generator.parameters(), strict=True))
    if objective == "wgan":
        limit = config.weight_clip
        assert all(weight.abs().max() <= limit for weight in state.discriminator.parameters())
    (images,) = sample_rows(state.sampler(), 5, 0, CPU)
    assert images.shape == (5, 3, 8, 12)
    assert images.abs().max() <= 1


@pytest.mark.parametrize("objective", objectives_on(CONTINUOUS))
def test_the_shades_of_a_gradient_are_learnt(objective: str) -> None:
    """All images are one ramp from left to right, with a little noise."""
    rng = torch.Generator().manual_seed(1)
    ramp = torch.linspace(-0.8, 0.8, 8).expand(1, 8, 8)
    settings = {"batch": 16, "width": 8, "discriminator_width": 8, "noise": 4, "precision": "float32"}
    rates = {"generator_lr": 2e-3, "discriminator_lr": 2e-3}
    steps = 900 if objective == "wgan-gp" else 300  # its slope, held near 1, is a gentle one
    config = Config.given(settings | rates | {"objective": objective, "steps": steps, "ema_decay": 0.9})
    state = State.fresh(config, PixelSpace(1, 8, 8), CPU)

    def distance() -> float:
        (images,) = sample_rows(state.sampler(), 100, 0, CPU)
        return (images.mean(dim=0) - ramp).square().mean().sqrt().item()

    before = distance()
    batches = [(ramp + 0.1 * torch.randn(16, 1, 8, 8, generator=rng)).clamp(-1, 1) for _ in range(16)]
    for _ in train(state, config, lambda step, index: batches[step % 16], lambda state: state.step / steps):
        pass
    assert before > 0.4
    assert distance() < 0.5 * before


def test_batch_norm_looks_at_one_side_at_a_time(rng: torch.Generator) -> None:
    """The discriminator's numbers are those of a pass over reals and a pass over samples."""
    options = TINY | {"objective": "bgan", "steps": 1, "batch_norm": True, "spectral_norm": False}
    config = Config.given(options | {"precision": "float32"})
    state = State.fresh(config, PixelSpace(3, 16, 16), CPU)
    sides = [torch.randn(8, 3, 16, 16, generator=rng).clamp(-1, 1) * scale for scale in (1.0, 0.1)]
    net = copy.deepcopy(state.discriminator)
    expected = [net(side).mean().item() for side in sides]
    numbers = PathwiseUpdate(state, config).discriminator_step(*sides)
    found = [numbers[name].item() for name in ("real_score", "fake_score")]
    assert found == pytest.approx(expected, rel=1e-4)
    assert net(torch.cat(sides))[:8].mean().item() != pytest.approx(expected[0], rel=1e-2)


def test_batch_norm_is_in_every_layer_but_the_first(rng: torch.Generator) -> None:
    net = ContinuousImageDiscriminator(PixelSpace(1, 32, 32), width=4, spectral=False, batch_norm=True)
    names = [type(layer).__name__ for layer in net.image.layers]
    convolution, norm, activation = "Conv2d", "BatchNorm2d", "LeakyReLU"
    assert names == [convolution, activation, *[convolution, norm, activation] * 2, "Flatten"]
    images = torch.randn(6, 1, 32, 32, generator=rng)
    torch.testing.assert_close(net.eval()(images), net.train()(images))  # no running means
    with pytest.raises(UserError, match="`batch_norm` True does not apply to `objective` wgan-gp"):
        Config.given({"objective": "wgan-gp", "batch_norm": True})


def test_objectives_and_spaces_that_do_not_fit_are_refused() -> None:
    tokens = TokenSpace(64, 2, shape=(8, 8))
    for objective in ("gan", "non-saturating", "bgan", "lsgan"):
        config = Config.given({"objective": objective})
        with pytest.raises(UserError, match="`colors` none"):
            State.fresh(config, tokens, CPU)
        with pytest.raises(UserError, match="use `generator` conv"):
            Config.given({"objective": objective, "generator": "rnn"})
    with pytest.raises(UserError, match="choose wgan, wgan-gp, gan, non-saturating, bgan, lsgan"):
        State.fresh(Config.given({}), CANVAS, CPU)
    assert space_from_json(space_to_json(CANVAS)) == CANVAS


def test_shapes(rng: torch.Generator) -> None:
    generator = ContinuousImageGenerator(CANVAS, width=4, noise=3)
    painted = generator(torch.randn(2, 3, generator=rng))
    assert painted.pixels.shape == (2, 3, 8, 12)
    assert ContinuousImageDiscriminator(CANVAS, width=4, spectral=True)(painted.pixels).shape == (2,)


def test_numbers_from_a_file_to_a_grid(bgan: Command) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), dtype=np.uint8)
    np.savez("images.npz", images=images)
    assert bgan("prepare", "images", "--path", "images.npz", "--colors", "none").code == 0
    tiny = ["--width", 4, "--discriminator-width", 4, "--noise", 4, "--batch", 8]
    made = bgan("train", *tiny, "--steps", 4)
    assert made.code == 0, made.err
    run = Path("runs/images-conv-bgan-js")
    assert json.loads((run / "run.json").read_text())["space"] == {"channels": 3, "height": 8, "width": 8}
    assert bgan("train", "--resume", "--run", run, "--steps", 6).code == 0
    assert "8 x 8 pixels of 3 numbers" in bgan("show").out
    assert bgan("sample", "--n", 5).out.strip() == str(run / "samples.png")
    assert len(Image.open(run / "samples.png").getcolors(100_000)) > 100
    for words in (("train", *tiny, "--objective", "importance"), ("sample", "--temperature", 0.5)):
        refused = bgan(*words)
        assert refused.code == 1
        assert "continuous images" in refused.err
