"""The residual block of the convolutional nets for sequences.

Sequences have the shape (rows, width, 1, positions) in channels-last memory: images that are one pixel high.
On a CPU, two-dimensional channels-last convolutions run several times faster than one-dimensional ones,
and twice as fast again in bfloat16.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

KERNEL = 5
RESIDUAL_SCALE = 0.3


def convolution(width_in: int, width_out: int, *, spectral: bool = False, causal: bool = False) -> nn.Module:
    """A 5-wide convolution along the positions, which keeps their number; a causal one looks only back."""
    layer: nn.Module = nn.Conv2d(width_in, width_out, (1, KERNEL), padding=(0, 0 if causal else KERNEL // 2))
    if spectral:
        layer = spectral_norm(layer)
    return nn.Sequential(nn.ZeroPad2d((KERNEL - 1, 0, 0, 0)), layer) if causal else layer


class ResidualBlock(nn.Module):
    """x + 0.3 * conv(act(norm(conv(act(norm(x)))))), Gulrajani et al. 2017, appendix C (language).

    The generator normalises over the batch and uses ReLU; the discriminator uses leaky ReLU 0.2 and,
    by default, spectral normalisation of its weights.
    """

    def __init__(
        self,
        width: int,
        *,
        batch_norm: bool = False,
        slope: float,
        spectral: bool = False,
        causal: bool = False,
    ) -> None:
        super().__init__()

        def half(*, inplace: bool) -> list[nn.Module]:
            norm = [nn.BatchNorm2d(width)] if batch_norm else []
            activation = nn.LeakyReLU(slope, inplace=inplace)
            return [*norm, activation, convolution(width, width, spectral=spectral, causal=causal)]

        # An activation may overwrite its input only if nothing else reads it.
        self.body = nn.Sequential(*half(inplace=batch_norm), *half(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """(rows, width, 1, positions) -> the same shape."""
        return torch.add(x, self.body(x), alpha=RESIDUAL_SCALE)


def as_image(x: Tensor) -> Tensor:
    """(rows, positions, width) -> a (rows, width, 1, positions) view in channels-last memory."""
    return x.transpose(1, 2).unsqueeze(2)


def as_rows(x: Tensor) -> Tensor:
    """(rows, width, 1, positions) -> a (rows, positions, width) view."""
    return x.squeeze(2).transpose(1, 2)


def normalise(net: nn.Module, device: str) -> None:
    """Compute the normalised weights of a forward pass, which the layers then take from the cache.

    In full precision, because autocast on a GPU would run the power iteration in bfloat16.
    """
    with torch.autocast(device, enabled=False):
        for layer in net.modules():
            if parametrize.is_parametrized(layer, "weight"):
                _ = layer.weight
