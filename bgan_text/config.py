"""The settings of a training run: completed, checked together, read and written.

The command line, the Python API, the run folder and the checkpoint use them. Each is declared in
`bgan_text.training_options`. Which objective reads which of them is in `bgan_text.objective_table`; defaults
that depend on something else are there, in `bgan_text.presets` and in `bgan_text.config_defaults`. The module
imports no torch, so that `bgan-text --help` answers at once.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from bgan_text.config_defaults import suitable, unused, useless
from bgan_text.config_file import read_settings
from bgan_text.errors import UserError, unknown
from bgan_text.interval import interval
from bgan_text.objective_table import (
    CONTINUOUS,
    OBJECTIVES,
    TOKEN_CREDIT,
    needs_likelihood,
    objectives_with_token_credit,
)
from bgan_text.presets import CREDITS, DIVERGENCES, GENERATORS, IMAGES, PRESETS, TRANSFORMER
from bgan_text.setting import check, check_all, check_type, is_custom
from bgan_text.training_options import MINUTES, TrainingOptions

INTERVALS = ("save_every", "evaluate_every")
"""Settings that are a time or a number of steps."""
DECIDING = ("objective", "generator", "credit", "divergence")
"""Settings that the defaults of others follow from."""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingOptions):
    """The settings of one training run. Immutable; checked when made.

    `Config.given` fills in the defaults that suit what was given, and is the usual way to make one.

    Raises:
        UserError: a value is out of range, or two values do not fit together.

    Example:
        >>> config = Config.given({"divergence": "hellinger", "steps": 100})
        >>> config.objective, config.draws
        ('importance', 20)
    """

    def __post_init__(self) -> None:
        check_all(self)
        for name in INTERVALS:
            interval(name, getattr(self, name))
        if (self.steps is None) == (self.minutes is None):
            given = "both" if self.steps is not None else "neither of them"
            raise UserError(f"`steps` and `minutes`: {given} given, one of them is needed")
        _refuse_generator(self)
        _refuse_nets(self)
        if self.credit == TOKEN_CREDIT and not OBJECTIVES[self.objective].token_credit:
            names = ", ".join(objectives_with_token_credit())
            raise UserError(f"`objective` {self.objective} has no `credit` {TOKEN_CREDIT}: choose {names}")
        if self.draws == 1 and "baseline" in OBJECTIVES[self.objective].options and self.baseline != "none":
            _refuse_one_draw(self)

    @property
    def budget(self) -> str:
        """How long the run trains: 5 minutes, or 1,000 steps."""
        if self.minutes is None:
            return f"{self.steps:,} step{'s' * (self.steps != 1)}"
        return f"{self.minutes:g} minute{'s' * (self.minutes != 1)}"

    @property
    def title(self) -> str:
        """The objective, with its divergence if it has one and its credit unless that is `sequence`."""
        remarks = [] if OBJECTIVES[self.objective].no_divergence else [self.divergence]
        remarks += [] if self.credit == "sequence" else [self.credit]
        return f"{self.objective} ({', '.join(remarks)})" if remarks else self.objective

    @classmethod
    def given(cls, values: Mapping[str, Any], images: str | None = None) -> "Config":
        """A configuration from the options that were given.

        An option that was not given takes the default of the preset, if that sets it; else the default that
        suits the divergence, the objective, the credit, the generator or the kind of images.

        Args:
            values: options by name; None stands for an option that was not given.
            images: `space.QUANTISED_IMAGES` or `space.CONTINUOUS_IMAGES`; None for text.

        Raises:
            UserError: a name or value is not accepted, or the objective does not read an option.
        """
        chosen = {name: _spelled(name, value) for name, value in values.items() if value is not None}
        _check_names_and_types(chosen)
        settled = {**PRESETS.get(chosen.get("preset", ""), {}), **chosen}
        defaults = list(suitable(settled, images))
        for name in chosen:
            if name in unused(settled):
                raise UserError(useless(name, settled))
        for option in fields(cls):
            suited = next((one[option.name] for one in defaults if option.name in one), option.default)
            settled.setdefault(option.name, suited)
        if settled["steps"] is None and settled["minutes"] is None:
            settled["minutes"] = MINUTES
        config = cls(**settled)
        object.__setattr__(config, "_given", chosen)
        return config

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **values: Any) -> "Config":
        """A configuration from a file.

        Args:
            path: a JSON or TOML file of settings by name, a run.json, or a run folder.
            values: further settings, which win over those of the file.

        Raises:
            UserError: the file cannot be read, or holds an unknown name or a value that is not accepted.

        Example:
            >>> Config.from_file("runs/poems", steps=7).steps
            7
        """
        return cls.given(overridden(settings_of(path), values))

    @property
    def given_options(self) -> dict[str, Any] | None:
        """What `given` was given; None for a configuration made by its constructor or from JSON."""
        chosen = getattr(self, "_given", None)
        return None if chosen is None else dict(chosen)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Config":
        """Read back what `to_json` gave; an unknown key is an error."""
        _check_names_and_types(values)
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)

    def resumed(self, values: Mapping[str, Any]) -> "Config":
        """This configuration with what a resumed run may change; any other difference is refused."""
        changes = {name: value for name, value in values.items() if value is not None}
        _check_names_and_types(changes)
        for option in fields(self):
            before, after = getattr(self, option.name), changes.get(option.name, getattr(self, option.name))
            if before != after and not option.metadata["changeable"]:
                raise UserError(
                    f"`{option.name}` {after} was given, but the run was made with {before}: "
                    "a resumed run keeps it, so leave the option out or start a new run"
                )
        return type(self)(**overridden(self.to_json(), changes))


def settings_of(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The settings that a file gives, by name. Of a run, those that are not the defaults of its method.

    Raises:
        UserError: as `Config.from_file`; the line names the file and the setting.
    """
    found = read_settings(Path(path))
    values = {name: _spelled(name, value) for name, value in found.values.items() if value is not None}
    declared = {option.name: option for option in fields(Config)}
    try:
        _check_names_and_types(values)
        for name, value in values.items():
            check(declared[name], value)
        if not found.of_run:
            return values
        method: dict[str, Any] = {}
        for name in ("preset", *DECIDING):
            usual = Config.given(method, found.images).to_json()
            if name in values and name not in unused(values) and values[name] != usual[name]:
                method[name] = values[name]
        usual = Config.given(method, found.images).to_json()
        return method | {name: value for name, value in values.items() if value != usual[name]}
    except UserError as error:
        raise UserError(f"{os.fspath(path)}: {error}") from error


def overridden(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with changes; `steps` take the place of `minutes`, and the reverse. None is no change."""
    given = {name: value for name, value in changes.items() if value is not None}
    budget = {"steps", "minutes"} if {"steps", "minutes"} & given.keys() else set()
    return {name: value for name, value in settings.items() if name not in budget} | given


def other_defaults(option: str) -> dict[str, Any]:
    """The defaults of an option that differ from its usual one, by the name of what they suit."""
    tables = [
        DIVERGENCES,
        {name: objective.defaults for name, objective in OBJECTIVES.items()},
        CREDITS,
        {name: architecture.defaults for name, architecture in GENERATORS.items()},
        IMAGES,
    ]
    (usual,) = (one.default for one in fields(Config) if one.name == option)
    found = ((name, row[option]) for table in tables for name, row in table.items() if option in row)
    return {name: value for name, value in found if value != usual}


def _refuse_generator(config: Config) -> None:
    """Refuse a generator of the package that cannot do what the objective or the credit asks for."""
    if is_custom(config.generator):
        return
    architecture, name = GENERATORS[config.generator], config.generator
    if OBJECTIVES[config.objective].samples == (CONTINUOUS,) and not architecture.continuous_images:
        raise UserError(
            f"`objective` {config.objective} needs continuous images, which `generator` {name} does not "
            "make: use `generator` conv"
        )
    if needs_likelihood(config.objective) and not architecture.likelihood:
        raise UserError(
            f"`objective` {config.objective} needs the likelihood of a sentence, which `generator` {name} "
            "does not have: use `generator` rnn or transformer"
        )
    if config.credit != "sequence" and not architecture.prefixes:
        raise UserError(
            f"`credit` {config.credit} credits each token of a sequence that is generated token by token, "
            f"which `generator` {name} does not do: use `generator` rnn or transformer"
        )
    if config.credit == TOKEN_CREDIT and config.discriminator_blocks == 0:
        raise UserError(f"`discriminator_blocks` 0: `credit` {TOKEN_CREDIT} needs at least 1")
    if name == TRANSFORMER:
        widths = ("width", "discriminator_width") if config.credit == TOKEN_CREDIT else ("width",)
        for width in widths:
            if getattr(config, width) % config.heads:
                raise UserError(
                    f"`{width}` {getattr(config, width)} is no multiple of `heads` {config.heads}"
                )
    if config.plain_nets and not architecture.plain:
        raise UserError(f"`plain_nets` are conv nets: `generator` {name} has no such form")


def _refuse_nets(config: Config) -> None:
    """Refuse options of the discriminator that contradict each other."""
    if config.freeze_generator > 1.0:
        raise UserError(f"`freeze_generator` {config.freeze_generator:g}: a share, 0 to 1, is needed")
    if config.freeze_generator == 1.0 and config.patience is not None:
        raise UserError(
            f"`patience` {config.patience} with `freeze_generator` 1: a generator that never changes cannot "
            "improve, so leave one of them out"
        )
    if config.objective == "wgan" and config.spectral_norm:
        raise UserError(
            "`objective` wgan clips the critic's weights, which `spectral_norm` would rescale: "
            "leave one of them out"
        )
    if config.plain_nets and config.spectral_norm:
        raise UserError("`plain_nets` have no normalisation: add `spectral_norm` False")
    if config.discriminator is not None and not is_custom(config.discriminator):
        raise UserError(f"`discriminator` {config.discriminator}: give a class of yours as module:name")


def _refuse_one_draw(config: Config) -> None:
    if config.objective == "importance":
        raise UserError(
            "`draws` 1 makes every importance weight 1, so the discriminator would teach nothing: "
            "use more draws"
        )
    if config.baseline == "leave-one-out":
        raise UserError(
            "`draws` 1 leaves no other draw for `baseline` leave-one-out: use more, or `baseline` mean"
        )


def _check_names_and_types(values: Mapping[str, Any]) -> None:
    hints = get_type_hints(Config)
    for name, value in values.items():
        if name not in hints:
            raise UserError(unknown("setting", name, hints))
        check_type(name, value, hints[name])


def _spelled(name: str, value: Any) -> Any:
    """A value as settings hold it: a number of Python, not of numpy; an interval of steps as text."""
    plain = value.item() if hasattr(value, "item") else value
    interval = name in INTERVALS and type(plain) is int and abs(plain) <= 2**64
    return str(plain) if interval else plain
