"""What several processes must agree on in a step: gradients, numbers, batch normalisation.

Gradients are averaged in one flat all-reduce between the backward pass and the update.
DistributedDataParallel would do the same from hooks of one `forward` for each `backward`. Here a step runs a
net several times, by methods other than `forward`, with and without gradients, and differentiates a gradient
(the penalty of wgan-gp); token credit takes a batch in groups and adds their gradients up. A net is small
beside its activations, so little is lost by not overlapping the all-reduce with the backward pass.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from bgan_text.group import Group


def mean_gradients(parameters: Iterable[nn.Parameter], loss: Tensor, group: Group) -> Tensor:
    """Replace gradients by their means over the processes; return the mean of the loss, a scalar."""
    if group.size == 1:
        return loss
    taught = [parameter for parameter in parameters if parameter.grad is not None]
    gradients = [parameter.grad.flatten() for parameter in taught if parameter.grad is not None]
    flat = torch.cat([*gradients, loss.float().view(1)])
    group.average(flat)
    *means, mean_loss = flat.split([*(gradient.numel() for gradient in gradients), 1])
    for parameter, mean in zip(taught, means, strict=True):
        if parameter.is_contiguous():
            parameter.grad = mean.view_as(parameter)  # nothing is copied back
        elif parameter.grad is not None:
            parameter.grad.copy_(mean.view_as(parameter))
    mean_of_loss: Tensor = mean_loss.view(())
    return mean_of_loss


def mean_numbers(numbers: dict[str, Tensor], group: Group) -> dict[str, Tensor]:
    """The means over the processes of scalars, by name."""
    if group.size == 1 or not numbers:
        return numbers
    means = group.mean(torch.stack([number.detach().float() for number in numbers.values()]))
    return dict(zip(numbers, means.unbind(), strict=True))


def batch_variance(values: Tensor, group: Group) -> Tensor:
    """The variance over all elements; with several processes a number whose mean over them is that."""
    variance = values.var(correction=0)
    if group.size == 1:
        return variance
    mean = values.mean()
    return variance + (mean - group.mean(mean)).square()


def synchronise(net: nn.Module, group: Group) -> None:
    """Let a net's batch normalisation take its statistics from the rows of all processes.

    On GPUs by `torch.nn.SyncBatchNorm`. torch has none for CPUs, where it is `GlobalBatchNorm`.
    """
    if group.size == 1:
        return
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, _synchronised(child, group))


def _synchronised(norm: nn.BatchNorm2d, group: Group) -> nn.Module:
    """A layer with the same parameters and buffers, which the optimizer knows already."""
    options: dict[str, Any] = {
        "eps": norm.eps,
        "affine": norm.affine,
        "track_running_stats": norm.track_running_stats,
    }
    options["momentum"] = norm.momentum
    made: nn.Module
    on_gpu = next((one.is_cuda for one in (*norm.parameters(), *norm.buffers())), False)
    if on_gpu:
        made = SyncBatchNorm(norm.num_features, **options)
    else:
        made = GlobalBatchNorm(norm.num_features, group, **options)
    for name, parameter in norm.named_parameters():
        setattr(made, name, parameter)
    for name, buffer in norm.named_buffers():
        setattr(made, name, buffer)
    return made.train(norm.training)


class SyncBatchNorm(nn.SyncBatchNorm):
    """torch's, which would take the statistics of its own rows in evaluation mode without running ones."""

    def train(self, mode: bool = True) -> "SyncBatchNorm":
        super().train(mode or not self.track_running_stats)
        return self


class GlobalBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the rows of all processes.

    Args:
        features: the number of channels.
        group: the processes.
        options: as of `torch.nn.BatchNorm2d`.
    """

    def __init__(self, features: int, group: Group, **options: Any) -> None:
        super().__init__(features, **options)
        self.group = group

    def forward(self, input: Tensor) -> Tensor:
        """(rows, channels, height, width) -> the same shape."""
        if not self.training and self.track_running_stats:
            return super().forward(input)
        if self.training and self.track_running_stats:
            assert self.num_batches_tracked is not None
            self.num_batches_tracked.add_(1)
        normalised, mean, variance = _Normalised.apply(input, self.weight, self.bias, self.eps, self.group)
        if self.training and self.track_running_stats:
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.momentum
            count = self.group.size * input.numel() / input.shape[1]
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        result: Tensor = normalised
        return result


CHANNELS = (0, 2, 3)
"""The dimensions over which a channel is normalised."""


class _Normalised(torch.autograd.Function):
    """(x - mean) / sqrt(variance + eps) * weight + bias with mean and variance over all processes.

    The gradient is exact: that of the mean and the variance reaches the rows of every process.
    """

    @staticmethod
    def forward(
        context: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, group: Group
    ) -> tuple[Tensor, Tensor, Tensor]:
        own_variance, own_mean = torch.var_mean(x.float(), CHANNELS, correction=0)
        means, variances = group.gathered(torch.stack([own_mean, own_variance])).unbind(1)
        mean = means.mean(0)
        variance = (variances + (means - mean).square()).mean(0)
        context.save_for_backward(x, mean, (variance + eps).rsqrt(), weight)
        context.group = group
        context.mark_non_differentiable(mean, variance)
        return batch_norm(x, mean, variance, weight, bias, training=False, eps=eps), mean, variance

    @staticmethod
    def backward(context: Any, *gradients: Any) -> Any:
        x, mean, scale, weight = context.saved_tensors
        gradient = gradients[0].float()
        shaped = (1, -1, 1, 1)
        unit = (x.float() - mean.view(shaped)) * scale.view(shaped)
        sums = torch.stack([gradient.sum(CHANNELS), (gradient * unit).sum(CHANNELS)])
        of_bias, of_weight = sums  # of the own rows, as of any parameter
        rows = x.numel() / x.shape[1]
        plain, along = context.group.mean(sums) / rows
        factor = scale if weight is None else scale * weight
        of_x = (gradient - plain.view(shaped) - unit * along.view(shaped)) * factor.view(shaped)
        of_parameters = (None, None) if weight is None else (of_weight, of_bias)
        return of_x.to(x.dtype), *of_parameters, None, None
