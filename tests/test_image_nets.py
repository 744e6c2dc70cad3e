"""Nets for images: shapes, gradients, the penalty, and that they learn."""

import itertools

import numpy as np
import pytest
import torch

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.models.dcgan import halvings, widths
from bgan_text.models.discriminators import QuantisedImageDiscriminator
from bgan_text.models.generators import QuantisedImageGenerator
from bgan_text.objective_table import OBJECTIVES, TOKENS, needs_likelihood, objectives_on
from bgan_text.objectives.gradient_penalty import gradient_norms
from bgan_text.presets import DIVERGENCES
from bgan_text.scores.patches import patch_js
from bgan_text.space import TokenSpace, space_from_json, space_to_json
from bgan_text.training.samples import sample_rows
from bgan_text.training.state import State
from bgan_text.training.trainer import train

CPU = torch.device("cpu")
SMALL = TokenSpace(64, 3, shape=(8, 8))
TINY = {"batch": 8, "width": 4, "discriminator_width": 4, "noise": 3, "precision": "float32"}


@pytest.mark.parametrize(
    ("shape", "count"),
    [((28, 28), 2), ((32, 32), 3), ((64, 64), 4), ((8, 8), 1), ((32, 16), 2), ((14, 14), 1)],
)
def test_sides_are_halved_while_they_are_even_and_large(shape: tuple[int, int], count: int) -> None:
    assert halvings(*shape) == count
    assert widths(10, 6) == [10, 20, 40, 80, 80, 80]


def test_sides_that_cannot_be_halved_are_refused() -> None:
    for shape in ((33, 33), (64, 480), (50, 50)):
        with pytest.raises(UserError, match="sides such as 28, 32 or 64"):
            halvings(*shape)


@pytest.mark.parametrize(
    ("shape", "vocabulary"), [((28, 28), 2), ((32, 32), 16), ((64, 64), 256), ((16, 32), 5)]
)
def test_shapes_and_a_gradient_for_every_weight(
    shape: tuple[int, int], vocabulary: int, rng: torch.Generator
) -> None:
    space = TokenSpace(shape[0] * shape[1], vocabulary, shape=shape)
    generator = QuantisedImageGenerator(space, width=4, noise=6)
    conditional = generator(torch.randn(3, 6, generator=rng))
    assert conditional.logits.shape == (3, space.positions, vocabulary)
    tokens = conditional.sample(2, rng)
    assert tokens.shape == (2, 3, space.positions)
    discriminator = QuantisedImageDiscriminator(space, width=4, spectral=True)
    scores = discriminator(tokens.flatten(0, 1))
    assert scores.shape == (6,)
    (conditional.weighted_log_prob(tokens, torch.rand(2, 3)) + scores.square().sum()).backward()
    for net in (generator, discriminator):
        assert all(parameter.grad is not None for parameter in net.parameters())


def test_pixels_are_in_their_places_row_by_row(rng: torch.Generator) -> None:
    """In images that are wider than high, against loops over rows and columns."""
    space = TokenSpace(8 * 12, 5, shape=(8, 12))
    net, generator = (
        QuantisedImageDiscriminator(space, width=4, spectral=False),
        QuantisedImageGenerator(space, width=4, noise=3),
    )
    tokens, noise = torch.randint(5, (1, 96), generator=rng), torch.randn(2, 3, generator=rng)
    pixels = torch.zeros(1, 4, 8, 12)
    features, logits = generator.convolutions(noise), generator(noise).logits
    for row, column in itertools.product(range(8), range(12)):
        place = 12 * row + column
        pixels[0, :, row, column] = net.embedding.weight[tokens[0, place]]
        torch.testing.assert_close(logits[:, place], generator.logits(features[:, :, row, column]))
    torch.testing.assert_close(net(tokens), net.image(pixels))


def test_relaxed_one_hot_images_score_as_their_tokens(rng: torch.Generator) -> None:
    net = QuantisedImageDiscriminator(SMALL, width=4, spectral=True).eval()
    tokens = torch.randint(3, (5, 64), generator=rng)
    points = torch.nn.functional.one_hot(tokens, 3).float()
    torch.testing.assert_close(net.score_embedded(net.embed_relaxed(points)), net(tokens))


def test_slopes_are_those_with_respect_to_one_hot_images(rng: torch.Generator) -> None:
    net = QuantisedImageDiscriminator(SMALL, width=4, spectral=False)
    one, other = (torch.randn(5, 64, 3, generator=rng).softmax(dim=-1) for _ in range(2))
    mix = torch.rand(5, generator=rng)
    got = gradient_norms(net, net.embed_relaxed(one), net.embed_relaxed(other), mix)
    between = torch.lerp(one, other, mix.view(-1, 1, 1)).requires_grad_()
    (gradient,) = torch.autograd.grad(net.score_embedded(net.embed_relaxed(between)).sum(), between)
    torch.testing.assert_close(got, gradient.flatten(1).norm(dim=1))


MATRIX = [
    (objective, divergence)
    for objective, divergence in itertools.product(objectives_on(TOKENS), [None, *DIVERGENCES])
    if objective != "mle" and not (divergence and OBJECTIVES[objective].no_divergence)
]


@pytest.mark.parametrize(("objective", "divergence"), MATRIX)
def test_every_objective_trains_on_images(objective: str, divergence: str | None) -> None:
    width = None if needs_likelihood(objective) else TINY["discriminator_width"]
    given = {"objective": objective, "divergence": divergence, "steps": 2, "discriminator_width": width}
    config = Config.given(TINY | given)
    state = State.fresh(config, SMALL, CPU)
    real = torch.randint(3, (8, 64), generator=torch.Generator().manual_seed(1))
    (*_, last) = train(state, config, lambda step, index: real, lambda state: state.step / 2)
    assert state.nonfinite.item() == 0
    assert all(np.isfinite(value) for value in last.read().values())


def test_an_autoregressive_generator_draws_images_too() -> None:
    config = Config.given(
        TINY | {"generator": "rnn", "objective": "mle", "steps": 1, "discriminator_width": None}
    )
    state = State.fresh(config, SMALL, CPU)
    real = torch.randint(3, (8, 64), generator=torch.Generator().manual_seed(1))
    assert len(list(train(state, config, lambda step, index: real, lambda state: state.step))) == 1
    (rows,) = sample_rows(state.sampler(), 5, 0, CPU)
    assert rows.shape == (5, 64)


def test_stripes_are_learnt(rng: torch.Generator) -> None:
    """Every row has one colour: what neighbours do is all that tells real images from noise."""
    real = torch.randint(2, (256, 8, 1), generator=rng).expand(256, 8, 8).flatten(1)
    settings = {"batch": 32, "width": 8, "discriminator_width": 8, "noise": 4, "precision": "float32"}
    config = Config.given(settings | {"draws": 8, "steps": 800, "ema_decay": 0.9})
    state = State.fresh(config, TokenSpace(64, 2, shape=(8, 8)), CPU)

    def divergence() -> float:
        rows = torch.cat(list(sample_rows(state.sampler(), 200, 0, CPU)))
        return patch_js(rows.view(-1, 8, 8).numpy(), real.view(-1, 8, 8).numpy(), (2,))[2].value

    before = divergence()
    batches = [real[torch.randint(256, (32,), generator=rng)] for _ in range(64)]
    for _ in train(state, config, lambda step, index: batches[step % 64], lambda state: state.step / 800):
        pass
    assert before > 0.45
    assert divergence() < 0.25


def test_spaces_are_read_back() -> None:
    for space in (SMALL, TokenSpace(5, 4, end=0)):
        assert space_from_json(space_to_json(space)) == space
    with pytest.raises(UserError, match="has not 65 pixels"):
        TokenSpace(65, 3, shape=(8, 8))


def test_a_hidden_layer_sees_the_whole_image() -> None:
    """With it, what two far corners add to the score depends on both."""
    tokens = torch.zeros(4, 28 * 28, dtype=torch.int64)
    tokens[2:, :100] = 1
    tokens[1::2, -100:] = 1
    for hidden in (0, 16):
        torch.manual_seed(0)
        net = QuantisedImageDiscriminator(
            TokenSpace(784, 2, shape=(28, 28)), width=4, spectral=False, hidden=hidden
        )
        neither, below, above, both = net.double()(tokens).tolist()
        assert (abs(both - above - below + neither) > 1e-4) == bool(hidden)
