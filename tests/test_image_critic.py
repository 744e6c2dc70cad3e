"""Critics of images against exact divergences of independent pixels, closed forms, and other nets."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bgan_text.errors import UserError
from bgan_text.models.discriminators import ConvolutionalDiscriminator
from bgan_text.scores.critic import critic_distance
from bgan_text.scores.critic_nets import EMBEDDING_SCALE, fresh
from bgan_text.scores.critic_training import CriticSettings
from bgan_text.space import PixelSpace, TokenSpace

SIDE = 8
PIXELS = SIDE * SIDE
BITS = TokenSpace(PIXELS, 2, shape=(SIDE, SIDE))
NUMBERS = PixelSpace(1, SIDE, SIDE)
REAL, FAKE = 0.3, 0.42
SETTINGS = CriticSettings(width=8, batch=64, steps=300)


def drawn(probability: float, rows: int, rng: torch.Generator, *, numbers: bool = False) -> Tensor:
    """Independent pixels; as numbers, half as bright as can be."""
    bits = torch.rand(rows, PIXELS, generator=rng) < probability
    return (bits.float() - 0.5).view(-1, 1, SIDE, SIDE) if numbers else bits.long()


def exact(distance: str) -> float:
    """Images are told apart by how many pixels are set, and that number is binomial."""
    value = 0.0
    for count in range(PIXELS + 1):
        p, q = (
            math.comb(PIXELS, count) * share**count * (1 - share) ** (PIXELS - count)
            for share in (REAL, FAKE)
        )
        middle = (p + q) / 2
        if distance == "js":
            value += (p * math.log2(p / middle) + q * math.log2(q / middle)) / 2
        else:
            value += q * math.log(q / p)
    return value


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("distance", ["js", "reverse-kl"])
def test_divergences_of_independent_pixels_are_found_from_below(
    distance: str, numbers: bool, rng: torch.Generator
) -> None:
    samples, reals = (drawn(share, 3000, rng, numbers=numbers) for share in (FAKE, REAL))
    space = NUMBERS if numbers else BITS
    found = critic_distance(samples, reals, space, distance, settings=SETTINGS).value
    value, chance = exact(distance), 0.05 if distance == "js" else 0.3
    assert 0.75 * value < found < value + chance


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize(("distance", "most"), [("js", 0.01), ("reverse-kl", 0.02), ("wasserstein", 0.15)])
def test_equal_distributions_are_about_0_apart(
    distance: str, most: float, numbers: bool, rng: torch.Generator
) -> None:
    samples, reals = (drawn(REAL, 600, rng, numbers=numbers) for _ in range(2))
    space = NUMBERS if numbers else BITS
    settings = CriticSettings(width=4, batch=32, steps=200)
    assert abs(critic_distance(samples, reals, space, distance, settings=settings).value) < most


@pytest.mark.parametrize(
    "space", [BITS, TokenSpace(PIXELS, 5, shape=(SIDE, SIDE)), PixelSpace(3, SIDE, SIDE)]
)
def test_wasserstein_of_two_images_is_their_euclidean_distance(space: TokenSpace | PixelSpace) -> None:
    """Of slope s the critic ascends s d - penalty (s - 1)^2, so s = 1 + d / (2 penalty)."""
    if isinstance(space, PixelSpace):
        real = torch.zeros(40, 3, SIDE, SIDE)
        sample = real.clone()
        sample[:, :, 2:4, 3:5] = 0.5
        distance = math.sqrt(12 * 0.25)
    else:
        real = torch.zeros(40, PIXELS, dtype=torch.int64)
        sample = real.clone()
        sample[:, 20:24] = 1
        distance = math.sqrt(2 * 4)
    settings = CriticSettings(width=8, batch=8, steps=400)
    found = critic_distance(sample, real, space, "wasserstein", settings=settings)
    slope = 1 + distance / 20
    assert found.gradient_norm == pytest.approx(slope, rel=0.03)
    assert found.value == pytest.approx(distance * slope, rel=0.03)


def test_distances_see_where_pixels_are(rng: torch.Generator) -> None:
    """As many pixels of each colour, in the left or in the right half."""
    bits = drawn(0.5, 400, rng).view(-1, SIDE, SIDE)
    samples, reals = bits.clone(), bits.flip(2)
    samples[:, :, :4] = reals[:, :, 4:] = 0
    settings = CriticSettings(width=4, batch=16, steps=150)
    found = critic_distance(samples.flatten(1), reals.flatten(1), BITS, "js", settings=settings)
    assert found.value > 0.8


def test_a_critic_of_images_starts_alike_at_every_place() -> None:
    space = TokenSpace(28 * 28, 2, shape=(28, 28))
    images = torch.zeros(3, 28, 28, dtype=torch.int64)
    for index, (top, left) in enumerate([(8, 8), (12, 8), (12, 16)]):  # whole strides of two halvings
        images[index, top : top + 3, left : left + 2] = 1
    critic = fresh(space, width=6, blocks=1, seed=3)
    first, *others = critic.net(images.flatten(1)).tolist()
    assert others == pytest.approx([first, first], abs=1e-6)
    assert critic.places == 49
    empty = critic.net(torch.zeros(1, 784, dtype=torch.int64)).item()
    assert abs(empty - first) > 1e-6


def test_a_critic_of_sequences_starts_as_it_always_did() -> None:
    space = TokenSpace(6, 5)
    torch.manual_seed(4)
    net = ConvolutionalDiscriminator(space, width=8, blocks=2, spectral=False)
    net.embedding.weight.data *= EMBEDDING_SCALE
    dense = net.get_parameter("dense.weight")
    dense.data = dense.data.view(6, -1).mean(dim=0).repeat(6).unsqueeze(0)
    rows = torch.randint(5, (9, 6))
    critic = fresh(space, width=8, blocks=2, seed=4)
    assert critic.places == 6
    assert torch.equal(critic.net(rows), net(rows))
    critic.net.load_state_dict(critic.scaled(0.25))
    torch.testing.assert_close(critic.net(rows), 0.25 * net(rows))


@pytest.mark.parametrize("space", [BITS, NUMBERS])
def test_scaled_weights_scale_the_scores_of_images(
    space: TokenSpace | PixelSpace, rng: torch.Generator
) -> None:
    images = drawn(REAL, 5, rng, numbers=isinstance(space, PixelSpace))
    critic = fresh(space, width=4, blocks=1, seed=0)
    before = critic.net(images)
    critic.net.load_state_dict(critic.scaled(0.25))
    torch.testing.assert_close(critic.net(images), 0.25 * before)


def test_a_seed_gives_one_number_and_leaves_the_global_stream_alone(rng: torch.Generator) -> None:
    samples, reals = drawn(FAKE, 100, rng), drawn(REAL, 100, rng)
    settings = CriticSettings(width=4, batch=16, steps=40)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    runs = [critic_distance(samples, reals, BITS, "js", settings=settings, seed=seed) for seed in (3, 3, 4)]
    assert torch.equal(before, torch.random.get_rng_state())
    assert runs[0].value == runs[1].value != runs[2].value


IMAGES = torch.zeros(40, 1, SIDE, SIDE)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: critic_distance(IMAGES, IMAGES[:29], NUMBERS, "js"), "29 reals were given"),
        (
            lambda: critic_distance(IMAGES + 1.5, IMAGES, NUMBERS, "js"),
            r"samples hold pixels 1\.5\.\.1\.5",
        ),
        (lambda: critic_distance(IMAGES / 0, IMAGES, NUMBERS, "js"), r"pixels nan\.\.nan"),
        (lambda: critic_distance(IMAGES.double(), IMAGES, NUMBERS, "js"), r"float64: .* torch\.float32"),
        (
            lambda: critic_distance(IMAGES, IMAGES[:, 0], NUMBERS, "js"),
            r"reals are \(40, 8, 8\) .*\(rows, 1, 8, 8\)",
        ),
        (
            lambda: critic_distance(IMAGES, IMAGES, PixelSpace(1, SIDE, 9), "js"),
            r"\(rows, 1, 8, 9\) of torch\.float32",
        ),
        (
            lambda: critic_distance(*[torch.zeros(40, 1, 33, 33)] * 2, PixelSpace(1, 33, 33), "js"),
            "33 x 33 pixels cannot be halved",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(make: Callable[[], object], part: str) -> None:
    with pytest.raises(UserError, match=part) as refusal:
        make()
    assert "\n" not in str(refusal.value)
