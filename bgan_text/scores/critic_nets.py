"""Critic networks for sequences, quantised images and continuous images."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bgan_text.initialisation import seeded_initialisation
from bgan_text.models.discriminators import (
    ContinuousImageDiscriminator,
    ConvolutionalDiscriminator,
    QuantisedImageDiscriminator,
)
from bgan_text.space import PixelSpace, TokenSpace

Net = ConvolutionalDiscriminator | QuantisedImageDiscriminator | ContinuousImageDiscriminator

EMBEDDING_SCALE = 0.3
"""Factor of the initial embedding. Large random embeddings of rare tokens let a critic memorise its rows."""


@dataclass(frozen=True)
class CriticNet:
    """A network without spectral normalisation, and its final dense layer.

    Attributes:
        net: The network.
        dense: Name of the final dense layer in the network.
        places: Number of positions that the dense layer weights separately: positions of a sequence, or
            cells of the smallest feature map of an image.
    """

    net: Net
    dense: str
    places: int

    @property
    def weight(self) -> nn.Parameter:
        """(1, inputs) weights of the dense layer."""
        return self.net.get_parameter(f"{self.dense}.weight")

    def scaled(self, scale: float) -> dict[str, Tensor]:
        """Copy of the network's weights, changed so that its scores are multiplied by `scale`."""
        dense = {f"{self.dense}.weight", f"{self.dense}.bias"}
        return {
            name: weight * (scale if name in dense else 1.0) for name, weight in self.net.state_dict().items()
        }


def fresh(space: TokenSpace | PixelSpace, *, width: int, blocks: int, seed: int) -> CriticNet:
    """Create a critic that initially averages one local function over all positions.

    Args:
        space: Space of the critic's input.
        width: Channels of a sequence network, or of an image network at full resolution.
        blocks: Residual blocks of a sequence network. The depth of an image network follows from the size of
            the images.
        seed: Seed of the weights.
    """
    with seeded_initialisation(seed):
        critic = _net(space, width, blocks)
    _start_colours(critic.net)
    _start_dense(critic)
    return critic


def _net(space: TokenSpace | PixelSpace, width: int, blocks: int) -> CriticNet:
    if isinstance(space, TokenSpace) and space.shape is None:
        sequence = ConvolutionalDiscriminator(space, width=width, blocks=blocks, spectral=False)
        return CriticNet(sequence, "dense", space.positions)
    image: QuantisedImageDiscriminator | ContinuousImageDiscriminator
    if isinstance(space, PixelSpace):
        image = ContinuousImageDiscriminator(space, width=width, spectral=False)
    else:
        image = QuantisedImageDiscriminator(space, width=width, spectral=False)
    return CriticNet(image, "image.dense", image.image.places)


def _start_colours(net: Net) -> None:
    if not isinstance(net.embedding, nn.Embedding):
        return
    weight = net.embedding.weight.data
    if weight.shape == (2, 1):  # random embeddings of two colours could nearly coincide
        weight.copy_(torch.tensor([[-1.0], [1.0]]))
    elif isinstance(net, ConvolutionalDiscriminator):
        weight *= EMBEDDING_SCALE


def _start_dense(critic: CriticNet) -> None:
    dense, places = critic.weight, critic.places
    # A sequence network flattens to (position, channel), an image network to (channel, position).
    if isinstance(critic.net, ConvolutionalDiscriminator):
        dense.data = dense.data.view(places, -1).mean(dim=0).repeat(places).unsqueeze(0)
    else:
        dense.data = dense.data.view(-1, places).mean(dim=1).repeat_interleave(places).unsqueeze(0)
