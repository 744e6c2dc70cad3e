"""The classifier of images on stripes of three kinds, on quarter turns, and on real digits."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from bgan_text.corpora.official_images import read_idx
from bgan_text.errors import UserError
from bgan_text.scores.feature_classifier import FEATURES, FeatureClassifier
from bgan_text.scores.feature_classifier_fit import (
    ClassifierSettings,
    _batches,
    accuracy,
    fitted,
    moved,
    turned,
)
from bgan_text.space import PixelSpace, TokenSpace

Images = NDArray[np.uint8]
SIDE = 8
BITS = TokenSpace(SIDE * SIDE, 2, shape=(SIDE, SIDE))
COLOURS = torch.tensor([[-1.0], [1.0]])
SMALL = ClassifierSettings(width=4, batch=32, steps=120, shift=1)


def stripes(count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """(count, 64) tokens of stripes down, across or oblique with one pixel in 20 wrong, and their kind."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    kinds = torch.stack([places % 4 < 2 for places in (columns, rows, rows + columns)])
    labels = torch.randint(3, (count,), generator=rng)
    wrong = torch.rand(count, SIDE, SIDE, generator=rng) < 0.05
    return (kinds[labels] ^ wrong).flatten(1).long(), labels


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("numbers", [False, True])
def test_kinds_of_stripes_are_learnt(numbers: bool, rng: torch.Generator) -> None:
    (images, labels), (others, wanted) = stripes(600, rng), stripes(200, rng)
    space: TokenSpace | PixelSpace = BITS
    colours: Tensor | None = COLOURS
    if numbers:
        images, others = (side.view(-1, 1, SIDE, SIDE).float() - 0.5 for side in (images, others))
        space, colours = PixelSpace(1, SIDE, SIDE), None
    told: list[tuple[int, int]] = []
    net = fitted(
        space,
        images,
        labels,
        seeded(),
        colours=colours,
        settings=SMALL,
        progress=lambda *now: told.append(now),
    )
    assert accuracy(net, others, wanted) > 0.95
    assert told == [(step, 120) for step in range(1, 121)]
    seen = net.classified(others)
    assert seen.logits.shape == (200, 3)
    assert seen.features.shape == (200, FEATURES)
    torch.testing.assert_close(seen.features @ net.last.weight.T + net.last.bias, seen.logits)
    right = (seen.logits.argmax(dim=1) == wanted).double().mean().item()
    assert accuracy(net, others, wanted) == right


def test_without_labels_it_learns_how_images_are_turned(rng: torch.Generator) -> None:
    """A bright upper edge says it all."""
    images = (torch.rand(300, SIDE, SIDE, generator=rng) < 0.3).long()
    images[:, :3] = 1
    images = images.flatten(1)
    net = fitted(BITS, images[:200], None, seeded(), colours=COLOURS, settings=SMALL)
    assert net.last.out_features == 4
    assert accuracy(net, images[200:], None) > 0.95
    for turns in range(4):
        assert (net.classified(images[200:], turns).logits.argmax(dim=1) == turns).double().mean() > 0.9


def test_a_seed_gives_one_classifier_and_leaves_the_global_stream_alone(rng: torch.Generator) -> None:
    images, labels = stripes(60, rng)
    settings = ClassifierSettings(width=4, batch=16, steps=5)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    nets = [
        fitted(BITS, images, labels, seeded(seed), colours=COLOURS, settings=settings) for seed in (3, 3, 4)
    ]
    assert torch.equal(before, torch.random.get_rng_state())
    first, same, other = (net.classified(images).logits for net in nets)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_what_a_image_gives_does_not_depend_on_its_neighbours(rng: torch.Generator) -> None:
    images, labels = stripes(300, rng)  # more than a chunk
    net = fitted(
        BITS, images, labels, seeded(), colours=COLOURS, settings=ClassifierSettings(width=4, steps=9)
    )
    net.train()
    alone = torch.cat([net.classified(images[place : place + 1]).logits for place in (0, 150, 299)])
    torch.testing.assert_close(net.classified(images).logits[[0, 150, 299]], alone, rtol=1e-4, atol=1e-4)


def test_tokens_are_seen_as_their_colours(rng: torch.Generator) -> None:
    space = TokenSpace(6, 3, shape=(2, 3))
    colours = torch.tensor([[0.0, 0.1, 0.2], [1.0, -1.0, 0.5], [-0.5, 0.25, 1.0]])
    tokens = torch.randint(3, (4, 6), generator=rng)
    pixels = FeatureClassifier(space, 2, colours, width=4).pixels(tokens)
    assert pixels.shape == (4, 3, 2, 3)
    for image, channel, row, column in itertools.product(range(4), range(3), range(2), range(3)):
        expected = colours[tokens[image, 3 * row + column], channel]
        assert pixels[image, channel, row, column] == expected


def test_images_are_moved_by_up_to_the_shift_either_way_and_never_mirrored(rng: torch.Generator) -> None:
    image = torch.rand(1, 2, 5, 6, generator=rng)
    found = set()
    for one in moved(image.expand(400, -1, -1, -1), 2, rng):
        for down, right in itertools.product(range(-2, 3), repeat=2):
            rows = (torch.arange(5) + down).clamp(0, 4)
            columns = (torch.arange(6) + right).clamp(0, 5)
            if torch.equal(one, image[0][:, rows][:, :, columns]):
                found.add((down, right))
                break
        else:
            pytest.fail("an image that is no shift of the original")
    assert len(found) == 25
    assert torch.equal(moved(image, 0, rng), image)


def test_images_are_turned_by_their_number_of_quarter_turns(rng: torch.Generator) -> None:
    images = torch.rand(5, 2, 3, 3, generator=rng)
    turns = torch.tensor([0, 3, 1, 2, 1])
    for image, count, made in zip(images, turns, turned(images, turns), strict=True):
        expected = np.stack([np.rot90(channel.numpy(), int(count)) for channel in image])
        np.testing.assert_array_equal(made.numpy(), expected)


def test_every_image_comes_once_before_any_comes_again() -> None:
    """With its own label: image i is a canvas of the number i / 20."""
    images = (torch.arange(20.0) / 20).view(-1, 1, 1, 1).expand(-1, 1, SIDE, SIDE).contiguous()
    net = FeatureClassifier(PixelSpace(1, SIDE, SIDE), 20, None, width=4)
    settings = ClassifierSettings(batch=6, steps=10)
    seen: list[int] = []
    for batch, labels in _batches(net, images, torch.arange(20), seeded(), settings):
        assert torch.equal((batch[:, 0, 0, 0] * 20).round().long(), labels)
        seen += labels.tolist()
    assert [sorted(seen[start : start + 20]) for start in (0, 20, 40)] == [list(range(20))] * 3
    assert seen[:20] != seen[20:40]


@pytest.mark.parametrize(("height", "width"), [(4, 4), (9, 33), (64, 64)])
def test_images_of_any_size_are_taken(height: int, width: int) -> None:
    net = FeatureClassifier(PixelSpace(3, height, width), 2, None, width=4).eval()
    assert net.classified(torch.zeros(2, 3, height, width)).features.shape == (2, FEATURES)


ROWS = torch.zeros(4, SIDE * SIDE, dtype=torch.int64)
LABELS = torch.tensor([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (
            lambda: fitted(BITS, ROWS[:1], LABELS[:1], seeded(), colours=COLOURS),
            "1 images were given: .* 2",
        ),
        (
            lambda: fitted(BITS, ROWS, LABELS[:3], seeded(), colours=COLOURS),
            r"labels are \(3,\) .* 4 images",
        ),
        (lambda: fitted(BITS, ROWS, LABELS - 1, seeded(), colours=COLOURS), "a class of at least 0"),
        (lambda: fitted(BITS, ROWS, LABELS.float(), seeded(), colours=COLOURS), r"torch\.float32"),
        (lambda: fitted(BITS, ROWS, LABELS, seeded()), "colours none for 2 tokens"),
        (lambda: fitted(BITS, ROWS, LABELS, seeded(), colours=COLOURS[:1]), r"colours \(1, 1\) for 2 tokens"),
        (
            lambda: fitted(TokenSpace(64, 2, shape=(4, 16)), ROWS, None, seeded(), colours=COLOURS),
            "16 x 4 pixels without labels: square",
        ),
        (lambda: fitted(TokenSpace(64, 2), ROWS, LABELS, seeded(), colours=COLOURS), "asked for sequences"),
        (lambda: ClassifierSettings(steps=0), "classifier setting `steps` 0: .* at least 1"),
        (lambda: ClassifierSettings(rate=math.inf), "classifier setting `rate` inf"),
    ],
)
def test_bad_input_is_refused_in_one_line(make: Callable[[], object], part: str) -> None:
    with pytest.raises(UserError, match=part) as refusal:
        make()
    assert "\n" not in str(refusal.value)


def recognised(train: tuple[Images, Images], test: tuple[Images, Images], steps: int) -> float:
    """Accuracy on test digits in two colours, (count, 784) tokens, after some steps on training digits."""
    (rows, labels), (others, wanted) = (
        (torch.from_numpy((images >= 128).reshape(len(images), -1)).long(), torch.tensor(classes).long())
        for images, classes in (train, test)
    )
    space = TokenSpace(784, 2, shape=(28, 28))
    settings = ClassifierSettings(steps=steps)
    net = fitted(space, rows, labels, seeded(), colours=COLOURS, settings=settings)
    return accuracy(net, others, wanted)


def test_a_few_digits_are_recognised(digits: dict[str, tuple[Images, Images]]) -> None:
    assert recognised(digits["train"], digits["test"], steps=100) > 0.9


def test_real_digits_are_recognised(real_data: Path) -> None:
    train, (images, labels) = (
        (
            read_idx(real_data / "mnist" / f"{stem}-images-idx3-ubyte.gz"),
            read_idx(real_data / "mnist" / f"{stem}-labels-idx1-ubyte.gz"),
        )
        for stem in ("train", "t10k")
    )
    assert recognised(train, (images[:5000], labels[:5000]), steps=600) > 0.98
