"""Start a run from the nets of another one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bgan_text.config import Config
from bgan_text.config_defaults import unused, unused_by_image_nets
from bgan_text.errors import UserError
from bgan_text.objective_table import OBJECTIVES, TOKEN_CREDIT, has_discriminator, unused_options
from bgan_text.plugins import may_be
from bgan_text.presets import PRESETS
from bgan_text.space import LabelSpace, Space
from bgan_text.training.exported import open_run
from bgan_text.training.run import RunFolder
from bgan_text.training.state import CustomParts, State

GENERATOR_SIZES = ("generator", "width", "blocks", "heads", "noise", "plain_nets")
DISCRIMINATOR_SIZES = ("credit", "discriminator_width", "discriminator_blocks", "spectral_norm", "batch_norm")
"""Fields of `Config` that decide the nets."""


def inherited(origin: RunFolder, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were given, with those of the nets of another run where none was given.

    The discriminator's settings are inherited where the new objective can go on with it.

    Raises:
        UserError: a generator is described that is not the run's.
    """
    before = origin.config
    chosen = {name: value for name, value in given.items() if value is not None}
    described = {**PRESETS.get(chosen.get("preset", ""), {}), **chosen}
    names = set(GENERATOR_SIZES) | set(_discriminator_sizes(before, described))
    names -= unused(before.to_json())
    if origin.images or isinstance(origin.space, LabelSpace):
        names -= unused_by_image_nets(before.to_json())
    if not before.plain_nets:  # off is the default, and given it would not fit every generator
        names.discard("plain_nets")
    for name in GENERATOR_SIZES:
        if name in names and described.get(name, getattr(before, name)) != getattr(before, name):
            cause = f"`{name}`" if name in chosen else f"`preset` {chosen['preset']}"
            raise UserError(
                f"`start_from` {origin.folder} has `{name}` {getattr(before, name)}, not {described[name]}: "
                f"leave out {cause}"
            )
    return {name: getattr(before, name) for name in names} | chosen


def _discriminator_sizes(before: Config, described: Mapping[str, Any]) -> Iterator[str]:
    """The settings of the discriminator that the new objective can go on with."""
    objective = described.get("objective") or before.objective
    if objective not in OBJECTIVES or not _goes_on(before.objective, objective):
        return
    credit = described.get("credit") or before.credit
    if credit == TOKEN_CREDIT and not OBJECTIVES[objective].token_credit:
        return
    unread = unused_options(objective, credit)
    yield from (name for name in DISCRIMINATOR_SIZES if name not in unread)


def _goes_on(before: str, objective: str) -> bool:
    """Whether an objective can go on with the discriminator of another one.

    Scores that are no log-ratio, such as those of a critic, are none for another objective either.
    """
    both = has_discriminator(before) and has_discriminator(objective)
    return both and (before == objective or OBJECTIVES[before].no_ratio is None)


def origin_of(folder: Path, given: CustomParts, parts: CustomParts | None = None) -> RunFolder:
    """Open the run whose nets a new run starts from.

    Args:
        folder: its path.
        given: parts of the user's own for the new run. The discriminator among them is that of the other run,
            too, if this was made with it.
        parts: those that the other run was opened with, if it was.

    Raises:
        UserError: there is no such run, or its generator is not the one given.
    """
    parts = parts or CustomParts(generator=given.generator)
    recorded = open_run(folder, parts).config.discriminator
    own = given.discriminator
    if own is not None and parts.discriminator is None and recorded is not None and may_be(own, recorded):
        parts = replace(parts, discriminator=own)
    return open_run(folder, parts)


def copy_nets(origin: RunFolder, state: State, objective: str) -> bool:
    """Copy the averaged generator of another run into a fresh state, and its discriminator if that fits.

    Args:
        origin: the run.
        state: the fresh state.
        objective: what it is trained with.

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
    if not _goes_on(origin.config.objective, objective):
        return False
    if origin.config.discriminator is not None and origin.parts.discriminator is None:
        return False  # one of the user's own, which was not given
    return _copy(origin.discriminator(state.device).state_dict(), state.discriminator)


def _copy(weights: Mapping[str, torch.Tensor], net: nn.Module) -> bool:
    """Load weights into a net if it has the same tensors by name and shape."""
    own = net.state_dict()
    fits = own.keys() == weights.keys() and all(own[name].shape == weights[name].shape for name in own)
    if fits:
        net.load_state_dict(weights)
    return fits


def refuse_other_tokens(origin: RunFolder, tokenizer: str) -> None:
    """Raise a `UserError` unless a run has tokens of the same meaning.

    Args:
        origin: the run.
        tokenizer: the signature of the tokenizer or palette of the new run.
    """
    if origin.data["tokenizer"] != tokenizer:
        raise UserError(
            f"`start_from` {origin.folder} has other tokens ({origin.data['tokenizer']}) than the data "
            f"({tokenizer}): prepare the data with the tokenizer that it was trained with"
        )


def refuse_other_space(origin: RunFolder, space: Space) -> None:
    """Raise a `UserError` unless a run makes samples of a space."""
    if origin.space != space:
        raise UserError(
            f"`start_from` {origin.folder} makes samples of another length or size: prepare the data with "
            "those that it was trained with"
        )
