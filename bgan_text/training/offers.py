"""Checks that a custom net has the methods that its objective needs."""

from typing import Any

import torch
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.objective_table import IMPLICIT, LIKELIHOOD, OBJECTIVES, PATHWISE, SCORE_FUNCTION, TOKEN_CREDIT
from bgan_text.space import Space, TokenSpace

NEEDED_OF_A_DISTRIBUTION: dict[str, tuple[str, ...]] = {
    SCORE_FUNCTION: ("sample", "weighted_log_prob"),
    PATHWISE: ("sample", "relaxed"),
    LIKELIHOOD: ("sample", "log_prob"),
    IMPLICIT: ("sample", "log_prob"),
}
"""Methods of `bgan_text.models.distributions.ConditionalDistribution`, by the family of the objective."""

NEEDED_OF_A_PATHWISE_DISCRIMINATOR = ("embedding", "embed_relaxed", "score_embedded")
"""Attributes of `bgan_text.models.discriminators.Relaxable`."""


def refuse_generator(config: Config, generator: Any) -> None:
    """Raise a `UserError` unless a generator returns a distribution with the methods that are needed."""
    name = f"`generator` {config.generator}"
    if lacking := [one for one in ("space", "noise") if not hasattr(generator, one)]:
        raise UserError(f"{name} has no attribute {' and '.join(lacking)}: see the protocol of generators")
    distribution = _tried(name, generator, torch.zeros(2, generator.noise))
    needed = NEEDED_OF_A_DISTRIBUTION[OBJECTIVES[config.objective].family]
    if config.credit == "prefix":
        needed = (*needed, "token_log_prob")
    if config.credit == TOKEN_CREDIT:
        needed = ("sample", "next_token_logits")
    if lacking := [one for one in needed if not hasattr(distribution, one)]:
        raise UserError(
            f"{name} returns a {type(distribution).__name__} without {', '.join(lacking)}, which `objective` "
            f"{config.objective} needs"
        )


def refuse_discriminator(config: Config, discriminator: nn.Module, space: Space) -> None:
    """Raise a `UserError` unless a discriminator gives scores of the shape that the objective needs."""
    if isinstance(space, TokenSpace):
        _refuse_scores(config, discriminator, space)
    if OBJECTIVES[config.objective].family != PATHWISE:
        return
    lacking = [one for one in NEEDED_OF_A_PATHWISE_DISCRIMINATOR if not hasattr(discriminator, one)]
    if lacking:
        raise UserError(
            f"`discriminator` {config.discriminator} has no {', '.join(lacking)}, which `objective` "
            f"{config.objective} needs to pass a gradient through samples"
        )


def _refuse_scores(config: Config, discriminator: nn.Module, space: TokenSpace) -> None:
    inputs = [torch.zeros(2, space.positions, dtype=torch.int64)]
    if config.credit == TOKEN_CREDIT:
        inputs.append(torch.ones(2, space.positions, dtype=torch.bool))
    scores = _tried(f"`discriminator` {config.discriminator}", discriminator, *inputs)
    needed = {
        "sequence": (2,),
        "prefix": (2, space.positions),
        TOKEN_CREDIT: (2 * space.positions, space.vocabulary),
    }[config.credit]
    found = tuple(getattr(scores, "shape", ()))
    if found != needed:
        raise UserError(
            f"`discriminator` {config.discriminator} gives scores of shape {found} for 2 samples: {needed} "
            "is needed"
        )


def _tried(name: str, net: nn.Module, *inputs: Tensor) -> Any:
    """What a net gives for inputs of two rows, in evaluation mode; what goes wrong is said in one line."""
    training = net.training
    try:
        with torch.no_grad():
            return net.eval()(*inputs)
    except Exception as error:
        raise UserError(f"{name} fails for an input of shape {tuple(inputs[0].shape)}: {error!r}") from error
    finally:
        net.train(training)
