"""Every objective, declared once: what it trains on, which options it reads, which defaults it prefers.

The table imports no torch, so that `bgan-text --help` answers at once. What an objective computes is in
`bgan_text.objectives` and `bgan_text.training`; docs/objectives.md explains when to use which.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

SCORE_FUNCTION = "score function"
"""No gradient passes through a sample: draws are weighted by their scores."""
PATHWISE = "pathwise"
"""The gradient passes through samples: relaxed tokens, or the pixels of continuous images."""
LIKELIHOOD = "likelihood"
"""No discriminator at all."""
IMPLICIT = "implicit"
"""The discriminator is the generator's likelihood ratio to a copy of itself."""

TOKENS, CONTINUOUS = "tokens", "continuous images"
"""What an objective trains on. Tokens are text, quantised images and labels."""

DISCRIMINATOR_OPTIONS = (
    "discriminator",
    "discriminator_width",
    "discriminator_blocks",
    "spectral_norm",
    "discriminator_steps",
    "generator_steps",
    "freeze_generator",
    "discriminator_lr",
    "discriminator_weight_decay",
)
DRAW_OPTIONS = (*DISCRIMINATOR_OPTIONS, "draws", "discriminator_draws")
CREDIT_OPTIONS = (*DRAW_OPTIONS, "credit", "baseline")
TOKEN_CREDIT = "token"
"""The credit that weighs every token of the vocabulary, so that no draws are needed."""
NOT_WITH_TOKEN_CREDIT = ("draws", "discriminator_draws", "baseline", "spectral_norm")
"""Options that token credit does not read; those of draws, and of the discriminator of whole samples."""
CONTINUOUS_OPTIONS = (*DISCRIMINATOR_OPTIONS, "batch_norm")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A row of the table.

    Attributes:
        name: what `--objective` calls it.
        about: what the generator descends, in a few words.
        family: `SCORE_FUNCTION`, `PATHWISE`, `LIKELIHOOD` or `IMPLICIT`.
        samples: what it trains on, of `TOKENS` and `CONTINUOUS`.
        options: those fields of `Config` that it reads and some other objective does not.
        no_divergence: why it takes no f-divergence; None if it takes any.
        no_ratio: why its discriminator's scores are no log-ratio of samples, by which one could choose among
            them; None if they are.
        token_credit: whether it may weigh every token of the vocabulary.
        defaults: values of `Config` that suit it better than the usual ones.
    """

    name: str
    about: str
    family: str
    samples: tuple[str, ...]
    options: tuple[str, ...] = ()
    no_divergence: str | None = None
    no_ratio: str | None = None
    token_credit: bool = False
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


_WASSERSTEIN = "its critic estimates the Wasserstein distance, which is no f-divergence"
_DISTANCE = "its critic estimates a distance"

OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        Objective(
            name="importance",
            about="normalised importance weights over the draws",
            family=SCORE_FUNCTION,
            samples=(TOKENS,),
            options=(*CREDIT_OPTIONS, "prefixes"),
            token_credit=True,
        ),
        Objective(
            name="partition",
            about="importance weights normalised by a running estimate of the partition function",
            family=SCORE_FUNCTION,
            samples=(TOKENS,),
            options=CREDIT_OPTIONS,
        ),
        Objective(
            name="reinforce",
            about="reverse KL by the score-function estimator",
            family=SCORE_FUNCTION,
            samples=(TOKENS,),
            options=(*CREDIT_OPTIONS, "prefixes"),
            token_credit=True,
        ),
        Objective(
            name="constant",
            about="the control: constant weights, so nothing reaches the generator",
            family=SCORE_FUNCTION,
            samples=(TOKENS,),
            options=DRAW_OPTIONS,
            no_divergence="its generator does not use what the discriminator says",
        ),
        Objective(
            name="wgan",
            about="Wasserstein GAN with clipped weights",
            family=PATHWISE,
            samples=(TOKENS, CONTINUOUS),
            options=(*DISCRIMINATOR_OPTIONS, "weight_clip"),
            no_divergence=_WASSERSTEIN,
            no_ratio=_DISTANCE,
            defaults={
                "spectral_norm": False,
                "batch_norm": False,
                "discriminator_steps": 3,
                "generator_lr": 1e-3,
                "discriminator_lr": 1e-3,
            },
        ),
        Objective(
            name="wgan-gp",
            about="Wasserstein GAN with a gradient penalty",
            family=PATHWISE,
            samples=(TOKENS, CONTINUOUS),
            options=(*DISCRIMINATOR_OPTIONS, "gradient_penalty"),
            no_divergence=_WASSERSTEIN,
            no_ratio=_DISTANCE,
            defaults={"spectral_norm": False, "batch_norm": False, "discriminator_lr": 2e-3},
        ),
        Objective(
            name="gan-relaxed",
            about="the original GAN on softmax outputs",
            family=PATHWISE,
            samples=(TOKENS,),
            options=DISCRIMINATOR_OPTIONS,
            no_ratio="its discriminator has seen softmax outputs, never samples",
        ),
        Objective(
            name="gumbel",
            about="the original GAN on straight-through Gumbel-softmax draws",
            family=PATHWISE,
            samples=(TOKENS,),
            options=(*DISCRIMINATOR_OPTIONS, "gumbel_start", "gumbel_end"),
            defaults={"generator_lr": 4e-3},
        ),
        Objective(
            name="mle",
            about="maximum likelihood",
            family=LIKELIHOOD,
            samples=(TOKENS,),
            no_divergence="it descends KL(data || generator) itself, without a discriminator",
            no_ratio="it has no discriminator",
        ),
        Objective(
            name="implicit",
            about="the bound, with the generator's log-ratio to a frozen copy as the score",
            family=IMPLICIT,
            samples=(TOKENS,),
            options=("reference_steps",),
            no_ratio="its score compares the generator with an earlier one",
        ),
        Objective(
            name="gan",
            about="the saturating loss: the bound that the discriminator ascends",
            family=PATHWISE,
            samples=(CONTINUOUS,),
            options=CONTINUOUS_OPTIONS,
        ),
        Objective(
            name="non-saturating",
            about="the non-saturating loss, log D for `gan` and `js` (the paper's proxy)",
            family=PATHWISE,
            samples=(CONTINUOUS,),
            options=CONTINUOUS_OPTIONS,
        ),
        Objective(
            name="bgan",
            about="boundary seeking: half the squared log-ratio",
            family=PATHWISE,
            samples=(CONTINUOUS,),
            options=CONTINUOUS_OPTIONS,
        ),
        Objective(
            name="lsgan",
            about="least squares",
            family=PATHWISE,
            samples=(CONTINUOUS,),
            options=CONTINUOUS_OPTIONS,
            no_divergence="its discriminator fits its scores to 0 and 1 by least squares",
            no_ratio="its scores are fitted to 0 and 1",
        ),
    )
}

_OPTIONAL = {name for objective in OBJECTIVES.values() for name in objective.options}


def objectives_on(samples: str) -> tuple[str, ...]:
    """The names of the objectives that train on `TOKENS` or on `CONTINUOUS` images."""
    return tuple(name for name, objective in OBJECTIVES.items() if samples in objective.samples)


def objectives_with_token_credit() -> list[str]:
    """The objectives that can weigh every token of the vocabulary."""
    return [name for name, row in OBJECTIVES.items() if row.token_credit]


def objectives_reading(option: str) -> tuple[str, ...]:
    """The names of the objectives that read an option; empty if all of them do."""
    if option == "divergence":
        return tuple(name for name, objective in OBJECTIVES.items() if objective.no_divergence is None)
    return tuple(name for name, objective in OBJECTIVES.items() if option in objective.options)


def readers_of(option: str) -> str:
    """Which objectives read an option, in words for its help; empty if all of them do."""
    readers = objectives_reading(option)
    others = [name for name in OBJECTIVES if name not in readers]
    if not readers or not others:
        return ""
    return f"; for {', '.join(readers)}" if len(readers) < len(others) else f"; not for {', '.join(others)}"


def needs_likelihood(objective: str) -> bool:
    """Whether an objective needs the log-probability of given samples."""
    return OBJECTIVES[objective].family in (LIKELIHOOD, IMPLICIT)


def has_discriminator(objective: str) -> bool:
    """Whether an objective trains a discriminator, a net beside the generator."""
    return OBJECTIVES[objective].family not in (LIKELIHOOD, IMPLICIT)


def unused_options(objective: str, credit: str = "sequence", divergence: str = "js") -> set[str]:
    """Fields of `Config` that an objective does not read with that credit and that divergence."""
    row = OBJECTIVES[objective]
    unused = _OPTIONAL - set(row.options)
    unused |= set(NOT_WITH_TOKEN_CREDIT) if credit == TOKEN_CREDIT else {"prefixes"}
    if row.no_divergence is not None:
        return unused | {"divergence", "alpha"}
    return unused if divergence == "alpha" else unused | {"alpha"}
