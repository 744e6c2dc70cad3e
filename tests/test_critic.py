"""Critics against exact divergences of a tiny space, closed forms, literal gradients and real data."""

import itertools
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from bgan_text.errors import UserError
from bgan_text.models.discriminators import ConvolutionalDiscriminator
from bgan_text.objectives.gradient_penalty import gradient_norms
from bgan_text.scores.critic import CRITIC_DISTANCES, critic_distance, critic_distances
from bgan_text.scores.critic_training import CriticSettings
from bgan_text.space import TokenSpace

TINY = TokenSpace(2, 3)
SEQUENCES = torch.tensor(list(itertools.product(range(3), repeat=2)))
P = torch.tensor([14.0, 1, 2, 2, 1, 1, 1, 1, 1]) / 24
Q = torch.tensor([1.0, 4, 4, 3, 2, 2, 2, 3, 3]) / 24
Row = tuple[int, int]
SMALL = CriticSettings(width=8, batch=32, steps=260)


def drawn(probabilities: Tensor, rows: int, rng: torch.Generator) -> Tensor:
    return SEQUENCES[torch.multinomial(probabilities, rows, replacement=True, generator=rng)]


def exact(distance: str) -> tuple[float, float]:
    """The divergence, and the standard deviation of one term of its estimate: of a real and a sample."""
    if distance == "js":
        middle = (P + Q) / 2
        real, fake = (P / middle).log2() / 2, (Q / middle).log2() / 2
    else:
        real, fake = 1 - Q / P, (Q / P).log()
    variances = [(w * (x - (w * x).sum()).square()).sum() for w, x in ((P, real), (Q, fake))]
    return ((P * real).sum() + (Q * fake).sum()).item(), math.sqrt(sum(variances))


@pytest.mark.parametrize("distance", ["js", "reverse-kl"])
def test_f_divergences_of_a_tiny_space_come_out_exact(distance: str, rng: torch.Generator) -> None:
    rows = 5000
    found = critic_distance(drawn(Q, rows, rng), drawn(P, rows, rng), TINY, distance, settings=SMALL)
    value, deviation = exact(distance)
    error = 3 * deviation / math.sqrt(0.2 * rows)
    assert value > 3 * error
    assert value - error - 0.05 * value < found.value < value + error
    assert math.isnan(found.gradient_norm)


@pytest.mark.parametrize(("distance", "most"), [("js", 0.01), ("reverse-kl", 0.03), ("wasserstein", 0.1)])
def test_equal_distributions_are_about_0_apart(distance: str, most: float, rng: torch.Generator) -> None:
    samples, reals = drawn(P, 2000, rng), drawn(P, 2000, rng)
    assert abs(critic_distance(samples, reals, TINY, distance, settings=SMALL).value) < most


@pytest.mark.parametrize(
    ("space", "differ", "penalty"), [(TokenSpace(3, 2), 1, 2.0), (TokenSpace(6, 40), 4, 10.0)]
)
def test_wasserstein_of_two_points_is_their_euclidean_distance(
    space: TokenSpace, differ: int, penalty: float
) -> None:
    """Of slope s the critic ascends s d - penalty (s - 1)^2, so s = 1 + d / (2 penalty)."""
    real = torch.zeros(40, space.positions, dtype=torch.int64)
    sample = real.clone()
    sample[:, :differ] = 1
    ends = torch.eye(space.vocabulary)[torch.stack([real[0], sample[0]])]
    distance = torch.linalg.vector_norm(ends[0] - ends[1]).item()
    settings = CriticSettings(width=8, batch=8, steps=300, penalty=penalty)
    found = critic_distance(sample, real, space, "wasserstein", settings=settings)
    slope = 1 + distance / (2 * penalty)
    assert found.gradient_norm == pytest.approx(slope, rel=0.02)
    assert found.value == pytest.approx(distance * slope, rel=0.02)


def literal_slopes(net: ConvolutionalDiscriminator, one: Tensor, other: Tensor, mix: Tensor) -> Tensor:
    """Gulrajani et al. 2017, algorithm 1, with the one-hot tensors spelt out."""
    weight = net.embedding.weight
    ends = (torch.nn.functional.one_hot(rows, len(weight)).to(weight.dtype) for rows in (one, other))
    first, second = ends
    between = (first + mix.view(-1, 1, 1) * (second - first)).requires_grad_()
    (gradient,) = torch.autograd.grad(net.score_embedded(between @ weight).sum(), between, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return norms


@pytest.mark.parametrize("space", [TokenSpace(7, 2), TokenSpace(5, 31, end=0)])
def test_slopes_and_their_gradients_are_those_of_literal_one_hots(
    space: TokenSpace, rng: torch.Generator
) -> None:
    net = ConvolutionalDiscriminator(space, width=6, blocks=1, spectral=False)
    one, other = torch.randint(space.vocabulary, (2, 9, space.positions), generator=rng)
    mix = torch.rand(9, generator=rng)
    ours, literal = (
        gradient_norms(net, net.embedding(one), net.embedding(other), mix, graph=True),
        literal_slopes(net, one, other, mix),
    )
    torch.testing.assert_close(ours, literal)
    weights = [weight for name, weight in net.named_parameters() if not name.endswith("bias")]
    gradients = (torch.autograd.grad((norms - 1).square().mean(), weights) for norms in (ours, literal))
    for left, right in zip(*gradients, strict=True):
        torch.testing.assert_close(left, right)
        assert right.abs().sum() > 0


class LargestTensor(TorchDispatchMode):
    """Records the largest tensor that any operation gives."""

    largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in out if isinstance(out, tuple | list) else (out,):
            if isinstance(value, Tensor):
                self.largest = max(self.largest, value.numel())
        return out


def test_no_tensor_holds_rows_times_positions_times_vocabulary(rng: torch.Generator) -> None:
    space = TokenSpace(5, 4000)
    one, other = torch.randint(space.vocabulary, (2, 30, space.positions), generator=rng)
    with LargestTensor() as seen:
        critic_distance(
            one, other, space, "wasserstein", settings=CriticSettings(width=8, steps=3, interval=1)
        )
    assert seen.largest == space.vocabulary * 8


def test_scores_of_embedded_rows_are_those_of_the_rows(rng: torch.Generator) -> None:
    for spectral in (True, False):
        net = ConvolutionalDiscriminator(TINY, width=6, blocks=1, spectral=spectral).eval()
        torch.testing.assert_close(net.score_embedded(net.embedding(SEQUENCES)), net(SEQUENCES))


def test_no_row_trains_chooses_and_is_read_on(monkeypatch: pytest.MonkeyPatch, rng: torch.Generator) -> None:
    """Of rows that are all different, those that the critic saw with a gradient, without, and at last."""
    trained, looked = set[Row](), list[set[Row]]()
    forward = ConvolutionalDiscriminator.forward

    def spied(net: ConvolutionalDiscriminator, tokens: Tensor) -> Tensor:
        rows = {(first, second) for first, second in tokens.tolist()}
        trained.update(rows) if torch.is_grad_enabled() else looked.append(rows)
        return forward(net, tokens)

    monkeypatch.setattr(ConvolutionalDiscriminator, "forward", spied)
    both = torch.cartesian_prod(torch.arange(20), torch.arange(10))[torch.randperm(200, generator=rng)]
    critic_distance(
        both[:100], both[100:], TokenSpace(2, 20), "js", settings=CriticSettings(width=4, steps=40)
    )
    *chosen, reals, samples = looked
    assert (len(trained), len(set().union(*chosen)), len(reals), len(samples)) == (120, 40, 20, 20)
    assert len(trained.union(*looked)) == 200


def test_a_critic_that_learnt_by_heart_finds_nothing(rng: torch.Generator) -> None:
    """Few random rows: any critic tells the ones that it was trained on apart, and no others."""
    space = TokenSpace(8, 60)
    samples, reals = torch.randint(space.vocabulary, (2, 60, space.positions), generator=rng)
    settings = CriticSettings(width=8, steps=500, interval=10, patience=4)
    told: list[int] = []
    critic_distance(
        samples, reals, space, "js", settings=settings, progress=lambda done, most: told.append(done)
    )
    assert told == [0, 10, 20, 30, 40, 500]
    values = [
        critic_distance(samples, reals, space, "js", seed=seed, settings=settings).value for seed in range(10)
    ]
    assert sum(abs(value) < 1e-6 for value in values) >= 8
    assert abs(sum(values) / 10) < 0.03


def test_distances_grow_with_corruption(rng: torch.Generator) -> None:
    """Sequences that count up modulo 5, of which a share of the tokens is drawn anew."""
    space = TokenSpace(6, 5)
    rows = (torch.randint(5, (1000, 1), generator=rng) + torch.arange(6)) % 5
    reals, samples = rows.split(500)
    noise, order = torch.randint(5, samples.shape, generator=rng), torch.rand(samples.shape, generator=rng)
    settings = CriticSettings(width=16, batch=20, steps=100)
    for distance in CRITIC_DISTANCES:
        values = [
            critic_distance(
                torch.where(order < share, noise, samples), reals, space, distance, settings=settings
            )
            for share in (0.0, 0.1, 0.5)
        ]
        none, some, much = (found.value for found in values)
        assert none + 0.1 < some < much - 0.1, distance


def test_what_goes_wrong_anywhere_is_found_from_few_rows(rng: torch.Generator) -> None:
    """One token in 20 is drawn anew: what is learnt at one position has to count at all."""
    rows = (torch.randint(20, (400, 1), generator=rng) + torch.arange(24)) % 20
    reals, samples = rows.split(200)
    wrong = torch.rand(samples.shape, generator=rng) < 0.05
    samples = torch.where(wrong, torch.randint(20, samples.shape, generator=rng), samples)
    settings = CriticSettings(width=16, batch=32, steps=150)
    assert critic_distances(samples, reals, TokenSpace(24, 20), "js", settings=settings).value > 0.06


@pytest.mark.parametrize("distance", list(CRITIC_DISTANCES))
def test_a_seed_gives_one_number_and_leaves_the_global_stream_alone(
    distance: str, rng: torch.Generator
) -> None:
    samples, reals = drawn(Q, 200, rng), drawn(P, 200, rng)
    settings = CriticSettings(width=8, batch=16, steps=40)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    runs = [
        critic_distance(samples, reals, TINY, distance, settings=settings, seed=seed) for seed in (3, 3, 4)
    ]
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(6)
    again = critic_distance(samples, reals, TINY, distance, settings=settings, seed=3)
    assert runs[0].value == runs[1].value == again.value != runs[2].value


def test_several_critics_are_summed_up_and_tell_how_far_they_are(rng: torch.Generator) -> None:
    samples, reals = drawn(Q, 200, rng), drawn(P, 200, rng)
    settings = CriticSettings(width=8, steps=100, patience=1)
    told: list[tuple[int, int]] = []
    found = critic_distances(
        samples, reals, TINY, "js", seeds=(4, 2), settings=settings, progress=lambda *now: told.append(now)
    )
    alone = [
        critic_distance(samples, reals, TINY, "js", seed=seed, settings=settings).value for seed in (4, 2)
    ]
    assert found.value == pytest.approx(sum(alone) / 2)
    assert found.each.shape == (0,)
    assert found.deviation == pytest.approx(stdev(alone))
    assert told == sorted(told)
    assert told[0] == (0, 200)
    assert told[-1] == (200, 200)
    assert (100, 200) in told
    single = critic_distances(samples, reals, TINY, "js", seeds=[1], settings=settings)
    assert single.deviation is not None
    assert math.isnan(single.deviation)


def test_what_follows_an_end_does_not_count(rng: torch.Generator) -> None:
    space = TokenSpace(5, 4, end=0)
    samples, reals = torch.randint(4, (2, 100, 5), generator=rng)
    behind = (samples == 0).cumsum(1) - (samples == 0).long() > 0
    assert behind.any()
    settings = CriticSettings(width=8, steps=20)
    values = {
        critic_distance(samples.masked_fill(behind, token), reals, space, "js", settings=settings).value
        for token in range(4)
    }
    assert len(values) == 1


@pytest.mark.parametrize("distance", list(CRITIC_DISTANCES))
def test_scores_that_stop_being_finite_give_nan(distance: str, rng: torch.Generator) -> None:
    settings = CriticSettings(width=8, rate=1e30, interval=1)
    samples, reals = drawn(Q, 60, rng), drawn(P, 60, rng)
    found = critic_distance(samples, reals, TINY, distance, settings=settings)
    assert math.isnan(found.value)
    summary = critic_distances(samples, reals, TINY, distance, settings=settings)
    assert math.isnan(summary.value)
    assert summary.deviation is not None
    assert math.isnan(summary.deviation)


ROWS = torch.zeros(40, 2, dtype=torch.int64)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: critic_distance(ROWS, ROWS[:29], TINY, "js"), "29 reals were given: .* at least 30"),
        (lambda: critic_distance(ROWS[:0], ROWS, TINY, "js"), "0 samples were given: .* at least 30"),
        (
            lambda: critic_distance(ROWS + 3, ROWS, TINY, "js"),
            r"samples hold tokens 3\.\.3: the space has 0\.\.2",
        ),
        (lambda: critic_distance(ROWS, ROWS - 1, TINY, "js"), r"reals hold tokens -1\.\.-1: "),
        (lambda: critic_distance(ROWS[:, :1], ROWS, TINY, "js"), r"samples are \(40, 1\) .*\(rows, 2\)"),
        (lambda: critic_distance(ROWS, ROWS[0], TINY, "js"), r"reals are \(2,\) "),
        (lambda: critic_distance(ROWS, ROWS.float(), TINY, "js"), r"torch\.float32: .* of torch\.int64"),
        (
            lambda: critic_distance(ROWS, ROWS, TINY, "kl"),
            "unknown critic distance 'kl': .* js, reverse-kl, w",
        ),
        (lambda: critic_distances(ROWS, ROWS, TINY, "js", seeds=()), "at least one seed"),
        (lambda: CriticSettings(batch=0), "critic setting `batch` 0: .* at least 1"),
        (lambda: CriticSettings(penalty=math.nan), "critic setting `penalty` nan: "),
    ],
)
def test_bad_input_is_refused_in_one_line(make: Callable[[], object], part: str) -> None:
    with pytest.raises(UserError, match=part) as refusal:
        make()
    assert "\n" not in str(refusal.value)


def characters(texts: Iterable[str], numbers: dict[str, int]) -> Tensor:
    """The first 32 characters of each text, (rows, 32): 0 is the end."""
    numbered = [[numbers.setdefault(c, len(numbers)) for c in text[:32]] for text in texts]
    return torch.tensor([line + [0] * (32 - len(line)) for line in numbered])


def near_and_far_text(first: list[str], second: list[str], rng: torch.Generator) -> tuple[float, float]:
    """Distances from the first texts to the second, and to the second's characters shuffled."""
    numbers = {"": 0}
    reals, samples = characters(first, numbers), characters(second, numbers)
    space = TokenSpace(32, len(numbers), end=0)
    noise = samples.flatten()[torch.randperm(samples.numel(), generator=rng)].view_as(samples)
    settings = CriticSettings(width=16, batch=32, steps=300)
    near, far = (
        critic_distance(rows, reals, space, "js", settings=settings).value
        for rows in (samples, noise.clamp(min=1))
    )
    return near, far


def test_captions_are_near_captions_and_far_from_their_letters_shuffled(
    captions: dict[str, list[str]], rng: torch.Generator
) -> None:
    texts = captions["train"] + captions["test"]
    near, far = near_and_far_text(texts[::2], texts[1::2], rng)
    assert abs(near) < 0.05
    assert 0.75 < far <= 1


def test_real_text_is_near_real_text_and_far_from_its_letters_shuffled(
    real_data: Path, rng: torch.Generator
) -> None:
    first, second = (
        (real_data / "lm1b" / f"1b_benchmark.{part}.tokens").read_text("utf-8").splitlines()[:600]
        for part in ("dev", "test")
    )
    near, far = near_and_far_text(first, second, rng)
    assert abs(near) < 0.05
    assert 0.75 < far <= 1


def assert_images_tell_independent_pixels(train: Tensor, valid: Tensor, rng: torch.Generator) -> None:
    """Rows of 784 bits: each distance is small to images of the same kind, large to independent pixels."""
    noise = torch.bernoulli(train.float().mean(0).expand(len(train), -1), generator=rng).long()
    settings = CriticSettings(width=8, batch=16, steps=60)
    for distance, most, least in (("js", 0.1, 0.3), ("wasserstein", 0.8, 4.0)):
        near, far = (
            critic_distance(samples, valid, TokenSpace(784, 2), distance, settings=settings).value
            for samples in (train, noise)
        )
        assert abs(near) < most, distance
        assert far > least, distance


def test_a_few_digits_are_near_others_and_far_from_independent_pixels(
    digits: dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]], rng: torch.Generator
) -> None:
    images, _ = digits["train"]
    bits = torch.from_numpy((images >= 128).reshape(len(images), -1)).long()
    first, second = bits[torch.randperm(len(bits), generator=rng)].split(300)
    assert_images_tell_independent_pixels(first, second, rng)


def test_real_images_are_near_real_images_and_far_from_independent_pixels(
    real_data: Path, rng: torch.Generator
) -> None:
    packed = np.load(real_data / "mnist_binarized_static" / "binarized_mnist_packbits.npz")
    train, valid = (
        torch.from_numpy(np.unpackbits(packed[part][:150], axis=1)).long() for part in ("train", "valid")
    )
    assert_images_tell_independent_pixels(train, valid, rng)
