"""The convolutions of DCGAN (Radford et al. 2016): noise -> features of pixels, and pixels -> score.

Strided 4-wide convolutions halve each side as long as it is even and more than `SMALLEST`: 28, 14, 7 or 32,
16, 8, 4. Each halving doubles the number of channels, up to `WIDEST` times the number at full size.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

from bgan_text.errors import UserError
from bgan_text.models.layers import normalise

KERNEL = 4
SMALLEST = 7
WIDEST = 8
SLOPE = 0.2
HIDDEN = 8
"""Units of a discriminator's hidden layer, as a multiple of its width."""


def halvings(height: int, width: int) -> int:
    """How often both sides of an image can be halved before one of them is odd or small.

    Raises:
        UserError: the smallest size that is reached is still too large.
    """
    count = 0
    small, large = sorted((height, width))
    while small % 2 == 0 and large % 2 == 0 and small > SMALLEST:
        small, large, count = small // 2, large // 2, count + 1
    if large > 2 * SMALLEST:
        raise UserError(
            f"images of {width} x {height} pixels cannot be halved down to {2 * SMALLEST} or fewer: sides "
            "such as 28, 32 or 64 are needed; prepare with another `size`"
        )
    return count


def widths(width: int, levels: int) -> list[int]:
    """Channels of each level, from full size down: doubled at each, up to `WIDEST` times."""
    return [width * min(2**level, WIDEST) for level in range(levels)]


class TransposedConvolutions(nn.Module):
    """Noise -> features of each pixel.

    A dense layer, then transposed convolutions with batch norm and ReLU.
    """

    def __init__(self, height: int, width: int, *, features: int, noise: int) -> None:
        super().__init__()
        count = halvings(height, width)
        self.low = height // 2**count, width // 2**count
        channels = widths(features, count + 1)[::-1]
        self.channels = channels[0]
        self.dense = nn.Linear(noise, channels[0] * self.low[0] * self.low[1])
        layers: list[nn.Module] = [nn.BatchNorm2d(channels[0]), nn.ReLU(inplace=True)]
        for wide, narrow in pairwise(channels):
            layers += [
                nn.ConvTranspose2d(wide, narrow, KERNEL, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(narrow),
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, noise: Tensor) -> Tensor:
        """(N, Z) -> (N, features, height, width)."""
        x = self.dense(noise).view(-1, *self.low, self.channels)
        features: Tensor = self.layers(x.permute(0, 3, 1, 2))
        return features


class StridedConvolutions(nn.Module):
    """(K, channels, height, width) -> (K,): strided convolutions with leaky ReLU, then dense layers.

    Args:
        height: of the images.
        width: of the images.
        channels: of the images.
        features: channels of the first convolution.
        spectral: spectral normalisation of all weights.
        hidden: units of a dense layer before the last, which sees the image as a whole; 0 leaves it out.
        batch_norm: over the K images of a call, in every layer but the first (Radford et al. 2016,
            section 3). In evaluation mode as well: running statistics would mix real and generated images.

    Attributes:
        places: the number of pixels that the convolutions leave.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        channels: int,
        features: int,
        spectral: bool,
        hidden: int = 0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        count = halvings(height, width)

        def maybe_normed(layer: nn.Module) -> nn.Module:
            return spectral_norm(layer) if spectral else layer

        layers: list[nn.Module] = []
        for level, wide in enumerate(widths(features, count)):
            layers.append(maybe_normed(nn.Conv2d(channels, wide, KERNEL, stride=2, padding=1)))
            if batch_norm and level > 0:
                layers.append(nn.BatchNorm2d(wide, track_running_stats=False))
            layers.append(nn.LeakyReLU(SLOPE, inplace=True))
            channels = wide
        self.places = (height // 2**count) * (width // 2**count)
        layers.append(nn.Flatten())
        seen = channels * self.places
        if hidden:
            layers += [maybe_normed(nn.Linear(seen, hidden)), nn.LeakyReLU(SLOPE, inplace=True)]
        self.layers = nn.Sequential(*layers)
        self.dense = maybe_normed(nn.Linear(hidden or seen, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        with parametrize.cached():
            normalise(self, pixels.device.type)
            scores: Tensor = self.dense(self.layers(pixels))
        return scores.squeeze(1).float()
