"""All that a training run carries from one step to the next."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bgan_text.config import CLASSIFIER, CONTINUOUS, OF_CONTINUOUS_IMAGES, OF_TOKENS, Config
from bgan_text.errors import UserError
from bgan_text.models.classifier import ImageClassifier, LabelDiscriminator
from bgan_text.models.dcgan import HIDDEN
from bgan_text.models.discriminators import (
    ContinuousImageDiscriminator,
    ConvolutionalDiscriminator,
    PrefixDiscriminator,
    QuantisedImageDiscriminator,
)
from bgan_text.models.generators import (
    GENERATORS,
    ContinuousImageGenerator,
    Generator,
    QuantisedImageGenerator,
)
from bgan_text.objectives.weights import RunningStatistics
from bgan_text.space import LabelSpace, PixelSpace, Space, TokenSpace

AnyGenerator = Generator | ImageClassifier
UnconditionalDiscriminator = (
    ConvolutionalDiscriminator
    | QuantisedImageDiscriminator
    | ContinuousImageDiscriminator
    | PrefixDiscriminator
)
AnyDiscriminator = UnconditionalDiscriminator | LabelDiscriminator


@dataclass
class State:
    """Nets, weight average, optimizers, random stream and counters.

    `elapsed` is training time in seconds; `nonfinite` becomes 1 when a loss or gradient is not finite, and
    then keeps every later update from happening.
    """

    generator: AnyGenerator
    average: AveragedModel
    discriminator: AnyDiscriminator
    generator_optimizer: torch.optim.Adam
    discriminator_optimizer: torch.optim.Adam
    running: RunningStatistics
    rng: torch.Generator
    nonfinite: Tensor
    step: int = 0
    elapsed: float = 0.0

    @classmethod
    def fresh(cls, config: Config, space: Space, device: torch.device) -> "State":
        """An untrained state; its initial weights follow from `config.seed` alone.

        Raises:
            UserError: the objective is not one of such a space, or the batch is too small for batch
                normalisation.
        """
        _refuse_what_does_not_fit(config, space)
        generator, discriminator = _nets(config, space)
        generator.to(device)
        discriminator.to(device)
        average = AveragedModel(
            generator, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay), use_buffers=True
        )
        average.eval().requires_grad_(False)
        betas = (config.beta1, config.beta2)
        return cls(
            generator=generator,
            average=average,
            discriminator=discriminator,
            generator_optimizer=torch.optim.Adam(
                generator.parameters(), config.generator_lr, betas, fused=True
            ),
            discriminator_optimizer=torch.optim.Adam(
                discriminator.parameters(), config.discriminator_lr, betas, fused=True
            ),
            running=RunningStatistics.fresh(device, _scores_of_a_sample(config, space)),
            rng=torch.Generator(device).manual_seed(config.seed),
            nonfinite=torch.zeros((), device=device),
        )

    @property
    def device(self) -> torch.device:
        return self.nonfinite.device

    def sampler(self, *, average: bool = True) -> nn.Module:
        """The generator to sample from: the weight average, or the weights of the last step."""
        return self.average.module if average else self.generator

    def optimizers(self) -> Iterator[tuple[str, torch.optim.Adam, nn.Module]]:
        """Each optimizer with its name and the net it updates."""
        yield "generator", self.generator_optimizer, self.generator
        yield "discriminator", self.discriminator_optimizer, self.discriminator


def make_generator(config: Config, space: Space) -> AnyGenerator:
    """An untrained generator, initialised from torch's global random stream."""
    if isinstance(space, LabelSpace):
        return ImageClassifier(space, width=config.width)
    if isinstance(space, PixelSpace):
        return ContinuousImageGenerator(space, width=config.width, noise=config.noise)
    if space.shape is not None and config.generator == "conv":
        return QuantisedImageGenerator(space, width=config.width, noise=config.noise)
    layout: dict[str, Any] = {"width": config.width, "blocks": config.blocks, "noise": config.noise}
    if config.plain_nets:
        layout["plain"] = True
    return GENERATORS[config.generator](space, **layout)


def _make_discriminator(config: Config, space: Space) -> AnyDiscriminator:
    width, spectral = config.discriminator_width, config.spectral_norm
    if isinstance(space, LabelSpace):
        return LabelDiscriminator(space, width=width, spectral=spectral)
    if isinstance(space, PixelSpace):
        return ContinuousImageDiscriminator(
            space, width=width, spectral=spectral, hidden=HIDDEN * width, batch_norm=config.batch_norm
        )
    if space.shape is not None and config.credit == "sequence":
        return QuantisedImageDiscriminator(space, width=width, spectral=spectral, hidden=HIDDEN * width)
    blocks = config.discriminator_blocks
    if config.credit == "prefix":
        return PrefixDiscriminator(space, width=width, blocks=blocks, spectral=spectral)
    return ConvolutionalDiscriminator(
        space, width=width, blocks=blocks, spectral=spectral, plain=config.plain_nets
    )


def _refuse_what_does_not_fit(config: Config, space: Space) -> None:
    if isinstance(space, LabelSpace):
        assert config.generator == CLASSIFIER, "labels are what a classifier generates"
    elif config.generator == CLASSIFIER:
        raise UserError(
            f"--generator {CLASSIFIER} labels images whose pixels are real numbers: prepare images that "
            "have labels, such as cifar10, with --colors none"
        )
    elif isinstance(space, PixelSpace):
        if config.objective not in OF_CONTINUOUS_IMAGES:
            raise UserError(
                f"--objective {config.objective} wants tokens, and the pixels are real numbers: choose from "
                f"{', '.join(OF_CONTINUOUS_IMAGES)}, or prepare with --colors 2 to 256"
            )
    elif config.objective in CONTINUOUS:
        raise UserError(
            f"--objective {config.objective} wants pixels that are real numbers: prepare with --colors none, "
            f"or choose from {', '.join(OF_TOKENS)}"
        )
    elif config.generator == "conv" and config.batch * space.positions < 2:
        raise UserError("--batch 1 of samples of length 1 has no spread to normalise: raise --batch")


def _nets(config: Config, space: Space) -> tuple[AnyGenerator, AnyDiscriminator]:
    # Layers initialise from torch's global stream. It is set here and put back, so that the nets
    # follow from the seed and the caller's stream is left as it was.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)
        return make_generator(config, space), _make_discriminator(config, space)


def _scores_of_a_sample(config: Config, space: Space) -> tuple[int, ...]:
    """One score, or one for each prefix."""
    return (space.positions,) if config.credit == "prefix" and isinstance(space, TokenSpace) else ()


def parameter_count(net: nn.Module) -> int:
    """How many numbers a net learns."""
    return sum(parameter.numel() for parameter in net.parameters())
