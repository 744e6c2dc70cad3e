"""The gradient penalty of a Wasserstein critic."""

import torch
from torch import Tensor, nn

from bgan_text.models.discriminators import Relaxable

LEAST_SQUARE = 1e-12
"""The least squared gradient norm: the square root has no derivative at 0."""


def gradient_norms(
    net: Relaxable,
    one: Tensor,
    other: Tensor,
    mix: Tensor,
    *,
    graph: bool = False,
) -> Tensor:
    """Norm of the score's gradient with respect to a point between two relaxed samples.

    The net sees a point x of shape (L, V) only as x W, where W is the (V, width) embedding. If g, (L,
    width), is the gradient with respect to x W, then g W' is the gradient with respect to x, and its squared
    norm is the sum over positions of g (W' W) g'. So no (K, L, V) tensor is needed. Continuous images are
    not embedded.

    Source: Gulrajani et al., "Improved training of Wasserstein GANs", 2017, section 4.

    Args:
        net: the discriminator.
        one: (K, L, width) embedded sequences, or (K, channels, height, width) images.
        other: K more of the same.
        mix: (K,) float, 0 at `one` and 1 at `other`.
        graph: whether the result will be differentiated with respect to the weights.

    Returns:
        (K,) float.
    """
    with torch.enable_grad():
        between = torch.lerp(one, other, mix.view(-1, *[1] * (one.dim() - 1)))
        if not between.requires_grad:  # pixels, unlike embeddings, depend on no trained weight
            between.requires_grad_()
        (gradient,) = torch.autograd.grad(net.score_embedded(between).sum(), between, create_graph=graph)
        metric = gradient
        if isinstance(net.embedding, nn.Embedding):
            metric = gradient @ (net.embedding.weight.T @ net.embedding.weight)
        square = (metric * gradient).flatten(1).sum(dim=1)
    return square.clamp(min=LEAST_SQUARE).sqrt()


def penalty(norms: Tensor) -> Tensor:
    """Mean of (norm - 1)^2, the two-sided penalty: (K,) -> scalar."""
    return (norms - 1.0).square().mean()
