"""Every training option, declared once: the command line, the run folder and the checkpoint read it here.

A field declares its default, its help, its range and, where a divergence, an objective, a credit or a
generator wants another default, that. The module imports no torch, so that `bgan-text --help` answers at
once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

from bgan_text.errors import UserError, unknown
from bgan_text.interval import interval
from bgan_text.setting import check, flag, is_a, setting
from bgan_text.space import CONTINUOUS_IMAGES, QUANTISED_IMAGES

GENERATORS = ("conv", "rnn")
"""Nets that make samples of noise."""
CLASSIFIER = "classifier"
"""The net that labels given images: its samples are labels."""
SCORE_FUNCTION = ("importance", "partition", "reinforce", "constant")
"""Objectives that see samples only through their scores: no gradient passes through a sample."""
PATHWISE = ("wgan", "wgan-gp", "gan-relaxed", "gumbel")
"""Objectives whose gradient passes through samples that are no tokens but points between them."""
OF_TOKENS = (*SCORE_FUNCTION, *PATHWISE, "mle")
"""What can be trained on sequences of tokens, and on images in colours."""
CONTINUOUS = ("gan", "non-saturating", "bgan", "lsgan")
"""Objectives of images whose pixels are real numbers."""
OF_CONTINUOUS_IMAGES = (*CONTINUOUS, "wgan", "wgan-gp")
"""What can be trained on those."""
ADVERSARIAL = (*SCORE_FUNCTION, *PATHWISE, *CONTINUOUS)
OBJECTIVES = (*OF_TOKENS, *CONTINUOUS)
DIVERGENCES = ("gan", "js", "kl", "reverse-kl", "pearson", "hellinger", "jeffreys")
WITHOUT_DIVERGENCE = {
    "wgan": "its critic estimates the Wasserstein distance, which is no f-divergence",
    "wgan-gp": "its critic estimates the Wasserstein distance, which is no f-divergence",
    "lsgan": "its discriminator fits its scores to 0 and 1 by least squares",
    "constant": "its generator does not hear what the discriminator says",
    "mle": "it descends KL(data || generator) itself, without a discriminator",
}
"""Why some objectives take no --divergence."""
CREDITS = ("sequence", "prefix")
KINDS = ("divergence", "objective", "credit", "generator")
"""Options whose value may bring other defaults with it, the strongest first. Images do so too, last."""
BASELINES = ("none", "mean", "leave-one-out")
CREDITED = ("importance", "partition", "reinforce")
DECAYS = ("linear", "constant")
PRECISIONS = ("auto", "float32", "bfloat16")

IMPROVED_WGAN = {
    "objective": "wgan-gp",
    "plain_nets": True,
    "spectral_norm": False,
    "width": 512,
    "blocks": 5,
    "noise": 128,
    "discriminator_width": 512,
    "discriminator_blocks": 5,
    "discriminator_steps": 10,
    "batch": 64,
    "generator_lr": 1e-4,
    "discriminator_lr": 1e-4,
    "beta1": 0.5,
    "beta2": 0.9,
    "grad_clip": 1e9,
    "lr_schedule": "constant",
    "ema_decay": 0.0,
}
PRESETS: dict[str, dict[str, Any]] = {"improved-wgan": IMPROVED_WGAN}
"""Defaults by the name of who used them: `improved-wgan` is the character language model of Gulrajani et
al. 2017 (appendix C and the published code, gan_language): its nets, its 10 critic steps, its Adam."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of one training run; immutable, checked when made."""

    preset: str | None = setting(None, "defaults of a published experiment", choices=tuple(PRESETS))
    generator: str = setting(
        "conv",
        "net that makes the samples; a classifier's are labels of the images it is given",
        choices=(*GENERATORS, CLASSIFIER),
    )
    objective: str = setting(
        "importance",
        "what the generator descends",
        choices=OBJECTIVES,
        where={CLASSIFIER: "importance", CONTINUOUS_IMAGES: "bgan"},
    )
    divergence: str = setting("js", "divergence that the discriminator bounds", choices=DIVERGENCES)
    credit: str = setting(
        "sequence",
        "what is scored: whole sequences, or every prefix so that each token is credited (rnn)",
        choices=CREDITS,
        of=CREDITED,
    )
    baseline: str = setting(
        "leave-one-out",
        "what is taken from the weights of draws to lower the gradient's variance",
        choices=BASELINES,
        of=CREDITED,
    )
    draws: int = setting(
        20,
        "M, samples drawn for each noise vector",
        minimum=1,
        where={"prefix": 3, CLASSIFIER: 30},
        of=SCORE_FUNCTION,
    )
    batch: int = setting(
        128,
        "noise vectors, and real samples, of a step",
        minimum=1,
        where={"rnn": 64, QUANTISED_IMAGES: 64, CONTINUOUS_IMAGES: 64},
    )
    width: int = setting(
        64,
        "channels of the conv generator (of images at full size), units of the GRU",
        minimum=1,
        where={"prefix": 128, "rnn": 256, CLASSIFIER: 16, QUANTISED_IMAGES: 32, CONTINUOUS_IMAGES: 32},
    )
    blocks: int = setting(
        3, "residual blocks of the generator, or layers of the GRU", minimum=1, where={"rnn": 1}
    )
    noise: int = setting(64, "size of the noise vector", minimum=1)
    discriminator_width: int = setting(
        64,
        "channels of the discriminator",
        minimum=1,
        where={CLASSIFIER: 16, QUANTISED_IMAGES: 16, CONTINUOUS_IMAGES: 32},
        of=ADVERSARIAL,
    )
    discriminator_blocks: int = setting(1, "residual blocks of the discriminator", minimum=0, of=ADVERSARIAL)
    plain_nets: bool = setting(False, "conv nets without normalisation, as improved_wgan_training's")
    spectral_norm: bool = setting(
        True,
        "normalise the discriminator's weights spectrally",
        where={"wgan": False, "wgan-gp": False, CLASSIFIER: False, CONTINUOUS_IMAGES: False},
        of=ADVERSARIAL,
    )
    batch_norm: bool = setting(
        False,
        "normalise the discriminator's layers over the batch, as DCGAN, reals and samples apart",
        where={"wgan": False, "wgan-gp": False, CLASSIFIER: False, CONTINUOUS_IMAGES: True},
        of=CONTINUOUS,
    )
    weight_clip: float = setting(
        0.02, "largest absolute weight of the clipped critic", minimum=0.0, of=("wgan",)
    )
    gradient_penalty: float = setting(10.0, "weight of the gradient penalty", minimum=0.0, of=("wgan-gp",))
    gumbel_start: float = setting(
        1.0, "temperature of the Gumbel-softmax at first", minimum=1e-3, of=("gumbel",)
    )
    gumbel_end: float = setting(
        0.1, "its temperature at the end, reached geometrically", minimum=1e-3, of=("gumbel",)
    )
    discriminator_steps: int = setting(
        1,
        "discriminator steps per generator step",
        minimum=1,
        where={"wgan": 3, CLASSIFIER: 3},
        of=ADVERSARIAL,
    )
    generator_steps: int = setting(
        1, "generator steps that one turn of the discriminator has to do for", minimum=1, of=ADVERSARIAL
    )
    discriminator_draws: int = setting(
        1,
        "draws per noise vector that train the discriminator",
        minimum=1,
        where={CLASSIFIER: 20},
        of=SCORE_FUNCTION,
    )
    generator_lr: float = setting(
        2e-3,
        "learning rate of the generator",
        minimum=0.0,
        where={"pearson": 1e-3, "gumbel": 4e-3, "wgan": 1e-3, CLASSIFIER: 1e-3, CONTINUOUS_IMAGES: 5e-4},
    )
    discriminator_lr: float = setting(
        8e-3,
        "learning rate of the discriminator",
        minimum=0.0,
        where={"pearson": 2e-4, "wgan": 1e-3, "wgan-gp": 2e-3, CLASSIFIER: 1e-3, CONTINUOUS_IMAGES: 5e-4},
        of=ADVERSARIAL,
    )
    beta1: float = setting(
        0.5, "Adam's decay of the mean gradient", minimum=0.0, below=1.0, where={CLASSIFIER: 0.0}
    )
    beta2: float = setting(0.99, "Adam's decay of the mean squared gradient", minimum=0.0, below=1.0)
    grad_clip: float = setting(5.0, "largest gradient norm of each net", minimum=0.0)
    lr_schedule: str = setting("linear", "course of the learning rates, to 0 or level", choices=DECAYS)
    ema_decay: float = setting(0.99, "decay of the weight average that is sampled", minimum=0.0, below=1.0)
    precision: str = setting("auto", "arithmetic of the nets", choices=PRECISIONS)
    seed: int = setting(0, "seed of everything random", minimum=0, below=2**63)
    steps: int | None = setting(
        None, "stop after this many generator steps in all", minimum=1, changeable=True
    )
    minutes: float | None = setting(
        None,
        "stop after this much training in all, evaluation and saving aside (5 unless --steps is given)",
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
        self._refuse_what_does_not_fit()

    def _refuse_what_does_not_fit(self) -> None:
        if self.objective in CONTINUOUS and self.generator != "conv":
            raise UserError(
                f"--objective {self.objective} wants pixels that are real numbers, which --generator "
                f"{self.generator} does not make: use --generator conv"
            )
        if self.objective == "mle" and self.generator not in ("rnn", CLASSIFIER):
            raise UserError(
                "--objective mle needs the likelihood of a sentence, which --generator "
                f"{self.generator} does not have: use --generator rnn"
            )
        if self.objective == "wgan" and self.spectral_norm:
            raise UserError(
                "--objective wgan clips the critic's weights, which --spectral-norm would rescale: "
                "leave one of them out"
            )
        if self.credit == "prefix" and self.generator != "rnn":
            raise UserError(
                "--credit prefix credits a token for what it makes of the tokens before it, which "
                f"--generator {self.generator} does not read: use --generator rnn"
            )
        if self.draws == 1 and self.objective in CREDITED and self.baseline != "none":
            self._refuse_one_draw()
        if self.plain_nets and self.generator != "conv":
            raise UserError(f"--plain-nets are conv nets: --generator {self.generator} has no such form")
        if self.plain_nets and self.spectral_norm:
            raise UserError("--plain-nets have no normalisation: add --no-spectral-norm")

    def _refuse_one_draw(self) -> None:
        if self.objective == "importance":
            raise UserError(
                "--draws 1 makes every importance weight 1, so the discriminator would teach nothing: "
                "use more draws"
            )
        if self.baseline == "leave-one-out":
            raise UserError(
                "--draws 1 leaves no other draw for --baseline leave-one-out: use more, or --baseline mean"
            )

    @property
    def title(self) -> str:
        """The objective, with its divergence if it has one and its credit if that is not the usual."""
        remarks = [] if self.objective in WITHOUT_DIVERGENCE else [self.divergence]
        remarks += [] if self.credit == "sequence" else [self.credit]
        return f"{self.objective} ({', '.join(remarks)})" if remarks else self.objective

    @classmethod
    def given(cls, values: Mapping[str, Any], pixels: str | None = None) -> "Config":
        """A configuration from the options that were given.

        Other options take the default of the preset, or else that which suits the divergence, the
        objective, the generator or the kind of images: `QUANTISED_IMAGES` or `CONTINUOUS_IMAGES`.

        Raises:
            UserError: a name or value is not accepted, or the objective has no use for an option.
        """
        chosen = {name: value for name, value in values.items() if value is not None}
        _check_names_and_types(chosen)
        settled = PRESETS.get(chosen.get("preset", ""), {}) | chosen
        objective = settled.setdefault(
            "objective", _default_of("objective", [chosen.get("generator"), pixels])
        )
        unused = unused_options(objective)
        for name in chosen:
            if name in unused:
                raise UserError(_useless(name, chosen[name], objective))
        names = [*(settled.get(kind, getattr(cls, kind)) for kind in KINDS), pixels]
        for option in fields(cls):
            settled.setdefault(option.name, _default_of(option.name, names))
        if settled["steps"] is None and settled["minutes"] is None:
            settled["minutes"] = 5.0
        return cls(**settled)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Config":
        """Read back what `to_json` gave; a key it does not know is an error."""
        _check_names_and_types(values)
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


def _check_names_and_types(values: Mapping[str, Any]) -> None:
    hints = get_type_hints(Config)
    for name, value in values.items():
        if name not in hints:
            raise UserError(unknown("setting", name, hints))
        if not is_a(value, hints[name]):
            raise UserError(f"setting {name!r} is {value!r}: expected {hints[name]}")


def _default_of(name: str, kinds: Iterable[str | None]) -> Any:
    """The default of an option: that of the first kind that wants one of its own, or the usual one."""
    (option,) = (option for option in fields(Config) if option.name == name)
    where = option.metadata["where"]
    return next((where[kind] for kind in kinds if kind in where), option.default)


def unused_options(objective: str) -> set[str]:
    """Fields of `Config` that an objective does not read."""
    unused = {
        option.name
        for option in fields(Config)
        if option.metadata["of"] and objective not in option.metadata["of"]
    }
    return unused | ({"divergence"} if objective in WITHOUT_DIVERGENCE else set())


def _useless(name: str, value: Any, objective: str) -> str:
    line = f"{flag(name)} {value} means nothing to --objective {objective}: "
    if name == "divergence":
        return line + WITHOUT_DIVERGENCE[objective]
    (option,) = (option for option in fields(Config) if option.name == name)
    return line + f"it is for {', '.join(option.metadata['of'])}"
