"""Generators and discriminator, each at two vocabularies, with and without an end token."""

import itertools
from typing import Any

import pytest
import torch
from torch.nn.utils import parametrize
from torch.utils._python_dispatch import TorchDispatchMode

from bgan_text.config import Config
from bgan_text.models.discriminators import (
    ConvolutionalDiscriminator,
    PrefixDiscriminator,
    QuantisedImageDiscriminator,
)
from bgan_text.models.generators import ConvolutionalGenerator, RecurrentGenerator
from bgan_text.models.sampling import draw
from bgan_text.objectives.weights import RunningStatistics, importance
from bgan_text.space import TokenSpace
from bgan_text.training.state import State
from bgan_text.training.trainer import Trainer

SPACES = [TokenSpace(6, 2), TokenSpace(9, 31, end=0)]


def make(name: str, space: TokenSpace) -> ConvolutionalGenerator | RecurrentGenerator:
    torch.manual_seed(0)
    net = {"conv": ConvolutionalGenerator, "rnn": RecurrentGenerator}[name]
    return net(space, width=8, blocks=2, noise=5)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", ["conv", "rnn"])
def test_samples_are_rows_of_the_space(name: str, space: TokenSpace, rng: torch.Generator) -> None:
    net = make(name, space)
    conditional = net(torch.randn(4, 5, generator=rng))
    tokens = conditional.sample(3, rng)
    assert tokens.shape == (3, 4, space.positions)
    assert tokens.dtype == torch.int64
    assert tokens.min() >= 0
    assert tokens.max() < space.vocabulary
    assert conditional.log_prob(tokens).shape == (3, 4)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", ["conv", "rnn"])
def test_every_parameter_learns_from_an_objective(name: str, space: TokenSpace, rng: torch.Generator) -> None:
    net = make(name, space)
    conditional = net(torch.randn(6, 5, generator=rng))
    tokens = conditional.sample(4, rng)
    coefficients = importance(torch.randn(4, 6, generator=rng), RunningStatistics.fresh(torch.device("cpu")))
    (-conditional.weighted_log_prob(tokens, coefficients)).backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("name", ["conv", "rnn"])
def test_weighted_log_prob_is_the_weighted_sum_of_log_prob(name: str, rng: torch.Generator) -> None:
    conditional = make(name, SPACES[1])(torch.randn(6, 5, generator=rng))
    tokens = conditional.sample(4, rng)
    coefficients = torch.randn(4, 6, generator=rng)
    literal = (coefficients * conditional.log_prob(tokens)).sum() / 6
    torch.testing.assert_close(conditional.weighted_log_prob(tokens, coefficients), literal)


@pytest.mark.parametrize("space", [TokenSpace(3, 3), TokenSpace(3, 3, end=0)])
def test_autoregressive_probabilities_sum_to_one(space: TokenSpace, rng: torch.Generator) -> None:
    """Over all sequences; where an end cuts them, over all that end alike."""
    conditional = make("rnn", space)(torch.randn(2, 5, generator=rng))
    rows = set()
    for row in itertools.product(range(space.vocabulary), repeat=space.positions):
        cut = row.index(space.end) if space.end in row else space.positions
        rows.add(row[:cut] + (space.end or 0,) * (space.positions - cut))
    tokens = torch.tensor(sorted(rows)).unsqueeze(1).expand(-1, 2, -1)
    total = conditional.log_prob(tokens).exp().sum(dim=0)
    torch.testing.assert_close(total, torch.ones(2))


def test_what_follows_the_end_counts_neither_in_the_sample_nor_in_its_probability(
    rng: torch.Generator,
) -> None:
    conditional = make("rnn", TokenSpace(6, 4, end=0))(torch.randn(1, 5, generator=rng))
    one, other = torch.tensor([[[2, 3, 0, 0, 0, 0]], [[2, 3, 0, 3, 1, 2]]]).unbind()
    torch.testing.assert_close(conditional.log_prob(one[None]), conditional.log_prob(other[None]))
    tokens = conditional.sample(500, rng)
    after = ((tokens == 0).cumsum(-1) - (tokens == 0).long()) > 0
    assert after.any()
    assert (tokens[after] == 0).all()


def test_autoregressive_samples_follow_log_prob(rng: torch.Generator) -> None:
    conditional = make("rnn", TokenSpace(2, 3, end=0))(torch.randn(1, 5, generator=rng))
    tokens = conditional.sample(40_000, rng)
    for row in itertools.product(range(3), repeat=2):
        if row[0] == 0 and row[1] != 0:
            continue
        share = (tokens == torch.tensor(row)).all(-1).double().mean()
        exact = conditional.log_prob(torch.tensor(row).view(1, 1, 2)).exp().item()
        assert share == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize("name", ["conv", "rnn"])
def test_temperature_sharpens(name: str, rng: torch.Generator) -> None:
    net = make(name, SPACES[1]).eval()
    with torch.no_grad():
        net.logits.weight *= 4
    conditional = net(3 * torch.randn(50, 5, generator=rng))
    cold, warm = (conditional.sample(20, rng, temperature) for temperature in (0.2, 1.0))
    assert conditional.log_prob(cold).mean() > conditional.log_prob(warm).mean() + 1


@pytest.mark.parametrize("name", ["conv", "rnn"])
def test_rows_are_independent_in_evaluation(name: str, rng: torch.Generator) -> None:
    net = make(name, SPACES[1]).eval()
    noise = torch.randn(5, 5, generator=rng)
    tokens = net(noise).sample(1, rng)
    whole = net(noise).log_prob(tokens)
    alone = net(noise[2:3]).log_prob(tokens[:, 2:3])
    torch.testing.assert_close(whole[:, 2:3], alone)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("spectral", [True, False])
def test_discriminator_scores_each_row_alone(space: TokenSpace, spectral: bool, rng: torch.Generator) -> None:
    net = ConvolutionalDiscriminator(space, width=8, blocks=2, spectral=spectral)
    rows = torch.randint(space.vocabulary, (7, space.positions), generator=rng)
    net(rows).sum().backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().sum() > 0, key
    net.eval()
    scores = net(rows)
    assert scores.shape == (7,)
    torch.testing.assert_close(net(rows[3:4]), scores[3:4])


def test_spectral_normalisation_bounds_every_layer_but_the_embedding() -> None:
    net = ConvolutionalDiscriminator(SPACES[1], width=8, blocks=2, spectral=True)
    for _ in range(50):
        net(torch.zeros(1, 9, dtype=torch.int64))
    net.eval()
    normalised = [layer for layer in net.modules() if parametrize.is_parametrized(layer)]
    assert len(normalised) == 1 + 2 * 2 + 1
    for layer in normalised:
        weight: Any = layer.weight
        norm = torch.linalg.matrix_norm(weight.flatten(1), 2).item()
        assert norm == pytest.approx(1.0, abs=0.02)


def test_conv_convolution_equals_a_one_dimensional_one(rng: torch.Generator) -> None:
    """The two-dimensional layout is only for speed."""
    net = make("conv", SPACES[1]).eval()
    assert isinstance(net, ConvolutionalGenerator)
    noise = torch.randn(3, 5, generator=rng)
    x = net.dense(noise).view(3, 9, 8).transpose(1, 2)
    for block in net.blocks:
        y = x
        for layer in block.body:
            if isinstance(layer, torch.nn.Conv2d):
                y = torch.nn.functional.conv1d(y, layer.weight.squeeze(2), layer.bias, padding=2)
            elif isinstance(layer, torch.nn.BatchNorm2d):
                y = layer(y.unsqueeze(2)).squeeze(2)
            else:
                y = torch.relu(y)
        x = x + 0.3 * y
    x = net.norm(x.unsqueeze(2)).squeeze(2).relu()
    torch.testing.assert_close(net(noise).logits, net.logits(x.transpose(1, 2)))


class LargestTensor(TorchDispatchMode):
    """Records the largest tensor that any operation gives."""

    largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in out if isinstance(out, tuple | list) else (out,):
            if isinstance(value, torch.Tensor):
                self.largest = max(self.largest, value.numel())
        return out


@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
@pytest.mark.parametrize("generator", ["conv", "rnn"])
def test_no_tensor_of_draws_times_batch_times_positions_times_vocabulary(
    generator: str, objective: str, monkeypatch: pytest.MonkeyPatch, rng: torch.Generator
) -> None:
    monkeypatch.setattr("bgan_text.models.sampling.CHUNK_ELEMENTS", 1 << 14)
    space, draws, batch = TokenSpace(8, 1000, end=0), 10, 6
    config = Config.given(
        {
            "generator": generator,
            "objective": objective,
            "draws": draws,
            "batch": batch,
            "width": 8,
            "steps": 1,
        }
    )
    state = State.fresh(config, space, torch.device("cpu"))
    real = torch.randint(1000, (batch, 8), generator=rng)
    with LargestTensor() as seen:
        Trainer(state, config).step([real], 0.0)
    assert seen.largest < draws * batch * 8 * 1000 / 4
    assert seen.largest >= batch * 1000


def test_recurrent_generator_reads_the_noise(rng: torch.Generator) -> None:
    net = make("rnn", SPACES[1])
    assert isinstance(net, RecurrentGenerator)
    tokens = torch.randint(1, 31, (1, 1, 9), generator=rng)
    one, other = (net(torch.full((1, 5), value)).log_prob(tokens) for value in (-1.0, 1.0))
    assert (one - other).abs() > 1e-3


def plain_pair() -> tuple[ConvolutionalGenerator, ConvolutionalDiscriminator]:
    state = State.fresh(
        Config.given({"preset": "improved-wgan", "width": 8, "discriminator_width": 8, "steps": 1}),
        SPACES[0],
        torch.device("cpu"),
    )
    assert isinstance(state.discriminator, ConvolutionalDiscriminator)
    return state.generator, state.discriminator


def test_plain_nets_are_blocks_and_nothing_else(rng: torch.Generator) -> None:
    """Written out: dense, five blocks x + 0.3 conv(relu(conv(relu(x)))), logits; and back."""
    generator, discriminator = plain_pair()
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in generator.modules())
    assert not any(parametrize.is_parametrized(layer) for layer in discriminator.modules())

    def blocks(layers: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        convolutions = [layer for layer in layers.modules() if isinstance(layer, torch.nn.Conv2d)]
        assert len(convolutions) == 10
        for first, second in zip(convolutions[::2], convolutions[1::2], strict=True):
            inner = torch.nn.functional.conv1d(x.relu(), first.weight.squeeze(2), first.bias, padding=2)
            inner = torch.nn.functional.conv1d(inner.relu(), second.weight.squeeze(2), second.bias, padding=2)
            x = x + 0.3 * inner
        return x

    noise = torch.randn(4, 128, generator=rng)
    assert isinstance(generator, ConvolutionalGenerator)
    x = generator.dense(noise).view(4, 6, 8).transpose(1, 2)
    literal = generator.logits(blocks(generator.blocks, x).transpose(1, 2))
    torch.testing.assert_close(generator(noise).logits, literal)
    tokens = torch.randint(2, (4, 6), generator=rng)
    x = discriminator.embedding(tokens).transpose(1, 2)
    literal = discriminator.dense(blocks(discriminator.blocks, x).transpose(1, 2).flatten(1)).squeeze(1)
    torch.testing.assert_close(discriminator(tokens), literal)


def prefix_discriminator(space: TokenSpace) -> PrefixDiscriminator:
    torch.manual_seed(0)
    return PrefixDiscriminator(space, width=8, blocks=2, spectral=True).eval()


@pytest.mark.parametrize("space", SPACES)
def test_the_score_of_a_prefix_does_not_look_ahead(space: TokenSpace, rng: torch.Generator) -> None:
    net = prefix_discriminator(space)
    one = torch.randint(1, space.vocabulary, (5, space.positions), generator=rng)
    for changed in range(space.positions):
        other = one.clone()
        other[:, changed] = (one[:, changed] + 1) % space.vocabulary
        same = net(one) == net(other)
        assert same[:, :changed].all()
        assert not same[:, changed].any()


def test_nothing_is_added_behind_the_end() -> None:
    net = prefix_discriminator(SPACES[1])
    tokens = torch.tensor([[3, 4, 0, 0, 0, 0, 0, 0, 0], [3, 4, 0, 5, 6, 7, 8, 9, 1]])
    scores = net(tokens)
    torch.testing.assert_close(scores[0], scores[1])
    assert (scores[:, 2:] == scores[:, 2:3]).all()
    assert scores[0, 1] != scores[0, 2]


def test_every_parameter_of_the_prefix_discriminator_learns(rng: torch.Generator) -> None:
    net = prefix_discriminator(SPACES[0])
    net(torch.randint(2, (5, 6), generator=rng)).square().sum().backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("vocabulary", [2, 3])
@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_draws_have_the_probabilities_of_their_position(
    vocabulary: int, temperature: float, rng: torch.Generator
) -> None:
    logits, draws = torch.randn(2, 3, vocabulary, generator=rng), 100_000
    tokens = draw(logits, draws, rng, temperature)
    assert (tokens.shape, tokens.dtype) == ((draws, 2, 3), torch.int64)
    seen = torch.nn.functional.one_hot(tokens, vocabulary).double().mean(dim=0)
    exact = (logits.double() / temperature).softmax(dim=-1)
    error = (exact * (1 - exact) / draws).sqrt()
    assert ((seen - exact).abs() < 5 * error).all()
    both = (tokens[:, 0, 0] * tokens[:, 1, 2]).double().mean() - (
        tokens[:, 0, 0].double().mean() * tokens[:, 1, 2].double().mean()
    )
    assert both.abs() < 5 * vocabulary**2 / draws**0.5  # independent


def test_the_embedding_of_two_colours_is_a_lookup(rng: torch.Generator) -> None:
    net = QuantisedImageDiscriminator(TokenSpace(64, 2, shape=(8, 8)), width=4, spectral=False)
    tokens = torch.randint(2, (3, 64), generator=rng)
    torch.testing.assert_close(net.embedding(tokens), net.embedding.weight[tokens])
