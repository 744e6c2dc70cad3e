"""The causal transformer: what it sees, its cache, its tied weights."""

import copy
import itertools
from pathlib import Path
from typing import Any

import pytest
import torch

import bgan_text as bt
from bgan_text.config import Config
from bgan_text.corpora.grammar import sentences
from bgan_text.errors import UserError
from bgan_text.models.transformer import CausalTransformer, TransformerGenerator
from bgan_text.space import TokenSpace

SPACE = TokenSpace(6, 5, end=0)


def generator(space: TokenSpace = SPACE) -> TransformerGenerator:
    torch.manual_seed(0)
    net = TransformerGenerator(space, width=8, blocks=2, heads=2, noise=3)
    for parameter in net.parameters():  # at their small initial weights, hidden vectors hardly differ
        torch.nn.init.normal_(parameter, std=0.5)
    return net


def test_hidden_vectors_do_not_look_ahead(rng: torch.Generator) -> None:
    net = generator()
    tokens, noise = torch.randint(0, 5, (4, 6), generator=rng), torch.randn(4, 3, generator=rng)
    hidden, _ = net.step(tokens, noise, net.initial(noise))
    for place in range(6):
        changed = tokens.clone()
        changed[:, place:] = (changed[:, place:] + 1) % 5
        seen, _ = net.step(changed, noise, net.initial(noise))
        torch.testing.assert_close(seen[:, :place], hidden[:, :place])
        assert not torch.allclose(seen[:, place], hidden[:, place])


@pytest.mark.parametrize("sizes", [[1] * 6, [2, 1, 3], [4, 2]])
def test_steps_with_the_cache_equal_the_whole_sequence(sizes: list[int], rng: torch.Generator) -> None:
    net = generator()
    tokens, noise = torch.randint(0, 5, (4, 6), generator=rng), torch.randn(4, 3, generator=rng)
    whole, _ = net.step(tokens, noise, net.initial(noise))
    state, parts = net.initial(noise), []
    for part in tokens.split(sizes, dim=1):
        hidden, state = net.step(part, noise, state)
        parts.append(hidden)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=1e-5, atol=1e-5)
    assert state[0][0].shape == (4, 2, 6, 4)


def test_probabilities_of_all_sequences_add_up_to_one(rng: torch.Generator) -> None:
    space = TokenSpace(3, 4)
    net = generator(space)
    everything = torch.tensor(list(itertools.product(range(4), repeat=3))).unsqueeze(1)
    conditional = net(torch.randn(2, 3, generator=rng))
    total = conditional.log_prob(everything.expand(-1, 2, -1)).exp().sum(dim=0)
    torch.testing.assert_close(total, torch.ones(2))


def test_draws_follow_the_log_probabilities(rng: torch.Generator) -> None:
    space = TokenSpace(2, 3)
    net = generator(space)
    noise = torch.randn(1, 3, generator=rng)
    drawn = net(noise).sample(20_000, rng).view(-1, 2)
    found = (drawn[:, 0] * 3 + drawn[:, 1]).bincount(minlength=9) / len(drawn)
    everything = torch.tensor(list(itertools.product(range(3), repeat=2))).unsqueeze(1)
    expected = net(noise).log_prob(everything).squeeze(1).exp()
    torch.testing.assert_close(found, expected, atol=0.015, rtol=0)


def test_the_noise_matters_and_every_parameter_learns(rng: torch.Generator) -> None:
    net = generator()
    tokens = torch.randint(1, 5, (1, 4, 6), generator=rng)
    noise = torch.randn(4, 3, generator=rng)
    assert not torch.allclose(net(noise).log_prob(tokens), net(-noise).log_prob(tokens))
    net(noise).log_prob(tokens).sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0 or name.endswith("project.bias"), name


def test_the_output_is_tied_to_the_embedding_also_in_a_copy() -> None:
    net = generator()
    assert not any(name.startswith("logits.") and "bias" not in name for name in net.state_dict())
    other = copy.deepcopy(net)
    for one in (net, other):
        with torch.no_grad():
            one.embedding.weight.fill_(2.0 if one is net else 3.0)
        assert (one.logits.weight == one.embedding.weight[:5]).all()
    assert (net.logits.weight == 2.0).all()
    assert (other.logits.weight == 3.0).all()


def test_a_saved_transformer_samples_as_it_did(tmp_path: Path) -> None:
    data = bt.prepare(list(sentences(0, 200)), tokenizer="word", length=20, out=tmp_path / "data")
    options: dict[str, Any] = {"generator": "transformer", "width": 8, "blocks": 1, "heads": 2, "noise": 3}
    options |= {"discriminator_width": 8, "batch": 8, "device": "cpu", "lr_schedule": "constant"}
    whole = bt.train(data, out=tmp_path / "whole", steps=6, **options)
    parts = bt.train(data, out=tmp_path / "parts", steps=3, **options).resume(steps=6)
    assert whole.config.credit == "token"
    assert whole.sample(20) == parts.sample(20)
    assert len(set(whole.sample(20))) > 1


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"width": 10}, "`width` 10 is no multiple of `heads` 4"),
        ({"discriminator_width": 10}, "`discriminator_width` 10 is no multiple of `heads` 4"),
        ({"heads": 3}, "`width` 128 is no multiple of `heads` 3"),
        ({"heads": 0}, "`heads` 0: at least 1 is needed"),
        ({"generator": "rnn", "heads": 2}, "`heads` 2 does not apply to `generator` rnn"),
        ({"plain_nets": True, "spectral_norm": False}, "`generator` transformer has no such form"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=line):
        Config.given({"generator": "transformer"} | options)
    assert Config.given({"generator": "transformer", "objective": "mle", "width": 12, "heads": 3}).heads == 3


def test_positions_are_told_apart(rng: torch.Generator) -> None:
    net = CausalTransformer(8, blocks=1, heads=2, positions=4)
    torch.nn.init.normal_(net.places, generator=rng)
    same = torch.randn(1, 1, 8, generator=rng).expand(1, 4, 8)
    hidden = net(same)
    assert not torch.allclose(hidden[:, 0], hidden[:, 3])
