"""Every training option, declared once: the command line, the run folder and the checkpoint read it here.

A field declares its default, its help, its range and, where the generators want different ones, the
default for each. The module imports no torch, so that `bgan-text --help` answers at once.
"""

import re
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, get_args, get_type_hints

from bgan_text.errors import UserError, choose, unknown

GENERATORS = ("conv", "rnn")
OBJECTIVES = ("importance", "partition", "reinforce", "mle")
DIVERGENCES = ("gan", "js", "kl", "reverse-kl", "pearson", "hellinger", "jeffreys")
DECAYS = ("linear", "constant")
PRECISIONS = ("auto", "float32", "bfloat16")
DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)")
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def setting(
    default: Any,
    text: str,
    *,
    minimum: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] = (),
    rnn: Any = None,
    changeable: bool = False,
) -> Any:
    """Declare an option.

    Args:
        default: its value when it is not given.
        text: its help.
        minimum: the least value accepted.
        below: the first value too large.
        choices: the names accepted.
        rnn: the default for the rnn generator, where it differs.
        changeable: whether a resumed run may be given another value.
    """
    metadata = {
        "help": text,
        "minimum": minimum,
        "below": below,
        "choices": choices,
        "rnn": rnn,
        "changeable": changeable,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of one training run; immutable, checked when made."""

    generator: str = setting("conv", "net that makes the samples", choices=GENERATORS)
    objective: str = setting("importance", "what the generator descends", choices=OBJECTIVES)
    divergence: str = setting("js", "divergence that the discriminator bounds", choices=DIVERGENCES)
    draws: int = setting(20, "M, samples drawn for each noise vector", minimum=1)
    batch: int = setting(128, "noise vectors, and real samples, of a step", minimum=1, rnn=64)
    width: int = setting(64, "channels of the conv generator, units of the GRU", minimum=1, rnn=256)
    blocks: int = setting(3, "residual blocks of the generator, or layers of the GRU", minimum=1, rnn=1)
    noise: int = setting(64, "size of the noise vector", minimum=1)
    discriminator_width: int = setting(64, "channels of the discriminator", minimum=1)
    discriminator_blocks: int = setting(1, "residual blocks of the discriminator", minimum=0)
    spectral_norm: bool = setting(True, "normalise the discriminator's weights spectrally")
    discriminator_steps: int = setting(1, "discriminator steps per generator step", minimum=1)
    discriminator_draws: int = setting(1, "draws per noise vector that train the discriminator", minimum=1)
    generator_rate: float = setting(2e-3, "learning rate of the generator", minimum=0.0)
    discriminator_rate: float = setting(8e-3, "learning rate of the discriminator", minimum=0.0)
    beta1: float = setting(0.5, "Adam's decay of the mean gradient", minimum=0.0, below=1.0)
    beta2: float = setting(0.99, "Adam's decay of the mean squared gradient", minimum=0.0, below=1.0)
    clip: float = setting(5.0, "largest gradient norm of each net", minimum=0.0)
    decay: str = setting("linear", "course of the learning rates, to 0 or level", choices=DECAYS)
    average: float = setting(0.99, "decay of the weight average that is sampled", minimum=0.0, below=1.0)
    precision: str = setting("auto", "arithmetic of the nets", choices=PRECISIONS)
    seed: int = setting(0, "seed of everything random", minimum=0, below=2**63)
    steps: int | None = setting(
        None, "stop after this many generator steps in all", minimum=1, changeable=True
    )
    minutes: float | None = setting(
        None,
        "stop after this much training time in all (5 unless --steps is given)",
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
        for option in fields(self):
            check(option, getattr(self, option.name))
        for name in ("save_every", "evaluate_every"):
            interval(name, getattr(self, name))
        if self.steps is not None and self.minutes is not None:
            raise UserError("--steps and --minutes were both given: give one of them")
        if self.objective == "mle" and self.generator != "rnn":
            raise UserError(
                "--objective mle needs the likelihood of a sentence, which --generator "
                f"{self.generator} does not have: use --generator rnn"
            )

    @classmethod
    def given(cls, values: Mapping[str, Any]) -> "Config":
        """A configuration from the options that were given; the generator decides other defaults."""
        chosen = {name: value for name, value in values.items() if value is not None}
        if chosen.get("generator") == "rnn":
            for option in fields(cls):
                if option.metadata["rnn"] is not None:
                    chosen.setdefault(option.name, option.metadata["rnn"])
        if "steps" not in chosen:
            chosen.setdefault("minutes", 5.0)
        return cls(**chosen)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Config":
        """Read back what `to_json` gave; a key it does not know is an error."""
        known = {option.name for option in fields(cls)}
        for name in values:
            if name not in known:
                raise UserError(unknown("setting", name, known))
        hints = get_type_hints(cls)
        for name, value in values.items():
            if not _is_a(value, hints[name]):
                raise UserError(f"setting {name!r} is {value!r}: expected {hints[name]}")
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self)

    def resumed(self, values: Mapping[str, Any]) -> "Config":
        """This configuration with what a resumed run may change; any other difference is refused."""
        changes = {name: value for name, value in values.items() if value is not None}
        for option in fields(self):
            before, after = getattr(self, option.name), changes.get(option.name, getattr(self, option.name))
            if before != after and not option.metadata["changeable"]:
                raise UserError(
                    f"{flag(option.name)} {after} was given, but the run was made with {before}: "
                    "a resumed run keeps it, so leave the option out or start a new run"
                )
        settings = self.to_json() | changes
        if "steps" in changes and "minutes" not in changes:
            settings["minutes"] = None
        if "minutes" in changes and "steps" not in changes:
            settings["steps"] = None
        return type(self)(**settings)


def flag(name: str) -> str:
    """The command-line spelling of a field."""
    return "--" + name.replace("_", "-")


def _is_a(value: Any, hint: Any) -> bool:
    accepted = get_args(hint) or (hint,)
    if isinstance(value, bool):
        return bool in accepted
    return isinstance(value, accepted) or (float in accepted and isinstance(value, int))


def check(option: Field[Any], value: Any) -> None:
    """Raise a `UserError` that names the option if its value is out of range or not a known name."""
    if value is None:
        return
    name, metadata = flag(option.name), option.metadata
    if metadata["choices"]:
        choose(name.removeprefix("--"), value, dict.fromkeys(metadata["choices"]))
    minimum, below = metadata["minimum"], metadata["below"]
    if minimum is not None and not value >= minimum:
        raise UserError(f"{name} {value}: at least {minimum:g} is needed")
    if below is not None and not value < below:
        raise UserError(f"{name} {value}: it must be below {below:g}")
    if isinstance(value, float) and value == float("inf"):
        raise UserError(f"{name} {value}: a finite number is needed")


@dataclass(frozen=True)
class Interval:
    """How often something is done: every so many steps, or every so many seconds."""

    steps: int | None = None
    seconds: float | None = None

    def due(self, steps: int, seconds: float) -> bool:
        """Whether it is due, this many steps and seconds after the last time."""
        if self.steps is not None:
            return steps >= self.steps
        return self.seconds is not None and seconds >= self.seconds


def interval(name: str, text: str) -> Interval:
    """Read '30s', '5m', '1h' as a time and '500' as a number of steps."""
    match = DURATION.fullmatch(text)
    if match and float(match.group(1)) > 0:
        return Interval(seconds=float(match.group(1)) * SECONDS[match.group(2)])
    if text.isdecimal() and int(text) > 0:
        return Interval(steps=int(text))
    raise UserError(f"{flag(name)} {text!r}: give a time such as 30s, 5m or 1h, or a number of steps")
