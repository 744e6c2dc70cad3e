"""Settings and sample spaces in words: what `show` and the card of an exported model say of a run."""

from dataclasses import fields
from typing import Any

from bgan_text.config import Config
from bgan_text.config_defaults import unused, unused_by_image_nets
from bgan_text.space import LabelSpace, PixelSpace, Space
from bgan_text.training_options import GROUPS

Settings = dict[str, list[tuple[str, str]]]
"""Names and values by group."""


def read_settings(config: Config, *, image_nets: bool = False) -> Settings:
    """The settings that the objective and the nets read, by group, each a name and a value.

    Args:
        config: the settings of a run.
        image_nets: whether the nets are those for images, which have fewer settings.
    """
    settings, table = config.to_json(), Settings({group: [] for group in GROUPS})
    unread = unused(settings) | (unused_by_image_nets(settings) if image_nets else set())
    for option in fields(config):
        value = getattr(config, option.name)
        if option.name not in unread and value is not None:
            table[option.metadata["group"]].append((option.name, _spelled(value)))
    return {group: named for group, named in table.items() if named}


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def described(space: Space) -> str:
    """What the samples of a space are, in a few words."""
    if isinstance(space, LabelSpace):
        return f"labels, {space.classes} classes, of {described(space.image)}"
    if isinstance(space, PixelSpace):
        return f"{space.width} x {space.height} pixels of {space.channels} number{'s' * (space.channels > 1)}"
    if space.shape is not None:
        return f"{space.shape[1]} x {space.shape[0]} pixels of {space.vocabulary} colours"
    return f"{space.positions} positions of {space.vocabulary:,} tokens"
