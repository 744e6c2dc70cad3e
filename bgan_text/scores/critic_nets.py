"""The nets of critics: for sequences, quantised images and continuous images."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bgan_text.models.discriminators import (
    ContinuousImageDiscriminator,
    ConvolutionalDiscriminator,
    QuantisedImageDiscriminator,
)
from bgan_text.space import PixelSpace, TokenSpace

Net = ConvolutionalDiscriminator | QuantisedImageDiscriminator | ContinuousImageDiscriminator

EMBEDDING_SCALE = 0.3
"""Of the initial embedding: chance directions of rare tokens would teach a critic its rows by heart."""


@dataclass(frozen=True)
class CriticNet:
    """A net without spectral normalisation, and the dense layer that it ends with.

    `dense`: the layer's name in the net. `places`: how many positions of a sequence, or cells of the
    smallest image of a pyramid, the layer weighs one by one.
    """

    net: Net
    dense: str
    places: int

    @property
    def weight(self) -> nn.Parameter:
        """(1, inputs) weights of the dense layer."""
        return self.net.get_parameter(f"{self.dense}.weight")

    def scaled(self, scale: float) -> dict[str, Tensor]:
        """A copy of the net's weights with its scores multiplied by `scale`."""
        dense = {f"{self.dense}.weight", f"{self.dense}.bias"}
        return {
            name: weight * (scale if name in dense else 1.0) for name, weight in self.net.state_dict().items()
        }


def fresh(space: TokenSpace | PixelSpace, *, width: int, blocks: int, seed: int) -> CriticNet:
    """A critic that starts as the mean over places of one small function of a place's surroundings.

    Args:
        space: of what it is to score.
        width: channels of a sequence's net, or of an image's at full size.
        blocks: of a sequence's net; an image's has as many layers as its side asks for.
        seed: of the weights.
    """
    with torch.random.fork_rng(devices=[]):  # layers initialise from the global stream: set it, put it back
        torch.default_generator.manual_seed(seed)
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
    if weight.shape == (2, 1):  # by chance the two colours of an image could look the same
        weight.copy_(torch.tensor([[-1.0], [1.0]]))
    elif isinstance(net, ConvolutionalDiscriminator):
        weight *= EMBEDDING_SCALE


def _start_dense(critic: CriticNet) -> None:
    dense, places = critic.weight, critic.places
    if isinstance(
        critic.net, ConvolutionalDiscriminator
    ):  # its inputs come position by position, an image's by channel
        dense.data = dense.data.view(places, -1).mean(dim=0).repeat(places).unsqueeze(0)
    else:
        dense.data = dense.data.view(-1, places).mean(dim=1).repeat_interleave(places).unsqueeze(0)
