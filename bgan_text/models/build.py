"""Which net is built for which samples: one row for each.

A net of yours needs no row: `train(..., generator=Yours)` builds `Yours(space, config)`, see
`docs/extending.md`.
"""

from collections.abc import Callable
from typing import Any

from torch import nn

from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.initialisation import seeded_initialisation
from bgan_text.models.classifier import ImageClassifier, LabelDiscriminator
from bgan_text.models.dcgan import HIDDEN
from bgan_text.models.discriminators import (
    ContinuousImageDiscriminator,
    ConvolutionalDiscriminator,
    PrefixDiscriminator,
    QuantisedImageDiscriminator,
)
from bgan_text.models.distributions import FactorisedDistribution
from bgan_text.models.generators import (
    ContinuousImageGenerator,
    ConvolutionalGenerator,
    QuantisedImageGenerator,
    RecurrentGenerator,
)
from bgan_text.models.token_discriminator import RecurrentBody, TokenDiscriminator
from bgan_text.models.transformer import CausalTransformer, TransformerGenerator
from bgan_text.objective_table import IMPLICIT, OBJECTIVES
from bgan_text.setting import is_custom
from bgan_text.space import CONTINUOUS_IMAGES, QUANTISED_IMAGES, LabelSpace, Space, TokenSpace, image_kind

TEXT, LABELS = "text", "labels"
"""What samples are, beside the two kinds of images."""

Builder = Callable[[Any, Config], nn.Module]
"""(space, config) -> an untrained net; the constructor of a net of the user's is one."""


def kind_of(space: Space) -> str:
    """`TEXT`, `LABELS`, `QUANTISED_IMAGES` or `CONTINUOUS_IMAGES`."""
    return LABELS if isinstance(space, LabelSpace) else image_kind(space) or TEXT


def _conv(space: Any, config: Config) -> nn.Module:
    return ConvolutionalGenerator(
        space, width=config.width, blocks=config.blocks, noise=config.noise, plain=config.plain_nets
    )


def _rnn(space: Any, config: Config) -> nn.Module:
    return RecurrentGenerator(space, width=config.width, blocks=config.blocks, noise=config.noise)


def _transformer(space: Any, config: Config) -> nn.Module:
    return TransformerGenerator(
        space, width=config.width, blocks=config.blocks, heads=config.heads, noise=config.noise
    )


GENERATORS: dict[tuple[str, str], Builder] = {
    (TEXT, "conv"): _conv,
    (TEXT, "rnn"): _rnn,
    (TEXT, "transformer"): _transformer,
    (QUANTISED_IMAGES, "conv"): lambda space, config: QuantisedImageGenerator(
        space, width=config.width, noise=config.noise
    ),
    (QUANTISED_IMAGES, "rnn"): _rnn,
    (QUANTISED_IMAGES, "transformer"): _transformer,
    (CONTINUOUS_IMAGES, "conv"): lambda space, config: ContinuousImageGenerator(
        space, width=config.width, noise=config.noise
    ),
    (LABELS, "classifier"): lambda space, config: ImageClassifier(space, width=config.width),
}
"""(kind of samples, `Config.generator`) -> the net."""


def _prefix_discriminator(space: Any, config: Config) -> nn.Module:
    return PrefixDiscriminator(
        space,
        width=config.discriminator_width,
        blocks=config.discriminator_blocks,
        spectral=config.spectral_norm,
    )


def _token_discriminator(space: Any, config: Config) -> nn.Module:
    width, blocks = config.discriminator_width, config.discriminator_blocks
    body: nn.Module
    if config.generator == "transformer":
        body = CausalTransformer(width, blocks=blocks, heads=config.heads, positions=space.positions)
    else:
        body = RecurrentBody(width, blocks=blocks)
    return TokenDiscriminator(space, body, width=width)


DISCRIMINATORS: dict[tuple[str, str], Builder] = {
    (TEXT, "sequence"): lambda space, config: ConvolutionalDiscriminator(
        space,
        width=config.discriminator_width,
        blocks=config.discriminator_blocks,
        spectral=config.spectral_norm,
        plain=config.plain_nets,
    ),
    (TEXT, "prefix"): _prefix_discriminator,
    (TEXT, "token"): _token_discriminator,
    (QUANTISED_IMAGES, "sequence"): lambda space, config: QuantisedImageDiscriminator(
        space,
        width=config.discriminator_width,
        spectral=config.spectral_norm,
        hidden=HIDDEN * config.discriminator_width,
    ),
    (QUANTISED_IMAGES, "prefix"): _prefix_discriminator,
    (QUANTISED_IMAGES, "token"): _token_discriminator,
    (CONTINUOUS_IMAGES, "sequence"): lambda space, config: ContinuousImageDiscriminator(
        space,
        width=config.discriminator_width,
        spectral=config.spectral_norm,
        hidden=HIDDEN * config.discriminator_width,
        batch_norm=config.batch_norm,
    ),
    (LABELS, "sequence"): lambda space, config: LabelDiscriminator(
        space, width=config.discriminator_width, spectral=config.spectral_norm
    ),
}
"""(kind of samples, `Config.credit`) -> the net."""


def build_generator(config: Config, space: Space, custom: Builder | None = None) -> nn.Module:
    """An untrained generator, initialised from torch's global random stream; see `build_nets`.

    Args:
        config: its sizes.
        space: what it generates.
        custom: the user's own class, where `config.generator` names one.

    Raises:
        UserError: there is no such net for these samples, or the user's own was not passed.
    """
    if custom is not None:
        net = _built("generator", config.generator, custom, space, config)
        net.register_forward_hook(_without_absent(space))
        return net
    if is_custom(config.generator):
        raise UserError(missing("generator", config.generator))
    return _known(GENERATORS, "generator", kind_of(space), config.generator)(space, config)


def build_discriminator(config: Config, space: Space, custom: Builder | None = None) -> nn.Module:
    """An untrained discriminator, likewise."""
    if custom is not None:
        return _built("discriminator", str(config.discriminator), custom, space, config)
    if config.discriminator is not None:
        raise UserError(missing("discriminator", config.discriminator))
    return _known(DISCRIMINATORS, "credit", kind_of(space), config.credit)(space, config)


def _without_absent(space: Space) -> Callable[[Any, Any, Any], Any]:
    """A hook that keeps a net of the user's, too, from drawing the token that the data never hold.

    Token-by-token nets have it from their own `space`. A distribution of the user's own class is left to it.
    """

    def hook(net: Any, inputs: Any, conditional: Any) -> Any:
        if isinstance(space, TokenSpace) and type(conditional) is FactorisedDistribution:
            return FactorisedDistribution(conditional.logits, space.absent)
        return conditional

    return hook


def _built(part: str, name: str, custom: Builder, space: Space, config: Config) -> nn.Module:
    """A net of the user's; whatever goes wrong in its constructor is said in one line."""
    try:
        net = custom(space, config)
    except Exception as error:
        raise UserError(f"`{part}` {name} fails when called with (space, config): {error!r}") from error
    if not isinstance(net, nn.Module) or not any(True for _ in net.parameters()):
        kind = type(net).__name__
        raise UserError(f"`{part}` {name} gives a {kind}: a torch.nn.Module with parameters is needed")
    return net


def missing(part: str, name: str) -> str:
    """The line that asks for a part that the package does not have."""
    return f"`{part}` {name} is not part of bgan-text: pass it, since a run folder alone never imports code"


def _known(table: dict[tuple[str, str], Builder], option: str, kind: str, name: str) -> Builder:
    if (kind, name) in table:
        return table[kind, name]
    names = ", ".join(name for key, name in table if key == kind)
    raise UserError(f"`{option}` {name} does not make {kind}: choose {names}")


def build_nets(
    config: Config, space: Space, generator: Builder | None = None, discriminator: Builder | None = None
) -> tuple[nn.Module, nn.Module]:
    """Both nets; their initial weights follow from `config.seed` alone."""
    with seeded_initialisation(config.seed):
        made = build_generator(config, space, generator)
        if OBJECTIVES[config.objective].family == IMPLICIT:
            return made, build_generator(config, space, generator)  # the frozen copy
        return made, build_discriminator(config, space, discriminator)
