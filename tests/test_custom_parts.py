"""Divergences, generators and discriminators of the user's own, at the level of tensors."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.models.distributions import FactorisedDistribution
from bgan_text.objectives.divergences import DIVERGENCES, Divergence, bounded_exp
from bgan_text.space import TokenSpace
from bgan_text.training.state import CustomParts, State
from bgan_text.training.trainer import train

SPACE, CPU = TokenSpace(3, 4), torch.device("cpu")
TINY = {"steps": 20, "batch": 8, "width": 4, "blocks": 1, "noise": 3, "discriminator_width": 4}
PEARSON = Divergence(
    "my-pearson",
    "the package's pearson, written anew",
    real=lambda score: 2.0 * (bounded_exp(score) - 1.0),
    fake=lambda score: bounded_exp(2.0 * score) - 1.0,
)


class Table(nn.Module):
    """A generator without a net: one table of logits for all noise vectors."""

    def __init__(self, space: Any, config: Config) -> None:
        super().__init__()
        self.space, self.noise = space, config.noise
        self.logits = nn.Parameter(torch.zeros(space.positions, space.vocabulary))

    def forward(self, noise: Tensor) -> FactorisedDistribution:
        return FactorisedDistribution(self.logits.expand(len(noise), -1, -1))


class Bag(nn.Module):
    """A discriminator of the counts of tokens."""

    def __init__(self, space: Any, config: Config) -> None:
        super().__init__()
        self.weights = nn.Embedding(space.vocabulary, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        scores: Tensor = self.weights(tokens).squeeze(-1).sum(dim=1)
        return scores.float()


def trained(parts: CustomParts, steps: int = 20, **options: Any) -> State:
    config = Config.given(TINY | {"steps": steps} | options)
    state = State.fresh(config, SPACE, CPU, parts)
    real = torch.tensor([[1, 2, 3], [1, 2, 2]]).repeat(4, 1)
    for _ in train(state, config, lambda step, index: real, lambda state: state.step / steps):
        pass
    assert state.nonfinite.item() == 0
    return state


def test_a_divergence_written_anew_trains_as_the_packages_own() -> None:
    rates = {"generator_lr": 1e-3, "discriminator_lr": 2e-4}
    mine = trained(CustomParts(divergence=PEARSON), divergence="mine:PEARSON", **rates)
    theirs = trained(CustomParts(), divergence="pearson", **rates)
    assert mine.divergence is PEARSON
    assert theirs.divergence is DIVERGENCES["pearson"]
    for one, other in zip(mine.generator.parameters(), theirs.generator.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("objective", ["importance", "partition", "reinforce"])
def test_own_nets_learn_which_tokens_the_data_have(objective: str) -> None:
    parts = CustomParts(generator=Table, discriminator=Bag)
    names = {"generator": "mine:Table", "discriminator": "mine:Bag", "objective": objective}
    sizes = {"steps": 400, "batch": 32, "generator_lr": 0.05, "discriminator_lr": 0.05}
    config = Config.given({"noise": 3, "precision": "float32"} | names | sizes)
    state = State.fresh(config, SPACE, CPU, parts)
    real = torch.randint(1, 3, (32, 3), generator=torch.Generator().manual_seed(0))
    for _ in train(state, config, lambda step, index: real, lambda state: state.step / 400):
        pass
    shares = state.generator.logits.softmax(dim=-1).mean(dim=0)  # type: ignore[union-attr, operator]
    assert shares[1:3].sum() > 0.9


@pytest.mark.parametrize("objective", ["wgan-gp", "gumbel", "gan-relaxed"])
def test_an_own_generator_under_the_pathwise_objectives(objective: str) -> None:
    state = trained(CustomParts(generator=Table), generator="mine:Table", objective=objective)
    assert isinstance(state.generator, Table)
    assert state.generator.logits.abs().sum() > 0


@pytest.mark.parametrize(
    "names", [{"generator": "mine:Table"}, {"discriminator": "mine:Bag"}, {"divergence": "mine:PEARSON"}]
)
def test_a_part_that_is_named_and_not_passed_is_asked_for(names: dict[str, str]) -> None:
    config = Config.given(TINY | names)
    (option, name), *_ = names.items()
    with pytest.raises(UserError, match=f"`{option}` {name} is not part of bgan-text: pass it"):
        State.fresh(config, SPACE, CPU)


def test_a_discriminator_has_no_names_of_the_package() -> None:
    with pytest.raises(UserError, match="`discriminator` conv: give a class of yours as module:name"):
        Config.given({"discriminator": "conv"})


class Sampler:
    """A distribution that can only be sampled."""

    def sample(self, draws: int, rng: torch.Generator, temperature: float = 1.0) -> Tensor:
        return torch.zeros(draws, 2, 3, dtype=torch.int64)


class Mute(Table):
    def forward(self, noise: Tensor) -> Any:
        return Sampler()


@pytest.mark.parametrize(
    ("options", "parts", "words"),
    [
        (
            {"generator": "a:Mute"},
            CustomParts(generator=Mute),
            "without weighted_log_prob, which `objective`",
        ),
        ({"generator": "a:Mute", "objective": "gumbel"}, CustomParts(generator=Mute), "without relaxed"),
        (
            {"generator": "a:T", "credit": "prefix"},
            CustomParts(generator=Table),
            "FactorisedDistribution without token_log_prob",
        ),
        (
            {"discriminator": "a:Bag", "objective": "wgan-gp"},
            CustomParts(discriminator=Bag),
            "has no embedding, embed_relaxed, score_embedded",
        ),
    ],
)
def test_nets_that_do_not_offer_what_is_needed_are_refused(
    options: dict[str, str], parts: CustomParts, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        State.fresh(Config.given({"noise": 3, "steps": 1} | options), SPACE, CPU, parts)
