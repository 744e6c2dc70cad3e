"""All that a training run carries from one step to the next."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.group import ALONE, Group
from bgan_text.models.build import Builder, build_nets, missing
from bgan_text.models.random_numbers import SharedGenerator
from bgan_text.objective_table import CONTINUOUS, OBJECTIVES, TOKENS, objectives_on
from bgan_text.objectives.divergences import Divergence, divergence_named
from bgan_text.objectives.weights import RunningStatistics
from bgan_text.out_of_memory import out_of_memory
from bgan_text.plugins import may_be, spec_of
from bgan_text.presets import CLASSIFIER
from bgan_text.setting import is_custom
from bgan_text.space import LabelSpace, PixelSpace, Space, TokenSpace
from bgan_text.training.average import WeightAverage
from bgan_text.training.offers import refuse_discriminator, refuse_generator
from bgan_text.training.synchronised import synchronise
from bgan_text.validation_scores import ORACLE, deciding_score

NET_REMEDY = "lower `width`, `discriminator_width`, `blocks` or `noise`"


@dataclass(frozen=True, kw_only=True)
class CustomParts:
    """Parts of a run that are the user's own, in place of those of the package.

    Attributes:
        divergence: what the discriminator bounds.
        generator: called with (space, config), gives a `torch.nn.Module`. What its `forward` returns is
            described in `bgan_text.models.distributions`. Its attributes `space` and `noise` say what it
            generates and from how many numbers.
        discriminator: called with (space, config), gives a `torch.nn.Module` that maps (K, L) int64 tokens
            to (K,) float32 scores.
    """

    divergence: Divergence | None = None
    generator: Builder | None = None
    discriminator: Builder | None = None


@dataclass
class State:
    """Nets, their moving average, optimizers, random stream and counters.

    Attributes:
        divergence: what the discriminator bounds; None for objectives without a divergence.
        elapsed: training time in seconds.
        nonfinite: becomes 1 when a loss or gradient is not finite, and then prevents every later update.
        group: the processes that train these nets together.
    """

    generator: Any
    average: WeightAverage
    discriminator: nn.Module
    generator_optimizer: torch.optim.Adam
    discriminator_optimizer: torch.optim.Adam
    running: RunningStatistics
    rng: torch.Generator
    nonfinite: Tensor
    divergence: Divergence | None
    step: int = 0
    elapsed: float = 0.0
    group: Group = ALONE

    @classmethod
    def fresh(
        cls,
        config: Config,
        space: Space,
        device: torch.device,
        parts: CustomParts | None = None,
        group: Group = ALONE,
    ) -> "State":
        """An untrained state; its initial weights follow from `config.seed` alone.

        Args:
            config: the settings.
            space: what is generated.
            device: where the nets are.
            parts: the user's own, those that `config` names.
            group: the processes that train them together.

        Raises:
            UserError: the objective cannot train on such samples, a net does not offer what it needs, or
                the batch is too small for batch normalisation.
        """
        with out_of_memory("while the nets are built", NET_REMEDY):
            return cls._built(config, space, device, parts or CustomParts(), group)

    @classmethod
    def _built(
        cls, config: Config, space: Space, device: torch.device, parts: CustomParts, group: Group
    ) -> "State":
        _refuse_what_does_not_fit(config, space)
        generator, discriminator = build_nets(config, space, parts.generator, parts.discriminator)
        if parts.generator is not None:
            refuse_generator(config, generator)
        if parts.discriminator is not None:
            refuse_discriminator(config, discriminator, space)
        generator.to(device)
        discriminator.to(device)
        average = WeightAverage(generator, config.ema_decay)
        for net in (generator, discriminator):
            synchronise(net, group)
        betas = (config.beta1, config.beta2)
        return cls(
            generator=generator,
            average=average,
            discriminator=discriminator,
            generator_optimizer=torch.optim.Adam(
                generator.parameters(), config.generator_lr, betas, fused=True
            ),
            discriminator_optimizer=torch.optim.Adam(
                discriminator.parameters(),
                config.discriminator_lr,
                betas,
                weight_decay=config.discriminator_weight_decay,
                decoupled_weight_decay=True,
                fused=True,
            ),
            running=RunningStatistics.fresh(device, score_shape(config, space)),
            rng=_stream(device, group).manual_seed(config.seed),
            nonfinite=torch.zeros((), device=device),
            divergence=_divergence(config, parts),
            group=group,
        )

    @property
    def device(self) -> torch.device:
        """Where the nets are."""
        return self.nonfinite.device

    def sampler(self, *, average: bool = True) -> nn.Module:
        """The generator to sample from: the moving average of the weights, or those of the last step."""
        return self.average.module if average else self.generator

    def optimizers(self) -> Iterator[tuple[str, torch.optim.Adam, nn.Module]]:
        """Each optimizer with its name and the net it updates."""
        yield "generator", self.generator_optimizer, self.generator
        yield "discriminator", self.discriminator_optimizer, self.discriminator


def _stream(device: torch.device, group: Group) -> torch.Generator:
    return torch.Generator(device) if group.size == 1 else SharedGenerator(device, group)


def _divergence(config: Config, parts: CustomParts) -> Divergence | None:
    if OBJECTIVES[config.objective].no_divergence is not None:
        return None
    if parts.divergence is not None:
        if not isinstance(parts.divergence, Divergence):
            kind = type(parts.divergence).__name__
            raise UserError(f"`divergence` {config.divergence} is a {kind}: a `Divergence` is needed")
        return parts.divergence
    if is_custom(config.divergence):
        raise UserError(missing("divergence", config.divergence))
    return divergence_named(config.divergence, config.alpha)


def _refuse_what_does_not_fit(config: Config, space: Space) -> None:
    samples = OBJECTIVES[config.objective].samples
    deciding_score(config.best_by, space, tuple(ORACLE))  # of the data more is known elsewhere
    if isinstance(space, LabelSpace):
        return
    if config.generator == CLASSIFIER:
        raise UserError(
            f"`generator` {CLASSIFIER} labels continuous images: prepare images that have labels, such as "
            "cifar10, with `colors` none"
        )
    if isinstance(space, PixelSpace):
        if CONTINUOUS not in samples:
            raise UserError(
                f"`objective` {config.objective} needs tokens, and these are continuous images: choose "
                f"{', '.join(objectives_on(CONTINUOUS))}, or prepare with `colors` 2 to 256"
            )
    elif TOKENS not in samples:
        raise UserError(
            f"`objective` {config.objective} needs continuous images: prepare with `colors` none, or choose "
            f"{', '.join(objectives_on(TOKENS))}"
        )
    elif config.generator == "conv" and config.batch * space.positions < 2:
        raise UserError("`batch` 1 of samples of length 1 has no variance to normalise: raise `batch`")


def score_shape(config: Config, space: Space) -> tuple[int, ...]:
    """() for one score per sample, (L,) for one per prefix."""
    return (space.positions,) if config.credit == "prefix" and isinstance(space, TokenSpace) else ()


def parameter_count(net: nn.Module) -> int:
    """The number of parameters of a net."""
    return sum(parameter.numel() for parameter in net.parameters())


def refuse_other_parts(folder: Path, config: Config, parts: CustomParts) -> None:
    """Refuse parts of the user's own that are not those that the run was made with."""
    for name, part in vars(parts).items():
        recorded = getattr(config, name) or "the one of the package"
        if part is not None and not (is_custom(recorded) and may_be(part, recorded)):
            raise UserError(f"`{name}` {spec_of(part)} was given, but {folder} was made with {recorded}")
