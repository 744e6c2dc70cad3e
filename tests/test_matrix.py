"""Every combination that is allowed trains; every other is refused with its reason."""

import itertools
from typing import Any

import pytest
import torch

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.objective_table import OBJECTIVES, SCORE_FUNCTION, TOKENS, needs_likelihood, objectives_on
from bgan_text.presets import CREDITS, DIVERGENCES
from bgan_text.space import TokenSpace
from bgan_text.training.progress_line import telling_numbers
from bgan_text.training.state import State
from bgan_text.training.trainer import train

SPACE = TokenSpace(5, 4, end=0)
EVERY = list(
    itertools.product(
        ("conv", "rnn", "transformer"), objectives_on(TOKENS), [None, *DIVERGENCES], [None, *CREDITS]
    )
)


def given(generator: str, objective: str, divergence: str | None, credit: str | None) -> dict[str, Any]:
    values = {"generator": generator, "objective": objective, "divergence": divergence, "credit": credit}
    values |= {"steps": 20, "batch": 4, "width": 4, "blocks": 1, "noise": 3, "precision": "float32"}
    return values if needs_likelihood(objective) else values | {"discriminator_width": 4}


def allowed(generator: str, objective: str, divergence: str | None, credit: str | None) -> bool:
    if needs_likelihood(objective) and generator == "conv":
        return False
    if OBJECTIVES[objective].no_divergence and divergence is not None:
        return False
    if credit == "token" and not OBJECTIVES[objective].token_credit:
        return False
    return credit is None or (
        "credit" in OBJECTIVES[objective].options and (credit == "sequence" or generator != "conv")
    )


@pytest.mark.parametrize("kind", [kind for kind in EVERY if allowed(*kind)])
def test_allowed_combinations_train(kind: tuple[str, str, str | None, str | None]) -> None:
    objective, config = kind[1], Config.given(given(*kind))
    state = State.fresh(config, SPACE, torch.device("cpu"))
    before = [parameter.detach().clone() for parameter in state.generator.parameters()]
    rng = torch.Generator().manual_seed(1)
    real = torch.randint(SPACE.vocabulary, (64, SPACE.positions), generator=rng)
    reports = list(
        train(state, config, lambda step, index: real[4 * (step % 16) :][:4], lambda state: state.step / 20)
    )
    assert len(reports) == 20
    assert state.nonfinite.item() == 0
    numbers = reports[-1].read()
    assert all(torch.isfinite(torch.tensor(value)) for value in numbers.values())
    shown = " ".join(telling_numbers(numbers, "js-4", None))
    assert ("effective sample size" in shown) == (
        OBJECTIVES[objective].family == SCORE_FUNCTION and config.credit != "token"
    )
    assert ("gradient norm" in shown) == (objective == "wgan-gp")
    assert ("loss" in shown) == (objective == "mle")
    moved = [not torch.equal(*pair) for pair in zip(before, state.generator.parameters(), strict=True)]
    assert sum(moved) > 0.8 * len(moved)  # a unit of so small a net may be dead


@pytest.mark.parametrize("kind", [kind for kind in EVERY if not allowed(*kind)])
def test_other_combinations_are_refused_with_the_reason(
    kind: tuple[str, str, str | None, str | None],
) -> None:
    with pytest.raises(
        UserError, match=r"does not apply to `objective`|use `generator` rnn|no `credit` token"
    ) as refused:
        Config.given(given(*kind))
    assert "\n" not in str(refused.value)
