"""The options of a training run, each declared once with its default, its help and its group.

`bgan_text.config` checks them together. The module imports no torch, so that `bgan-text --help` answers at
once.
"""

from dataclasses import dataclass

from bgan_text.config_defaults import DIVERGENCE, OBJECTIVE
from bgan_text.objective_table import OBJECTIVES
from bgan_text.presets import ALPHA, CREDITS, DIVERGENCES, GENERATORS, PRESETS
from bgan_text.setting import check_all, setting
from bgan_text.validation_scores import VALIDATION_SCORES

PREFIXES = ("data", "samples", "both")
BASELINES = ("none", "mean", "leave-one-out")
LR_SCHEDULES = ("linear", "constant")
PRECISIONS = ("auto", "float32", "tf32", "bfloat16")
MOST_ROWS, MOST_BLOCKS, LARGEST_WIDTH = 2**20, 1000, 2**16
"""Limits far above what is used. A larger number is a damaged file, or from someone who means harm."""
MINUTES = 5.0
"""How long a run trains that is given neither steps nor minutes."""
RUN, METHOD, NETS, OPTIMISER = "Data and run", "Method", "Nets", "Optimiser"
STOP, CHECKPOINTS = "When to stop", "Checkpoints and evaluation"
GROUPS = (RUN, METHOD, NETS, OPTIMISER, STOP, CHECKPOINTS)
"""The groups of options, in the order in which the help shows them."""


@dataclass(frozen=True, kw_only=True)
class Processing:
    """How a run is trained, which changes nothing of what is trained."""

    processes: int = setting(
        1,
        "processes on this machine that share each batch, on CPUs with their share of the cores, else each "
        "with a GPU of its own",
        minimum=1,
        maximum=1024,
        group=RUN,
    )

    def __post_init__(self) -> None:
        check_all(self)


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The fields of `Config`."""

    preset: str | None = setting(
        None, "defaults of a published experiment", choices=tuple(PRESETS), group=METHOD
    )
    generator: str = setting(
        "conv",
        "net that makes the samples; a classifier labels the images that it is given "
        "(default: conv; text with importance, reinforce, mle or implicit: rnn)",
        choices=tuple(GENERATORS),
        custom=True,
        group=NETS,
    )
    discriminator: str | None = setting(
        None, "net of yours that scores the samples, as module:name", custom=True, group=NETS
    )
    objective: str = setting(
        OBJECTIVE, "what the generator descends", choices=tuple(OBJECTIVES), group=METHOD
    )
    divergence: str = setting(
        DIVERGENCE,
        "f-divergence that the discriminator bounds",
        choices=tuple(DIVERGENCES),
        custom=True,
        group=METHOD,
    )
    alpha: float = setting(
        ALPHA,
        "which alpha-divergence `divergence` alpha is: 1 is KL, which favours cover, 0 reverse KL, which "
        "favours quality",
        minimum=0.0,
        group=METHOD,
    )
    credit: str = setting(
        "sequence",
        "what is weighed: whole draws, each token of a draw by the scores of prefixes, or each token of the "
        "vocabulary; the last two need a net that writes token by token (default: sequence; text by such a "
        "net with importance or reinforce: token)",
        choices=tuple(CREDITS),
        group=METHOD,
    )
    prefixes: str = setting(
        "data",
        "prefixes that teach with token credit: those of data, those of samples, or both",
        choices=PREFIXES,
        group=METHOD,
    )
    baseline: str = setting(
        "leave-one-out",
        "what is subtracted from the weights of the draws to lower the variance of the gradient",
        choices=BASELINES,
        group=METHOD,
    )
    draws: int = setting(
        20, "M, the number of samples drawn for each noise vector", minimum=1, maximum=MOST_ROWS, group=METHOD
    )
    batch: int = setting(
        128, "noise vectors, and real samples, per step", minimum=1, maximum=MOST_ROWS, group=OPTIMISER
    )
    width: int = setting(
        64,
        "channels of the conv generator (for images at full size), units of the GRU, transformer's width",
        minimum=1,
        maximum=LARGEST_WIDTH,
        group=NETS,
    )
    blocks: int = setting(
        3, "blocks of the generator, or layers of the GRU", minimum=1, maximum=MOST_BLOCKS, group=NETS
    )
    heads: int = setting(
        4, "attention heads of the transformer", minimum=1, maximum=LARGEST_WIDTH, group=NETS
    )
    noise: int = setting(64, "size of the noise vector", minimum=1, maximum=LARGEST_WIDTH, group=NETS)
    discriminator_width: int = setting(
        64,
        "channels of the discriminator; with token credit units of its GRU, transformer's width",
        minimum=1,
        maximum=LARGEST_WIDTH,
        group=NETS,
    )
    discriminator_blocks: int = setting(
        1,
        "residual blocks of the discriminator; with token credit layers of its GRU, or transformer's blocks",
        minimum=0,
        maximum=MOST_BLOCKS,
        group=NETS,
    )
    plain_nets: bool = setting(
        False, "conv nets without normalisation, as in improved_wgan_training", group=NETS
    )
    spectral_norm: bool = setting(True, "spectral normalisation of the discriminator's weights", group=NETS)
    batch_norm: bool = setting(
        False,
        "batch normalisation in the discriminator, as in DCGAN; real and generated samples apart",
        group=NETS,
    )
    weight_clip: float = setting(
        0.02, "largest absolute weight of the clipped critic", minimum=0.0, group=METHOD
    )
    gradient_penalty: float = setting(10.0, "weight of the gradient penalty", minimum=0.0, group=METHOD)
    gumbel_start: float = setting(
        1.0, "initial temperature of the Gumbel-softmax", minimum=1e-3, group=METHOD
    )
    gumbel_end: float = setting(0.1, "final temperature, reached geometrically", minimum=1e-3, group=METHOD)
    discriminator_steps: int = setting(1, "discriminator steps per generator step", minimum=1, group=METHOD)
    generator_steps: int = setting(
        1, "generator steps per turn of the discriminator", minimum=1, group=METHOD
    )
    discriminator_draws: int = setting(
        1,
        "draws per noise vector that train the discriminator",
        minimum=1,
        maximum=MOST_ROWS,
        group=METHOD,
    )
    freeze_generator: float = setting(
        0.0,
        "share of the run in which the discriminator learns alone at first; 1 for all of it",
        minimum=0.0,
        group=METHOD,
    )
    reference_steps: int = setting(
        60, "steps after which the frozen copy is renewed", minimum=1, group=METHOD
    )
    generator_lr: float = setting(2e-3, "learning rate of the generator", minimum=0.0, group=OPTIMISER)
    discriminator_lr: float = setting(
        8e-3, "learning rate of the discriminator", minimum=0.0, group=OPTIMISER
    )
    discriminator_weight_decay: float = setting(
        0.0,
        "weight decay of the discriminator, apart from the gradient as in AdamW",
        minimum=0.0,
        group=OPTIMISER,
    )
    beta1: float = setting(
        0.5, "Adam's decay rate of the mean gradient", minimum=0.0, below=1.0, group=OPTIMISER
    )
    beta2: float = setting(
        0.99, "Adam's decay rate of the mean squared gradient", minimum=0.0, below=1.0, group=OPTIMISER
    )
    grad_clip: float = setting(5.0, "largest gradient norm of each net", minimum=0.0, group=OPTIMISER)
    lr_schedule: str = setting(
        "linear", "learning rates: linear decay to 0, or constant", choices=LR_SCHEDULES, group=OPTIMISER
    )
    ema_decay: float = setting(
        0.99,
        "decay of the moving average of the weights, which is sampled",
        minimum=0.0,
        below=1.0,
        group=OPTIMISER,
    )
    precision: str = setting(
        "auto",
        "arithmetic of the nets: float32, bfloat16 with 16 bits, or tf32, float32 whose products a GPU "
        "computes with 10 bits after the point; auto is bfloat16 where the device has it, else float32",
        choices=PRECISIONS,
        group=OPTIMISER,
    )
    seed: int = setting(0, "seed of everything random", minimum=0, below=2**63, group=RUN)
    steps: int | None = setting(
        None, "stop after this many generator steps in total", minimum=1, changeable=True, group=STOP
    )
    minutes: float | None = setting(
        None,
        "stop after this much training time in total, without evaluation and saving "
        f"({MINUTES:g} unless steps are given)",
        above=0.0,
        changeable=True,
        group=STOP,
    )
    patience: int | None = setting(
        None,
        "stop early after this many evaluations in a row that are no better by `best_by` (default: never)",
        minimum=1,
        changeable=True,
        group=STOP,
    )
    save_every: str = setting(
        "60s",
        "interval of checkpoints: a time (30s, 5m) or a number of steps",
        changeable=True,
        group=CHECKPOINTS,
    )
    keep: int = setting(
        2,
        "number of checkpoints that stay, the last ones; the best by `best_by` stays besides",
        minimum=1,
        changeable=True,
        group=CHECKPOINTS,
    )
    evaluate_every: str = setting(
        "30s",
        "interval of samples and validation scores: a time or a number of steps",
        changeable=True,
        group=CHECKPOINTS,
    )
    best_by: str | None = setting(
        None,
        "validation score that says which checkpoint is the best; js is for text, nll for the corpus oracle, "
        "patch-js for images, error and cross-entropy for labels (default: js-4; above 1,000 tokens: js-2; "
        "oracle: nll-validation, of conv nll-oracle; images: patch-js-3; labels: error)",
        choices=tuple(VALIDATION_SCORES),
        changeable=True,
        group=CHECKPOINTS,
    )
    log_every: int = setting(
        50, "steps between two lines of metrics.jsonl", minimum=1, changeable=True, group=CHECKPOINTS
    )
