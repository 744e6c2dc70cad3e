"""Start a run from the nets of another one."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from bgan_text.errors import UserError
from bgan_text.objective_table import OBJECTIVES, needs_likelihood, unused_options
from bgan_text.presets import TRANSFORMER
from bgan_text.space import Space
from bgan_text.training.run import RunFolder
from bgan_text.training.state import State

GENERATOR_SIZES = ("generator", "width", "blocks", "heads", "noise", "plain_nets")
DISCRIMINATOR_SIZES = ("credit", "discriminator_width", "discriminator_blocks", "spectral_norm", "batch_norm")
"""Fields of `Config` that decide the nets."""


def inherited(origin: RunFolder, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were given, with those of the nets of another run where none was given.

    The discriminator's settings are inherited where the new objective reads them.
    """
    before = origin.config
    names: tuple[str, ...] = GENERATOR_SIZES
    objective = given.get("objective") or before.objective
    judged = not needs_likelihood(before.objective)
    if judged and objective in OBJECTIVES and not needs_likelihood(objective):
        unread = unused_options(objective, given.get("credit") or before.credit)
        names += tuple(name for name in DISCRIMINATOR_SIZES if name not in unread)
    chosen = {name: value for name, value in given.items() if value is not None}
    kept = {name: getattr(before, name) for name in names}
    if before.generator != TRANSFORMER:
        kept.pop("heads")
    if not before.plain_nets:  # off is the default, and given it would not fit every generator
        kept.pop("plain_nets", None)
    return kept | chosen


def copy_nets(origin: RunFolder, state: State) -> bool:
    """Copy the averaged generator of another run into a fresh state, and its discriminator if that fits.

    Returns:
        Whether the discriminator was copied; else it is untrained.

    Raises:
        UserError: the generator does not fit.
    """
    generator = origin.generator(state.device)
    if not _copy(generator.state_dict(), state.generator):
        raise UserError(
            f"`start_from` {origin.folder} has another generator than the settings describe: leave out "
            f"{', '.join(f'`{name}`' for name in GENERATOR_SIZES)}"
        )
    state.average.module.load_state_dict(state.generator.state_dict())
    if needs_likelihood(origin.config.objective):
        return False
    return _copy(origin.discriminator(state.device).state_dict(), state.discriminator)


def _copy(weights: Mapping[str, torch.Tensor], net: nn.Module) -> bool:
    """Load weights into a net if it has the same tensors by name and shape."""
    own = net.state_dict()
    fits = own.keys() == weights.keys() and all(own[name].shape == weights[name].shape for name in own)
    if fits:
        net.load_state_dict(weights)
    return fits


def refuse_other_tokens(origin: RunFolder, space: Space, tokenizer: str) -> None:
    """Raise a `UserError` unless a run makes samples of a space, with tokens of the same meaning.

    Args:
        origin: the run.
        space: what the new run generates.
        tokenizer: the signature of its tokenizer or palette.
    """
    if origin.space != space or origin.data["tokenizer"] != tokenizer:
        raise UserError(
            f"`start_from` {origin.folder} makes samples of another vocabulary or length: prepare the data "
            "with the tokenizer and the length that it was trained with"
        )
