"""Defaults that depend on a published experiment, a divergence, a net or the kind of images.

A module without torch, so that `bgan-text --help` answers at once. Defaults that depend on the objective are
in `bgan_text.objective_table`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bgan_text.space import CONTINUOUS_IMAGES, QUANTISED_IMAGES

Values = Mapping[str, Any]

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
BGAN = {"objective": "importance", "generator": "conv", "credit": "sequence"}
PRESETS: dict[str, Values] = {"bgan": BGAN, "improved-wgan": IMPROVED_WGAN}
"""Settings by the name of the experiment that used them.

`bgan` is the method of Hjelm et al. 2018 for text: a convolutional generator, and M draws weighed for each
noise vector. `improved-wgan` is the character language model of Gulrajani et al. 2017 (appendix C and the
published code, gan_language): its nets, 10 critic steps, Adam.
"""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a generator of the package can do, and which defaults suit it.

    Attributes:
        likelihood: whether its log-probability of a sample can be maximised, as `mle` does.
        prefixes: whether it generates token by token, so that each token can be credited.
        continuous_images: whether it makes continuous images.
        plain: whether it has a form without normalisation.
        defaults: values of `Config` that suit it better than the usual ones.
    """

    likelihood: bool = False
    prefixes: bool = False
    continuous_images: bool = False
    plain: bool = False
    defaults: Values = field(default_factory=lambda: MappingProxyType({}))


TRANSFORMER = "transformer"
CLASSIFIER = "classifier"
"""The generator that labels given images: its samples are labels."""

GENERATORS: dict[str, Architecture] = {
    "conv": Architecture(continuous_images=True, plain=True),
    "rnn": Architecture(likelihood=True, prefixes=True, defaults={"batch": 64, "width": 256, "blocks": 1}),
    TRANSFORMER: Architecture(
        likelihood=True, prefixes=True, defaults={"batch": 64, "width": 128, "blocks": 2}
    ),
    CLASSIFIER: Architecture(
        likelihood=True,
        defaults={
            "objective": "importance",
            "draws": 30,
            "width": 16,
            "discriminator_width": 16,
            "spectral_norm": False,
            "batch_norm": False,
            "discriminator_steps": 3,
            "discriminator_draws": 20,
            "generator_lr": 1e-3,
            "discriminator_lr": 1e-3,
            "beta1": 0.0,
        },
    ),
}
"""The generators of the package by the name that `--generator` takes."""

ALPHA = 0.5
"""Which alpha-divergence `alpha` is unless one is chosen."""

DIVERGENCES: dict[str, Values] = {
    "gan": {},
    "js": {},
    "kl": {},
    "reverse-kl": {},
    "pearson": {"generator_lr": 1e-3, "discriminator_lr": 2e-4},
    "hellinger": {},
    "jeffreys": {},
    "alpha": {},
}
"""The divergences by name, with the defaults that suit them."""

CREDITS: dict[str, Values] = {
    "sequence": {},
    "prefix": {"draws": 3, "width": 128},
    "token": {
        "discriminator_width": 192,
        "generator_lr": 1e-3,
        "discriminator_lr": 2e-3,
        "beta1": 0.0,
        "beta2": 0.999,
    },
}
"""What a score is given to, with the defaults that suit it."""

IMAGES: dict[str, Values] = {
    QUANTISED_IMAGES: {"batch": 64, "width": 32, "discriminator_width": 16},
    CONTINUOUS_IMAGES: {
        "objective": "bgan",
        "batch": 64,
        "width": 32,
        "discriminator_width": 32,
        "spectral_norm": False,
        "batch_norm": True,
        "generator_lr": 5e-4,
        "discriminator_lr": 5e-4,
    },
}
"""The kinds of images, with the defaults that suit them."""
