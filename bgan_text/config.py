"""The settings of a training run, each declared once.

The command line, the Python API, the run folder and the checkpoint read them here. Which objective reads
which of them is in `bgan_text.objective_table`; defaults that depend on something else are there, in
`bgan_text.presets` and in `bgan_text.config_defaults`. The module imports no torch, so that
`bgan-text --help` answers at once.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

from bgan_text.config_defaults import DIVERGENCE, OBJECTIVE, suitable, unused, useless
from bgan_text.errors import UserError, unknown
from bgan_text.interval import interval
from bgan_text.objective_table import (
    CONTINUOUS,
    OBJECTIVES,
    TOKEN_CREDIT,
    needs_likelihood,
)
from bgan_text.presets import ALPHA, CREDITS, DIVERGENCES, GENERATORS, IMAGES, PRESETS, TRANSFORMER
from bgan_text.setting import check_all, check_type, is_custom, setting

PREFIXES = ("data", "samples", "both")
BASELINES = ("none", "mean", "leave-one-out")
LR_SCHEDULES = ("linear", "constant")
PRECISIONS = ("auto", "float32", "bfloat16")
MINUTES = 5.0
"""How long a run trains that is given neither steps nor minutes."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of one training run. Immutable; checked when made.

    `Config.given` fills in the defaults that suit what was given, and is the usual way to make one.

    Raises:
        UserError: a value is out of range, or two values do not fit together.

    Example:
        >>> config = Config.given({"divergence": "hellinger", "steps": 100})
        >>> config.objective, config.draws
        ('importance', 20)
    """

    preset: str | None = setting(None, "defaults of a published experiment", choices=tuple(PRESETS))
    generator: str = setting(
        "conv",
        "net that makes the samples; a classifier labels the images that it is given "
        "(default: conv; text with importance, reinforce or mle: rnn)",
        choices=tuple(GENERATORS),
        custom=True,
    )
    discriminator: str | None = setting(
        None, "net of yours that scores the samples, as module:name", custom=True
    )
    objective: str = setting(OBJECTIVE, "what the generator descends", choices=tuple(OBJECTIVES))
    divergence: str = setting(
        DIVERGENCE, "f-divergence that the discriminator bounds", choices=tuple(DIVERGENCES), custom=True
    )
    alpha: float = setting(
        ALPHA,
        "which alpha-divergence `divergence` alpha is: 1 is KL, which favours cover, 0 reverse KL, which "
        "favours quality",
        minimum=0.0,
    )
    credit: str = setting(
        "sequence",
        "what is weighed: whole draws, each token of a draw by the scores of prefixes, or each token of the "
        "vocabulary; the last two need a net that writes token by token (default: sequence; text by such a "
        "net with importance or reinforce: token)",
        choices=tuple(CREDITS),
    )
    prefixes: str = setting(
        "data",
        "prefixes that teach with token credit: those of data, those of samples, or both",
        choices=PREFIXES,
    )
    baseline: str = setting(
        "leave-one-out",
        "what is subtracted from the weights of the draws to lower the variance of the gradient",
        choices=BASELINES,
    )
    draws: int = setting(20, "M, the number of samples drawn for each noise vector", minimum=1)
    batch: int = setting(128, "noise vectors, and real samples, per step", minimum=1)
    width: int = setting(
        64,
        "channels of the conv generator (for images at full size), units of the GRU, transformer's width",
        minimum=1,
    )
    blocks: int = setting(3, "blocks of the generator, or layers of the GRU", minimum=1)
    heads: int = setting(4, "attention heads of the transformer", minimum=1)
    noise: int = setting(64, "size of the noise vector", minimum=1)
    discriminator_width: int = setting(64, "channels of the discriminator", minimum=1)
    discriminator_blocks: int = setting(1, "residual blocks of the discriminator", minimum=0)
    plain_nets: bool = setting(False, "conv nets without normalisation, as in improved_wgan_training")
    spectral_norm: bool = setting(True, "spectral normalisation of the discriminator's weights")
    batch_norm: bool = setting(
        False, "batch normalisation in the discriminator, as in DCGAN; real and generated samples apart"
    )
    weight_clip: float = setting(0.02, "largest absolute weight of the clipped critic", minimum=0.0)
    gradient_penalty: float = setting(10.0, "weight of the gradient penalty", minimum=0.0)
    gumbel_start: float = setting(1.0, "initial temperature of the Gumbel-softmax", minimum=1e-3)
    gumbel_end: float = setting(0.1, "final temperature, reached geometrically", minimum=1e-3)
    discriminator_steps: int = setting(1, "discriminator steps per generator step", minimum=1)
    generator_steps: int = setting(1, "generator steps per turn of the discriminator", minimum=1)
    discriminator_draws: int = setting(1, "draws per noise vector that train the discriminator", minimum=1)
    freeze_generator: float = setting(
        0.0,
        "share of the run in which the discriminator learns alone at first; 1 for all of it",
        minimum=0.0,
    )
    reference_steps: int = setting(60, "steps after which the frozen copy is renewed", minimum=1)
    generator_lr: float = setting(2e-3, "learning rate of the generator", minimum=0.0)
    discriminator_lr: float = setting(8e-3, "learning rate of the discriminator", minimum=0.0)
    discriminator_weight_decay: float = setting(
        0.0, "weight decay of the discriminator, apart from the gradient as in AdamW", minimum=0.0
    )
    beta1: float = setting(0.5, "Adam's decay rate of the mean gradient", minimum=0.0, below=1.0)
    beta2: float = setting(0.99, "Adam's decay rate of the mean squared gradient", minimum=0.0, below=1.0)
    grad_clip: float = setting(5.0, "largest gradient norm of each net", minimum=0.0)
    lr_schedule: str = setting(
        "linear", "learning rates: linear decay to 0, or constant", choices=LR_SCHEDULES
    )
    ema_decay: float = setting(
        0.99, "decay of the moving average of the weights, which is sampled", minimum=0.0, below=1.0
    )
    precision: str = setting("auto", "arithmetic of the nets", choices=PRECISIONS)
    seed: int = setting(0, "seed of everything random", minimum=0, below=2**63)
    steps: int | None = setting(
        None, "stop after this many generator steps in total", minimum=1, changeable=True
    )
    minutes: float | None = setting(
        None,
        "stop after this much training time in total, without evaluation and saving "
        f"({MINUTES:g} unless steps are given)",
        minimum=0.0,
        changeable=True,
    )
    save_every: str = setting(
        "60s", "interval of checkpoints: a time (30s, 5m) or a number of steps", changeable=True
    )
    evaluate_every: str = setting(
        "30s", "interval of samples and validation scores: a time or a number of steps", changeable=True
    )
    log_every: int = setting(50, "steps between two lines of metrics.jsonl", minimum=1, changeable=True)

    def __post_init__(self) -> None:
        check_all(self)
        for name in ("save_every", "evaluate_every"):
            interval(name, getattr(self, name))
        if (self.steps is None) == (self.minutes is None):
            given = "both" if self.steps is not None else "neither of them"
            raise UserError(f"`steps` and `minutes`: {given} given, one of them is needed")
        _refuse_generator(self)
        _refuse_nets(self)
        if self.credit == TOKEN_CREDIT and not OBJECTIVES[self.objective].token_credit:
            names = ", ".join(name for name, row in OBJECTIVES.items() if row.token_credit)
            raise UserError(f"`objective` {self.objective} has no `credit` {TOKEN_CREDIT}: choose {names}")
        if self.draws == 1 and "baseline" in OBJECTIVES[self.objective].options and self.baseline != "none":
            _refuse_one_draw(self)

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
        chosen = {name: _plain(value) for name, value in values.items() if value is not None}
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
        settings = self.to_json() | changes
        if "steps" in changes and "minutes" not in changes:
            settings["minutes"] = None
        if "minutes" in changes and "steps" not in changes:
            settings["steps"] = None
        return type(self)(**settings)


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


def _plain(value: Any) -> Any:
    """A Python number in place of a number of numpy, which JSON does not know."""
    return value.item() if hasattr(value, "item") else value
