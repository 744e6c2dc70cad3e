"""The moving average of a generator's weights, kept without waiting for the device."""

from itertools import chain

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class WeightAverage(AveragedModel):
    """An exponential moving average of a net's parameters and buffers.

    `AveragedModel` copies its counter to the device at every update, and such a copy waits until the device
    has done all that was asked of it before. Here the counter stays on the host. The numbers are the same.

    Args:
        net: whose weights are averaged; the first update copies them.
        decay: what an update keeps of the average, 0 .. 1.

    Example:
        >>> net = nn.Linear(1, 1)
        >>> average = WeightAverage(net, 0.9)
        >>> average.update_parameters(net)
        >>> bool(average.module.weight == net.weight)
        True
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        super().__init__(net, use_buffers=True)
        self.decay = decay
        for layer in self.module.modules():
            if isinstance(layer, nn.RNNBase):  # its copied weights lie apart, which slows cuDNN down
                layer.flatten_parameters()
        self.eval().requires_grad_(False)

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take in the weights of `model`."""
        pairs = list(zip(_tensors(self.module), _tensors(model), strict=True))
        if self.n_averaged == 0:  # on the host
            for kept, new in pairs:
                kept.copy_(new)
        else:
            for dtype in {kept.dtype for kept, _ in pairs}:
                alike = [pair for pair in pairs if pair[0].dtype is dtype]
                self._mix([kept for kept, _ in alike], [new for _, new in alike])
        self.n_averaged += 1

    def _mix(self, kept: list[Tensor], new: list[Tensor]) -> None:
        if kept[0].is_floating_point():
            torch._foreach_lerp_(kept, new, 1 - self.decay)
            return
        for old, now in zip(kept, new, strict=True):  # counters
            old.copy_(old * self.decay + now * (1 - self.decay))


def _tensors(net: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in chain(net.parameters(), net.buffers())]
